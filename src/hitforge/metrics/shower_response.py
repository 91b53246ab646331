"""Measurement of matched showers: energy, purity and class; and the distance from which two are resolved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._bootstrap import at_an_end, ends_of, event_weights, quantiles
from hitforge.metrics._intervals import (
    TAIL,
    clopper_pearson,
    clustered_share,
    clustered_text,
    shares_in_bins,
    unseen,
)
from hitforge.metrics._objects import Edges, Selection, best_cut, both_showers, score_cut
from hitforge.metrics._sample import definition
from hitforge.objects.shower.rules import MATCHING, SHOWER_CLASSES, Operation, Showers, showers_of
from hitforge.tasks import Better

_SHARES = np.array([TAIL, 0.5, 1.0 - TAIL])
_PAIRS = ("electromagnetic", "mixed", "hadron")
_WIDTH = "half of the central 68.3 % of {} over its median"


class ShowerResponse(Metric):
    """Energy over the true one, purity and class of showers that match a particle; pairs of which both are found.

    Which showers count and what they match is that of ``shower_efficiency``, with the same settings.

    - ``response_median`` and ``response_sigma68``: median of energy / true energy, and half of the width of its central
      68.3 % over the median.
    - ``purity``, ``completeness``: mean of the shared energy over the shower's, and over the particle's deposited
      energy.
    - ``right_kind_<class>``: share of particles of a class whose shower has its probability of a hadron on the right
      side of one half; showers with exactly one half, of algorithms that do not know, are left out.
    - ``both_found``: share of events with exactly two particles to be found in which both are matched.
    - ``both_measured``: the same, by showers whose energies are within ``within`` of the true ones, too. It holds the
      resolution of the energy, which for hadrons alone loses half of the pairs.
    - ``half_separation``: distance of such pairs at which ``both_found`` crosses one half. The shares in bins of
      distance are made to rise (weighted isotonic regression: R. E. Barlow et al., Statistical inference under order
      restrictions, 1972), and the crossing is linear between the mean distances of bins. Where the lowest bin
      is above one half already, its mean distance is given, a bound, and the interval begins at the lowest edge; where
      no bin reaches it, nothing.

    Events are drawn for intervals, not showers, as those of one event are not independent.
    """

    kind: ClassVar[str | None] = "shower"
    headline: ClassVar[tuple[str, ...]] = ("response_sigma68",)
    version: ClassVar[int] = 2
    better: ClassVar[dict[str, Better]] = {
        "response_sigma68": "min",
        "purity": "max",
        "completeness": "max",
        "right_kind_electromagnetic": "max",
        "right_kind_hadron": "max",
        "both_found": "max",
        "both_measured": "max",
        "half_separation": "min",
    }

    class Config(Selection, Operation):
        """What counts, and bins."""

        within: float = Field(0.2, gt=0, le=10, description="largest abs(energy / true energy - 1) of a pair's showers")
        energy_edges: Edges = Field(
            (20.0, 30.0, 45.0, 65.0, 90.0, 120.0, 160.0, 200.0),
            description="edges of the bins of the true energy [GeV], rising",
        )
        bin_size: int = Field(20, ge=5, description="showers that a bin of the response must have to be kept")
        pair_edges: Edges = Field(
            (20.0, 40.0, 60.0, 100.0, 200.0),
            description="edges of the bins of a pair's energy, the mean of both [GeV], rising",
        )
        separation_edges: Edges = Field(
            (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 100.0, 125.0, 150.0, 200.0),
            description="edges of the bins of the distance of a pair [mm], rising",
        )

    @property
    def to_choose(self) -> tuple[str, ...]:
        """The cut on the score, where it is not set."""
        return ("min_score",) if self.config.min_score is None else ()

    def choose(self, validation: Predictions) -> dict[str, float]:
        """Return the cut where F1 is greatest; nothing without a particle to be found."""
        return best_cut(self, validation)

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure all numbers, also by class; those without an entry are left out.

        Tables: ``shower_response.response<class>.energy`` with ``low``, ``high``, ``n``, ``median``, ``sigma68`` and
        the ends ``..._low``, ``..._high`` of their intervals; ``.confusion`` with ``true`` and ``said`` (0
        electromagnetic, 1 hadron, 2 unknown), ``count`` and ``share`` of the true class; ``.both_found<class>`` with
        ``low``, ``high`` [mm], ``value``, ``lo``, ``hi``, ``n``; ``.pairs<class>``, the same with ``energy_low`` and
        ``energy_high`` [GeV], one row a cell; ``.half_separation<class>`` with ``energy_low``, ``energy_high``,
        ``value``, ``lo``, ``hi`` [mm], ``n``. Classes of pairs are electromagnetic, mixed and hadron.

        Raises:
            DataError: The predictions are not of showers, or no particle is to be found.
        """
        sample, c = showers_of(predictions.tables, self.name, predictions.columns), self.config
        matches, text = self._matches(sample, predictions)
        weights = self._weights(sample, seed)
        values: dict[str, Value] = {}
        tables: dict[str, dict[str, Array]] = {}
        for name, rows in matches.kinds(sample):
            response, event = matches.response[rows], sample.event[matches.particle[rows]]
            if len(rows):
                values |= self._response(name, response, event, weights, text)
            energy, edges = sample.particles["energy"][matches.particle[rows]], c.energy_edges
            bins = []
            for low, high in pairwise(edges):
                inside = (energy >= low) & ((energy < high) | ((energy == high) & (high == edges[-1])))
                if inside.sum() >= c.bin_size:
                    numbers = self._response("", response[inside], event[inside], weights, text)
                    if len(numbers) == 2:  # no width over a median of 0
                        bins.append({"low": low, "high": high, "n": int(inside.sum()), **_columns(numbers)})
            tables[f"{self.name}.response{name}.energy"] = _table(bins)
        for name, share, what in (
            ("purity", matches.purity, "shared energy over the shower's energy"),
            ("completeness", matches.completeness, "shared energy over the particle's deposited energy"),
        ):
            if len(share):
                event = sample.event[matches.particle]
                sums = np.stack([np.bincount(event, part, sample.events) for part in (share, None)], axis=1)
                means = np.divide(*(weights @ sums).T)
                of_events = np.divide(*sums[sums[:, 1] > 0].T)
                value = self._value(means[0], means[1:], f"mean of {what}, {text}", len(share), len(of_events))
                low, high = at_an_end(of_events, 0.0, 1.0, (value.low, value.high))
                values[name] = replace(value, low=low, high=high)
        values |= self._right(sample, matches, text)
        tables[f"{self.name}.confusion"] = _confusion(sample, matches)
        self._pairs(_pairs_of(sample, matches, c.within), weights, text, values, tables, seed)
        return Result(values, tables)

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure paired differences first - second, on the same events.

        ``response_sigma68_difference`` is of particles that both found; ``both_found_difference``,
        ``both_measured_difference`` and, where both cross one half, ``half_separation_difference``, of all pairs; each
        also by class.
        """
        samples = both_showers(self, first, second)
        (one, text), (two, _) = (
            self._matches(sample, told) for sample, told in zip(samples, (first, second), strict=True)
        )
        weights = self._weights(samples[0], seed)
        values: dict[str, Value] = {}
        same, at_one, at_two = np.intersect1d(one.particle, two.particle, return_indices=True)
        event, kind = samples[0].event[same], samples[0].particles["kind"][same]
        for name, rows in _by_kind(kind):
            if len(rows):
                widths = [
                    _widths(matches.response[at[rows]], event[rows], weights)
                    for matches, at in ((one, at_one), (two, at_two))
                ]
                away = widths[0] - widths[1]
                if not np.isfinite(away[0]):
                    continue
                what = f"{_WIDTH.format('energy / true energy')}, found by both; {text}"
                values[f"response_sigma68{name}_difference"] = self._value(
                    away[0], away[1:], f"{what}; first - second, same particles", len(rows), _clusters(event[rows])
                )
        pairs = [
            _pairs_of(sample, matches, self.config.within) for sample, matches in zip(samples, (one, two), strict=True)
        ]
        for name, kept in pairs[0].kinds():
            if not kept.any():
                continue
            event, count = pairs[0].event[kept], int(kept.sum())
            for number, what in self._both().items():
                good = np.stack([getattr(pair, number)[kept] for pair in pairs], axis=1)
                away = np.subtract(*(weights[:, event] @ good).T) / weights[:, event].sum(axis=1)
                what = f"{what}, {text}; first - second, same events"
                value = self._value(away[0], away[1:], what, count, count)
                if (good[:, 0] == good[:, 1]).all():  # one in so many more may be found by one of them alone
                    value = replace(value, low=max(-unseen(count), -1.0), high=min(unseen(count), 1.0))
                values[f"{number}{name}_difference"] = value
            crossings = [
                self._crossings(pair, kept, weights, stream(seed, self.name, "crossing", name)) for pair in pairs
            ]
            away = crossings[0] - crossings[1]
            if np.isfinite(away[0]):
                what = f"distance at which it crosses one half [mm] of: {self._both()['both_found']}, {text}"
                what = f"{what}; first - second, same events"
                values[f"half_separation{name}_difference"] = self._value(away[0], away[1:], what, count, count)
        return Result(values)

    def _matches(self, sample: Showers, predictions: Predictions) -> tuple[_Matches, str]:
        """Showers that match a particle, and which these are in words."""
        c, (min_score, chosen) = self.config, score_cut(self, predictions)
        matched, _, cut = sample.operated(c.iou, min_score, self.target.min_deposited)
        shower = np.flatnonzero(matched >= 0)
        particle = matched[shower]
        pair = np.zeros(len(matched), np.int64)
        own = matched[sample.shower] == sample.particle
        pair[sample.shower[own]] = np.flatnonzero(own)
        shared = sample.shared[pair[shower]]
        true, deposited = (sample.particles[name][particle] for name in ("energy", "deposited"))
        matches = _Matches(
            shower,
            particle,
            sample.showers["energy"][shower] / true,
            shared / np.maximum(sample.showers["raw"][shower], 1e-12),
            shared / np.maximum(deposited, 1e-12),
        )
        words = f" ({chosen})" if chosen else ""
        return matches, f"showers of score >= {cut:.4g}{words} that match a particle; {MATCHING.format(c.iou)}"

    def _weights(self, sample: Showers, seed: int) -> Array:
        """Weight of each event: 1, then as replicas give it, (1 + replicas, N)."""
        return event_weights(sample.events, self.config.replicas, stream(seed, self.name))

    def _both(self) -> dict[str, str]:
        found = "share of events with exactly two particles to be found in which both are matched"
        within = f"by showers with energies within {100 * self.config.within:g} % of the true ones"
        return {"both_found": found, "both_measured": f"{found} {within}"}

    def _value(
        self, value: Any, drawn: Array, text: str, count: int, events: int | None, *, centre: bool = False
    ) -> Value:
        drawn, value = drawn[np.isfinite(drawn)], float(value)
        low, high = ends_of(value, drawn, events, centre=centre) if len(drawn) else (value, value)
        text = f"{text}; Bayesian bootstrap over events, {self.config.replicas} replicas"
        return Value(value, low, high, definition(self, text), count)

    def _response(self, name: str, response: Array, event: Array, weights: Array, text: str) -> dict[str, Value]:
        drawn = quantiles(response, event, weights, _SHARES)
        width = _relative(drawn)
        of = f"energy / true energy{' of ' + name[1:] + ' particles' if name else ''}"
        values = {}
        for number, value, what in (("median", drawn[:, 1], "median of {}"), ("sigma68", width, _WIDTH)):
            if np.isfinite(value[0]):
                words = f"{what.format(of)}, {text}"
                values[f"response_{number}{name}"] = self._value(
                    value[0], value[1:], words, len(response), _clusters(event), centre=number == "sigma68"
                )
        return values

    def _right(self, sample: Showers, matches: _Matches, text: str) -> dict[str, Value]:
        values = {}
        kind, hadron = sample.particles["kind"][matches.particle], sample.showers["hadron"][matches.shower]
        for place, name in enumerate(SHOWER_CLASSES):
            asked = (kind == place) & (hadron != 0.5)
            event = sample.event[matches.particle]
            right, total = (
                np.bincount(event[rows], minlength=sample.events)
                for rows in (asked & ((hadron > 0.5) == (place == 1)), asked)
            )
            if asked.any():
                low, high = clustered_share(right, total)
                words = f"share of {name} particles whose shower is named so by its probability of a hadron, {text}"
                words = definition(self, f"{words}; {clustered_text(total)}")
                share, count = float(right.sum() / total.sum()), int(total.sum())
                values[f"right_kind_{name}"] = Value(share, float(low), float(high), words, count)
        return values

    def _pairs(
        self,
        pairs: _Pairs,
        weights: Array,
        text: str,
        values: dict[str, Value],
        tables: dict[str, dict[str, Array]],
        seed: int,
    ) -> None:
        """Add the numbers and tables of pairs."""
        separations = np.array(self.config.separation_edges)
        energies = self.config.pair_edges
        for name, kept in pairs.kinds():
            if not kept.any():
                continue
            total, of = int(kept.sum()), f", {name[1:]}" if name else ""
            for number, what in self._both().items():
                good = int(getattr(pairs, number)[kept].sum())
                low, high = clopper_pearson(np.array(good), np.array(total))
                words = definition(self, f"{what}{of}; {text}; Clopper-Pearson")
                values[f"{number}{name}"] = Value(good / total, float(low), float(high), words, total)
            tables[f"{self.name}.both_found{name}"] = shares_in_bins(
                pairs.separation[kept], pairs.both_found[kept], separations
            )  # fmt: skip
            what = f"{self._both()['both_found']}{of}; {text}"
            crossing = self._crossing(pairs, kept, weights, what, stream(seed, self.name, "crossing", name))
            if crossing:
                values[f"half_separation{name}"] = crossing
            cells, halves = [], []
            for first, last in pairwise(energies):
                inside = kept & (pairs.energy >= first)
                inside &= (pairs.energy < last) | ((pairs.energy == last) & (last == energies[-1]))
                cell = shares_in_bins(pairs.separation[inside], pairs.both_found[inside], separations)
                ends = {
                    key: np.full(len(cell["n"]), end) for key, end in (("energy_low", first), ("energy_high", last))
                }
                cells.append({**ends, **cell})
                random = stream(seed, self.name, "crossing", name, f"{first:g}")
                half = self._crossing(pairs, inside, weights, "", random) if inside.any() else None
                if half:
                    row = {"value": half.value, "lo": half.low, "hi": half.high, "n": half.n}
                    halves.append({"energy_low": first, "energy_high": last, **row})
            tables[f"{self.name}.pairs{name}"] = {
                key: np.concatenate([cell[key] for cell in cells]) for key in cells[0]
            }
            tables[f"{self.name}.half_separation{name}"] = _table(halves)

    def _crossing(
        self, pairs: _Pairs, kept: Array, weights: Array, text: str, random: np.random.Generator
    ) -> Value | None:
        """Distance at which the share of some pairs crosses one half; None where it does not reach it."""
        drawn = self._crossings(pairs, kept, weights, random)
        if not np.isfinite(drawn[0]):
            return None
        words = (
            f"distance in the plane at which it crosses one half (at most this, if in the lowest bin) [mm] of: {text}"
        )
        return self._value(drawn[0], drawn[1:], words, int(kept.sum()), int(kept.sum()))

    def _crossings(self, pairs: _Pairs, kept: Array, weights: Array, random: np.random.Generator) -> Array:
        """The same for each row of weights, (R,).

        Each replica holds half a pair more of either sort in each bin, as in H. Jeffreys' interval of a share: a bin in
        which all or none were found may be otherwise. In a replica that crosses below the mean distance of the lowest
        bin it is at the lowest edge, in one that does not reach one half at the highest.
        """
        edges = np.array(self.config.separation_edges)
        index = np.searchsorted(edges, pairs.separation[kept], side="right") - 1
        index[pairs.separation[kept] == edges[-1]] = len(edges) - 2
        inside = (index >= 0) & (index < len(edges) - 1)
        if not inside.any():
            return np.full(len(weights), np.nan)
        filled, index = np.unique(index[inside], return_inverse=True)
        rows = np.flatnonzero(kept)[inside]
        one = (index[:, None] == np.arange(len(filled))).astype(np.float64)  # (n, bins)
        taken = weights[:, pairs.event[rows]]  # (R, n)
        mean = (pairs.separation[rows] @ one) / one.sum(axis=0)
        good, total = taken @ (one * pairs.both_found[rows][:, None]), taken @ one
        halves = random.gamma(0.5, size=(2, len(weights) - 1, len(filled)))
        good[1:] += halves[0]
        total[1:] += halves.sum(axis=0)
        drawn = _crossings(good, total, mean)
        drawn[1:] = np.where(np.isnan(drawn[1:]), edges[-1], np.where(drawn[1:] == mean[0], edges[0], drawn[1:]))
        return drawn


@dataclass(frozen=True)
class _Matches:
    """Showers that match a particle, (n,) each: rows of both, energy / true energy, and shares of shared energy."""

    shower: Array
    particle: Array
    response: Array
    purity: Array
    completeness: Array

    def kinds(self, sample: Showers) -> Iterator[tuple[str, Array]]:
        return _by_kind(sample.particles["kind"][self.particle])


@dataclass(frozen=True)
class _Pairs:
    """Events with exactly two particles, (n,) each: event, distance [mm], mean energy [GeV], hadrons, what of both."""

    event: Array
    separation: Array
    energy: Array
    hadrons: Array
    both_found: Array
    both_measured: Array

    def kinds(self) -> Iterator[tuple[str, Array]]:
        yield "", np.ones(len(self.event), bool)
        for number, name in enumerate(_PAIRS):
            yield f"_{name}", self.hadrons == number


def _by_kind(kind: Array) -> Iterator[tuple[str, Array]]:
    """End of a number's name, and rows: all, then each class."""
    yield "", np.arange(len(kind))
    for number, name in enumerate(SHOWER_CLASSES):
        yield f"_{name}", np.flatnonzero(kind == number)


def _pairs_of(sample: Showers, matches: _Matches, within: float) -> _Pairs:
    found, measured = np.zeros((2, len(sample.event)), bool)
    found[matches.particle] = True
    measured[matches.particle] = np.abs(matches.response - 1.0) <= within
    event = np.flatnonzero(np.bincount(sample.event, minlength=sample.events) == 2)
    first = np.searchsorted(sample.event, event)
    energy, kind = sample.particles["energy"], sample.particles["kind"]
    return _Pairs(
        event,
        sample.particles["nearest"][first],
        0.5 * (energy[first] + energy[first + 1]),
        kind[first] + kind[first + 1],
        found[first] & found[first + 1],
        measured[first] & measured[first + 1],
    )


def _clusters(event: Array) -> int | None:
    """Number of events, for Student's t; None where each has one entry or all are of one."""
    number = len(np.unique(event))
    return number if 1 < number < len(event) else None


def _relative(drawn: Array) -> Array:
    """Half of the central width over the median, (R, 3) -> (R,)."""
    result: Array = 0.5 * (drawn[:, 2] - drawn[:, 0]) / np.where(drawn[:, 1] > 0, drawn[:, 1], np.nan)
    return result


def _widths(response: Array, event: Array, weights: Array) -> Array:
    return _relative(quantiles(response, event, weights, _SHARES))


def _crossings(good: Array, total: Array, place: Array) -> Array:
    """Where rising shares first reach one half, (R,), NaN where they do not.

    Args:
        good: (R, bins).
        total: (R, bins), 0 where a replica has none.
        place: Of the bins, (bins,).
    """
    bins = len(place)
    sums = [np.concatenate([np.zeros((len(x), 1)), np.cumsum(x, axis=1)], axis=1) for x in (good, total)]
    above, below = (x[:, None, 1:] - x[:, :-1, None] for x in sums)  # (R, from bin, to bin)
    known = (below > 0) & np.triu(np.ones((bins, bins), bool))
    mean = np.where(known, above / np.where(known, below, 1.0), np.nan)
    # isotonic regression: the greatest over all beginnings j <= i of the least over all ends k >= i of the mean j..k
    least = np.fmin.accumulate(mean[:, :, ::-1], axis=2)[:, :, ::-1]
    least = np.where(np.triu(np.ones((bins, bins), bool)), least, np.nan)
    rising = np.fmax.accumulate(least, axis=1)[:, np.arange(bins), np.arange(bins)]  # (R, bins)
    reached = rising >= 0.5
    first = np.argmax(reached, axis=1)
    row, before = np.arange(len(good)), np.maximum(first - 1, 0)
    low, high = rising[row, before], rising[row, first]
    step = np.where(first > 0, (0.5 - low) / np.where(high > low, high - low, 1.0), 0.0)
    step = np.where(np.isnan(low), 1.0, step)
    result: Array = np.where(reached.any(axis=1), place[before] + step * (place[first] - place[before]), np.nan)
    return result


def _confusion(sample: Showers, matches: _Matches) -> dict[str, Array]:
    kind, hadron = sample.particles["kind"][matches.particle], sample.showers["hadron"][matches.shower]
    said = np.where(hadron == 0.5, 2, hadron > 0.5)
    true, named = (grid.ravel() for grid in np.meshgrid(np.arange(2), np.arange(3), indexing="ij"))
    count = np.array([((kind == one) & (said == other)).sum() for one, other in zip(true, named, strict=True)])
    whole = count.reshape(2, 3).sum(axis=1).repeat(3)
    return {"true": true, "said": named, "count": count, "share": count / np.maximum(whole, 1)}


def _columns(numbers: dict[str, Value]) -> dict[str, float]:
    columns: dict[str, float] = {}
    for name, value in numbers.items():
        key = name.removeprefix("response_")
        columns |= {key: value.value, f"{key}_low": value.low, f"{key}_high": value.high}
    return columns


def _table(rows: list[dict[str, float]]) -> dict[str, Array]:
    return {key: np.array([row[key] for row in rows]) for key in rows[0]} if rows else {}
