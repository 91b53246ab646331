"""How well showers are found over all cuts on their score: average precision at energy-weighted IoU."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import bounded, paired
from hitforge.metrics._objects import Edges, Selection, average_precision, both_showers, replica_weights
from hitforge.metrics._sample import definition
from hitforge.objects.shower.rules import MATCHING, SHOWER_CLASSES, Ranks, Showers, ranked, showers_of
from hitforge.tasks import Better, Task

_BINNED = ("energy", "nearest")


class AveragePrecision(Metric):
    """Average precision of showers, as in COCO, with the energy-weighted IoU of hits in place of that of boxes.

    A shower matches the particle not yet taken with which its energy-weighted IoU is greatest and at least the
    threshold; showers choose in falling order of score, and each matches one particle at most. A shower without a match
    is false, unless its hits have less energy than ``target.min_deposited``: particles of so little are not asked for.
    The average precision is the area under the envelope of precision over recall, at all recalls (T.-Y. Lin et al.,
    arXiv 1405.0312, has 101 of them). Showers of equal score are taken together, and choose in falling order of IoU, so
    the order of rows says nothing.

    By class or bin, of the particle: the matching is that of all particles. A shower that matches a particle of another
    class or bin is left out; one without a match is false where the particle belongs that it shares most energy with,
    and if particles gave less than half of it, where it belongs itself by the class that it says, its energy, and its
    distance to the nearest particle to be found. Whether a shower's class is told right is not asked here.
    """

    kind: ClassVar[str | None] = "shower"
    headline: ClassVar[tuple[str, ...]] = ("ap_50",)
    version: ClassVar[int] = 3

    class Config(Selection):
        """Thresholds, bins and replicas."""

        thresholds: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
            (0.3, 0.5, 0.7),
            min_length=1,
            description="least energy-weighted IoU of a shower and the particle it matches",
        )
        energy_edges: Edges = Field(
            (20.0, 35.0, 60.0, 100.0, 140.0, 200.0),
            description="edges of the bins of the particle's energy [GeV], rising",
        )
        nearest_edges: Edges = Field(
            (0.0, 20.0, 30.0, 40.0, 50.0, 70.0, 100.0, 150.0, 250.0),
            description="edges of the bins of the distance to the nearest other particle to be found [mm], rising",
        )
        points: int = Field(200, ge=10, le=100_000, description="points of a curve, about evenly in recall")

    def monitored(self, task: Task) -> dict[str, Better]:
        """The average precision at each threshold, of all particles."""
        return {f"ap_{100 * threshold:g}": "max" for threshold in self.config.thresholds}

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``ap_<threshold in %>`` of all particles, and ``..._electromagnetic`` and ``..._hadron``.

        Tables: ``average_precision.curve_<...>``, the curve of each of these, with ``score`` (cut), ``recall``,
        ``precision`` and its envelope ``interpolated``; ``average_precision.ap_<threshold>.energy`` and ``.nearest``,
        with ``low``, ``high``, ``value``, ``lo``, ``hi`` and the number ``n`` of particles, bins without particle left
        out. A particle without another one to be found is in no bin of ``nearest``.

        Raises:
            DataError: The predictions are not of showers, or no particle is to be found.
        """
        sample, c = showers_of(predictions.tables, self.name, predictions.columns), self.config
        weights = self._weights(sample, seed)
        leading = sample.leading()
        values: dict[str, Value] = {}
        tables: dict[str, dict[str, Array]] = {}
        for threshold in c.thresholds:
            name, matched = f"ap_{100 * threshold:g}", sample.matched(threshold)
            for kind, asked, own in _kinds(sample):
                ranks, count = self._ranks(sample, matched, leading, asked, own)
                drawn = average_precision(ranks, weights, count)
                value, number = float(drawn[0]), sample.events
                ends = bounded(drawn[1:], value, number, float(count.sum()))
                values[name + kind] = Value(value, *ends, self._described(self._text(threshold, kind)), number)
                tables[f"{self.name}.curve_{name[3:]}{kind}"] = _curve(ranks, int(count.sum()), c.points)
            for variable in _BINNED:
                rows = [
                    (low, high, *_interval(average_precision(ranks, weights, count), count), count.sum())
                    for low, high, asked, own in self._bins(sample, variable)
                    for ranks, count in [self._ranks(sample, matched, leading, asked, own)]
                ]
                columns = np.array(rows).reshape(-1, 6).T
                tables[f"{self.name}.{name}.{variable}"] = dict(
                    zip(("low", "high", "value", "lo", "hi", "n"), columns, strict=True)
                )
        return Result(values, tables)

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure paired differences first - second, ``ap_<...>_difference``, on the same events."""
        pair = both_showers(self, first, second)
        weights = self._weights(pair[0], seed)
        leading = [sample.leading() for sample in pair]
        values: dict[str, Value] = {}
        for threshold in self.config.thresholds:
            matched = [sample.matched(threshold) for sample in pair]
            for (kind, asked, own), (_, _, other) in zip(_kinds(pair[0]), _kinds(pair[1]), strict=True):
                both = zip(pair, matched, leading, (own, other), strict=True)
                ranks = [self._ranks(one, match, lead, asked, alone) for one, match, lead, alone in both]
                one, two = (average_precision(ranked_ones, weights, count) for ranked_ones, count in ranks)
                text = f"{self._text(threshold, kind)}; first - second, same events"
                away, number, asked_for = one - two, pair[0].events, float(ranks[0][1].sum())
                singles = ((v := float(r[0]), *bounded(r[:1], v, 1, asked_for)) for r in (one, two))
                ends = paired(away[1:], float(away[0]), number, asked_for, (next(singles), next(singles)))
                values[f"ap_{100 * threshold:g}{kind}_difference"] = Value(
                    float(away[0]), *ends, self._described(text), number
                )
        return Result(values)

    def _ranks(self, sample: Showers, matched: Array, leading: Array, asked: Array, own: Array) -> tuple[Ranks, Array]:
        """Showers that count where some particles are ``asked`` for, (P,) bool, and these in each event, (N,).

        ``own`` says whether a shower itself would belong there, (S,) bool: of those that particles gave less than half.
        """
        right = (matched >= 0) & asked[matched]
        alone = (leading < 0) | (sample.showers["of_particles"] < 0.5 * sample.showers["raw"])
        false = (matched < 0) & sample.bright(self.target.min_deposited) & np.where(alone, own, asked[leading])
        return ranked(sample, right | false, right), np.bincount(sample.event[asked], minlength=sample.events)

    def _bins(self, sample: Showers, variable: str) -> Iterator[tuple[float, float, Array, Array]]:
        """Edges of each bin that has particles, those in it, (P,) bool, and showers that would be, (S,) bool."""
        edges = self.config.energy_edges if variable == "energy" else self.config.nearest_edges
        values = sample.particles[variable], sample.alone(variable)
        for low, high in pairwise(edges):
            asked, own = ((v >= low) & ((v < high) | ((v == high) & (high == edges[-1]))) for v in values)
            if asked.any():
                yield low, high, asked, own

    def _weights(self, sample: Showers, seed: int) -> Array:
        """How often each event is taken: once, then as the bootstrap draws, (1 + replicas, N)."""
        drawn = replica_weights(sample.events, self.config.replicas, stream(seed, self.name))
        return np.concatenate([np.ones((1, sample.events), np.int64), drawn])

    def _text(self, threshold: float, kind: str) -> str:
        of = f" of {kind[1:]} particles (class of the particle)" if kind else ""
        return (
            f"area under the envelope of precision over recall{of}, all scores; {MATCHING.format(threshold)}; showers"
            f" without match and below {self.target.min_deposited:g} GeV in their hits are left out"
            + (
                "; those without match are false in the class of the particle they share most energy with, or in their"
                " own if particles gave less than half"
                if kind
                else ""
            )
        )

    def _described(self, text: str) -> str:
        replicas = f"{self.config.replicas} replicas (if without spread: exact, particles taken as independent)"
        return definition(self, f"{text}; percentile bootstrap over events, {replicas}")


def _kinds(sample: Showers) -> Iterator[tuple[str, Array, Array]]:
    """End of a number's name, the particles that are asked for, (P,) bool, and showers that say they are so, (S,) bool.

    First all, then each class that is there.
    """
    kind, own = sample.particles["kind"], sample.alone("kind")
    yield "", np.ones(len(kind), bool), np.ones(len(own), bool)
    for number, name in enumerate(SHOWER_CLASSES):
        if (kind == number).any():
            yield f"_{name}", kind == number, own == number


def _interval(drawn: Array, particles: Array) -> tuple[float, float, float]:
    """The value, which comes first, and the ends of its interval; of the ``particles`` in each event, (N,)."""
    value = float(drawn[0])
    return (value, *bounded(drawn[1:], value, int(np.count_nonzero(particles)), float(particles.sum())))


def _curve(ranks: Ranks, particles: int, points: int) -> dict[str, Array]:
    """Precision over recall at each score, thinned to about ``points``."""
    place = np.flatnonzero(ranks.last)
    good = np.cumsum(ranks.right)[place]
    recall, precision = good / particles, good / (place + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    step = np.floor(recall * points)
    kept = np.ones(len(place), bool)
    kept[1:-1] = step[1:-1] != step[:-2]
    columns = {"score": ranks.score[place], "recall": recall, "precision": precision, "interpolated": envelope}
    return {name: column[kept] for name, column in columns.items()}
