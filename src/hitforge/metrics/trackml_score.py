"""Score of the TrackML challenge: the weight of the hits that stand on the right track."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import bounded, clopper_pearson, paired
from hitforge.metrics._objects import both_tracks
from hitforge.metrics._sample import definition
from hitforge.objects.track.rules import RULES, Tracks, tracks_of
from hitforge.tasks import Better


class TrackmlScore(Metric):
    """Sum of the weights of hits on tracks that match a particle by double majority, of all hits' weights.

    S. Amrouche et al., arXiv 1904.06778: a track counts if more than half of its hits are those of one particle and
    more than half of that particle's hits are on the track; it then gains the weights of the hits that both have. A
    particle counts once, with its best track. An event's weights are normalised to 1 over the hits of particles that
    are used, and the score is the mean over events.

    - ``trackml_score``: the challenge's, over all particles. A method that looks for particles above a momentum can
      gain the weights of these alone, so it compares momentum cuts rather than methods; no difference is given.
    - ``trackml_score_target``: the same over the particles that the ``target`` asks for (with ``min_seen_hits`` hits or
      more), alike for all methods.

    Where the sample does not say how much each hit weighs, all hits of particles weigh alike; hits of a short or a
    secondary particle, which the challenge gives little or no weight, then count as much as others, and the score is
    not to be compared with the challenge's.
    """

    kind: ClassVar[str | None] = "track"
    headline: ClassVar[tuple[str, ...]] = ("trackml_score_target",)
    version: ClassVar[int] = 2
    better: ClassVar[dict[str, Better]] = {"trackml_score": "max", "trackml_score_target": "max"}

    class Config(config.Config):
        """How the interval is found."""

        replicas: int = Field(1000, ge=100, le=100_000, description="bootstrap replicas")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``trackml_score`` and ``trackml_score_target``; ``n`` is the number of events, which are drawn.

        The second is left out where no particle is to be found.

        Raises:
            DataError: The predictions are not of tracks, or no particle left a hit.
        """
        sample = tracks_of(predictions.tables, self.name, predictions.columns)
        whole = _scores(sample, np.ones(len(sample.event), bool))
        if not len(whole.each):
            raise DataError(f"'{self.name}' needs hits of particles", came=f"none in {sample.events} events")
        values = {self.name: self._value(whole, "particles", seed)}
        asked = _scores(sample, self._asked(sample))
        if len(asked.each):
            values[f"{self.name}_target"] = self._value(asked, self._cuts, seed)
        return Result(values)

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure the paired difference first - second, ``trackml_score_target_difference``, on the same events."""
        one, two = (_scores(sample, self._asked(sample)) for sample in both_tracks(self, first, second))
        if not len(one.each):
            return Result()
        away = one.each - two.each
        value, number = float(away.mean()), len(away)
        drawn = self._drawn(away, seed)
        singles = tuple((float(s.each.mean()), *_alone(s)) for s in (one, two))
        ends = paired(drawn, value, number, one.entries, (singles[0], singles[1]))
        text = self._text(one, self._cuts, "; first - second, same events")
        return Result({f"{self.name}_target_difference": Value(value, *ends, text, number)})

    @property
    def _cuts(self) -> str:
        return str(self.target.cuts(self.target.min_seen_hits))

    def _asked(self, sample: Tracks) -> Array:
        """Particles that are to be found, (P,) bool."""
        seen: Array = sample.particles["hits"] >= self.target.min_seen_hits
        inside: Array = self.target.kinematic(sample.particles)
        return seen & inside

    def _drawn(self, scores: Array, seed: int) -> Array:
        """Means of bootstrap replicas of the events, (R,)."""
        random, number = stream(seed, self.name), len(scores)
        drawn = random.multinomial(number, np.full(number, 1.0 / number), self.config.replicas)
        result: Array = drawn @ scores / number
        return result

    def _value(self, scores: _Scores, of: str, seed: int) -> Value:
        value, number = float(scores.each.mean()), len(scores.each)
        ends = bounded(self._drawn(scores.each, seed), value, number, scores.entries)
        return Value(value, *ends, self._text(scores, of, ""), number)

    def _text(self, scores: _Scores, of: str, end: str) -> str:
        weights = "all hits of particles weigh alike" if scores.uniform else "weights of the sample"
        return definition(
            self,
            f"sum of the weights of hits on tracks that match a particle ({RULES['double_majority'].text}), of those of"
            f" the hits of {of}, mean over events with such particles; {weights}{end}; percentile bootstrap over"
            f" events, {self.config.replicas} replicas (if without spread: exact, of"
            f" {scores.entries:.0f} particles in effect)",
        )


class _Scores(NamedTuple):
    """Scores of events with particles, (n,)."""

    each: Array
    uniform: bool
    """Whether all hits weigh alike."""
    entries: float
    """Particles of equal weight that would give the same variance, (sum w)^2 / sum w^2 (L. Kish, 1965)."""


def _scores(sample: Tracks, asked: Array) -> _Scores:
    """Score of the particles that are ``asked`` for, (P,) bool."""
    whole, gained = np.asarray(sample.particles["weight"], np.float64), sample.weight
    uniform = not whole.any()
    if uniform:
        whole, gained = sample.particles["hits"].astype(np.float64), sample.shared.astype(np.float64)
    whole = np.where(asked, whole, 0.0)
    total = np.bincount(sample.event, whole, minlength=sample.events)
    known = total > 0
    best = sample.best(sample.met(RULES["double_majority"], 1))
    best[best] = asked[sample.leading[best]]
    score = np.bincount(sample.track_event[best], gained[best], minlength=sample.events)
    share = whole / np.where(known, total, 1.0)[sample.event]  # of each particle in its event
    entries = known.sum() ** 2 / np.sum(share**2) if known.any() else 0.0
    return _Scores(score[known] / total[known], uniform, float(entries))


def _alone(scores: _Scores) -> tuple[float, float]:
    """Ends of the exact interval of a score, its particles taken as independent."""
    share = min(max(float(scores.each.mean()), 0.0), 1.0)
    low, high = clopper_pearson(np.array(share * scores.entries), np.array(scores.entries))
    return float(low), float(high)
