"""Score of the TrackML challenge: the weight of the hits that stand on the right track."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import percentile
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

    Where the sample does not say how much each hit weighs, all hits of particles weigh alike; hits of a short or a
    secondary particle, which the challenge gives little or no weight, then count as much as others, and the score is
    not to be compared with the challenge's.
    """

    kind: ClassVar[str | None] = "track"
    version: ClassVar[int] = 1
    better: ClassVar[dict[str, Better]] = {"trackml_score": "max"}

    class Config(config.Config):
        """How the interval is found."""

        replicas: int = Field(1000, ge=100, le=100_000, description="bootstrap replicas")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``trackml_score``; ``n`` is the number of events, which the bootstrap draws.

        Raises:
            DataError: The predictions are not of tracks, or no particle left a hit.
        """
        scores, uniform = _scores(self, tracks_of(predictions.tables, self.name, predictions.columns))
        return Result({self.name: self._value(scores, uniform, "", seed)})

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure the paired difference first - second, ``trackml_score_difference``, on the same events."""
        one, two = both_tracks(self, first, second)
        (left, uniform), (right, _) = _scores(self, one), _scores(self, two)
        text = "; first - second, same events"
        return Result({f"{self.name}_difference": self._value(left - right, uniform, text, seed)})

    def _value(self, scores: Array, uniform: bool, text: str, seed: int) -> Value:
        random, replicas = stream(seed, self.name), self.config.replicas
        number = len(scores)
        drawn = random.multinomial(number, np.full(number, 1.0 / number), replicas) @ scores / number
        value = float(scores.mean())
        weights = "all hits of particles weigh alike" if uniform else "weights of the sample"
        described = definition(
            self,
            f"sum of the weights of hits on tracks that match a particle ({RULES['double_majority'].text}), mean over"
            f" events with particles; {weights}{text}; percentile bootstrap over events, {replicas} replicas",
        )
        return Value(value, *percentile(drawn, value), described, number)


def _scores(metric: Metric, sample: Tracks) -> tuple[Array, bool]:
    """Score of each event with particles, (n,), and whether all hits weigh alike."""
    whole, gained = np.asarray(sample.particles["weight"], np.float64), sample.weight
    uniform = not whole.any()
    if uniform:
        whole, gained = sample.particles["hits"].astype(np.float64), sample.shared.astype(np.float64)
    total = np.bincount(sample.event, whole, minlength=sample.events)
    if not total.any():
        raise DataError(f"'{metric.name}' needs hits of particles", came=f"none in {sample.events} events")
    best = sample.best(sample.met(RULES["double_majority"], 1))
    score = np.bincount(sample.track_event[best], gained[best], minlength=sample.events)
    return score[total > 0] / total[total > 0], uniform
