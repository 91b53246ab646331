"""Score of ColliderML's tracking task, as its package computes it, to be read beside ours."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import bounded
from hitforge.metrics._sample import definition
from hitforge.objects.track.rules import RULES, Tracks, tracks_of
from hitforge.tasks import Better

_RULE = RULES["atlas_two_way"]  # at least half, both ways
_HIGH = 1.0  # [GeV]
_TEXTS = {
    "trackml_eff": f"hits that right tracks ({_RULE.text}) share with their particle, of all hits on tracks: hits that"
    " no track has are not counted, so that one perfect track of ten particles scores 1; all events together, all hits"
    " weigh alike",
    "fake_rate": "share of tracks of which no particle has half of the hits, all events together",
    "dup_rate": "share of particles with a hit on several tracks, of those with a hit on any, all events together",
    "physics_eff_pt1": f"share of numbers of particles with pT > {_HIGH:g} GeV that lead a track; numbers are those in"
    " their events, and a number that is found in one event counts as found in all",
}


class ColliderMLScore(Metric):
    """What the tracking task of ColliderML (colliderml 0.4, ``tasks/tracking/metrics.py``) prints.

    These are not efficiencies: a method that answers only where it is sure is not punished. Two things make the
    difference to ``trackml_score``. ``trackml_eff`` divides by the hits on tracks, not by those of all particles: one
    perfect track of ten equal particles scores 1.0 here and 0.1 there. Its rule asks for at least half of the hits
    instead of more than half, so that a track of two halves, or two tracks that share a particle, may count as right.
    ``physics_eff_pt1`` joins the numbers of particles of all events into one set: the more events, the closer to 1.

    Two parts of the original cannot be known here. Noise is no particle, where the original lets all noise of an event
    be one. All particles count as primary.
    """

    kind: ClassVar[str | None] = "track"
    version: ClassVar[int] = 1
    better: ClassVar[dict[str, Better]] = {
        "colliderml_trackml_eff": "max",
        "colliderml_fake_rate": "min",
        "colliderml_dup_rate": "min",
        "colliderml_physics_eff_pt1": "max",
    }

    class Config(config.Config):
        """How the interval is found."""

        replicas: int = Field(1000, ge=100, le=100_000, description="bootstrap replicas")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure the four numbers; those without anything to count are left out, as 0 of 0 is no number.

        Raises:
            DataError: The predictions are not of tracks.
        """
        sample = tracks_of(predictions.tables, self.name, predictions.columns)
        touched = _touched(predictions)
        return Result(self._values(_counted(sample, touched), _joined(sample), seed))

    def _values(self, counts: dict[str, Array], joined: tuple[float, int], seed: int) -> dict[str, Value]:
        values = {}
        number = len(next(iter(counts.values())))
        for name, pair in counts.items():
            part, whole = pair.sum(axis=0)
            if not whole:
                continue
            random = stream(seed, self.name, name)
            drawn = random.multinomial(number, np.full(number, 1.0 / number), self.config.replicas) @ pair
            ratio = drawn[drawn[:, 1] > 0]
            text = definition(
                self, f"{_TEXTS[name]}; percentile bootstrap over events, {self.config.replicas} replicas"
            )
            interval = bounded(ratio[:, 0] / ratio[:, 1], float(part / whole), number, float(whole))
            values[f"colliderml_{name}"] = Value(float(part / whole), *interval, text, number)
        share, asked = joined
        if asked:
            text = definition(self, f"{_TEXTS['physics_eff_pt1']}; no interval: it has no mean over events")
            values["colliderml_physics_eff_pt1"] = Value(share, share, share, text, number)
        return values


def _counted(sample: Tracks, touched: tuple[Array, Array]) -> dict[str, Array]:
    """Numerators and denominators of each event, (N, 2) each."""
    right = sample.met(_RULE, 1)
    event, hits = sample.track_event, sample.tracks["hits"]

    def pairs(where: Array, part: Array, whole: Array) -> Array:
        return np.stack([np.bincount(where, values, sample.events) for values in (part, whole)], axis=1)

    full = hits > 0  # a track without a hit is none
    return {
        "trackml_eff": pairs(event, right * sample.shared, hits),
        "fake_rate": pairs(event, full & ~sample.pure(_RULE), full),
        "dup_rate": pairs(touched[0], touched[1] > 1, touched[1] > 0),
    }


def _touched(predictions: Predictions) -> tuple[Array, Array]:
    """Event of each particle with a hit on a track, (K,), and the number of tracks that have one, (K,)."""
    matches = predictions.tables["matches"]
    key = np.stack([matches.event, matches["particle"]])[:, matches["hits"] > 0]
    pair, tracks = np.unique(key, axis=1, return_counts=True)
    return pair[0], tracks


def _joined(sample: Tracks) -> tuple[float, int]:
    """Share of numbers of particles above 1 GeV, of any event, that lead a track of any event; and how many."""
    number = sample.particles["particle"]
    asked = np.unique(number[sample.particles["pt"] > _HIGH])
    found = np.unique(number[sample.leading[sample.leading >= 0]])
    return (float(np.isin(asked, found).mean()) if len(asked) else 0.0), len(asked)
