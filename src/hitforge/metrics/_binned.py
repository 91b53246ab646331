"""Numbers in bins of the true energy, and their paired bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numba import njit
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.metrics import Metric, Predictions, Value
from hitforge.metrics._intervals import TAIL, clopper_pearson, percentile
from hitforge.metrics._sample import column, definition

MEAN, RMS, SIZE, MEDIAN, LOW, HIGH, CORE = range(7)
"""Columns of ``statistics``: mean, standard deviation, mean absolute value, and quantiles."""

_QUANTILES = np.array([0.5, TAIL, 1.0 - TAIL, 1.0 - 2.0 * TAIL])


class Binning(config.Config):
    """Bins of the true energy, and the bootstrap."""

    renamed: ClassVar[dict[str, str]] = {"least": "min_events"}

    edges: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (5.0, 10.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0, 150.0, 200.0, 250.0, 300.0),
        min_length=2,
        description="edges of the bins of the true energy [GeV], rising; a bin holds its lower edge",
    )
    min_events: int = Field(50, ge=5, description="events that a bin must have to be kept")
    replicas: int = Field(200, ge=50, le=100_000, description="bootstrap replicas")

    @model_validator(mode="after")
    def _rising(self) -> Binning:
        if any(second <= first for first, second in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("the edges must rise")
        return self


@dataclass(frozen=True)
class Bin:
    """Events of one bin of the true energy.

    Attributes:
        low: Lower edge [GeV].
        high: Upper edge [GeV].
        energy: True energies of its events, (n,) [GeV].
        members: Their places, (n,) int.
    """

    low: float
    high: float
    energy: Array
    members: Array

    @property
    def label(self) -> str:
        """Edges as a part of a number's name."""
        return f"{self.low:g}_{self.high:g}"


def described(metric: Metric, what: str) -> str:
    """Return the full definition of a number that is measured on answered events with a bootstrap interval."""
    return definition(metric, f"{what}, answered events; percentile bootstrap, {metric.config.replicas} replicas")


def bins_of(energy: Array, settings: Binning) -> list[Bin]:
    """Return the bins with enough events; the last one holds its upper edge too."""
    edges = np.array(settings.edges)
    index = np.searchsorted(edges, energy, side="right") - 1
    index[energy == edges[-1]] = len(edges) - 2
    groups = [(number, np.flatnonzero(index == number)) for number in range(len(edges) - 1)]
    return [
        Bin(float(edges[number]), float(edges[number + 1]), energy[members], members)
        for number, members in groups
        if len(members) >= settings.min_events
    ]


def statistics(values: Array) -> Array:
    """Return the statistics of each row of values, (M, n) -> (M, 7); see ``MEAN`` and what follows it."""
    result: Array = _statistics(*_sorted(values), np.ones(values.shape[1], np.int64), _QUANTILES)
    return result


def bootstrap_statistics(values: Array, replicas: int, random: np.random.Generator) -> Array:
    """Return the statistics of bootstrap replicas, (replicas, M, 7).

    Args:
        values: (M, n); the M rows are of the same n events, which are drawn together (paired).
        replicas: How often n events are drawn with replacement.
        random: Source of the draws.
    """
    ordered, order = _sorted(values)
    count = values.shape[1]
    result = np.empty((replicas, len(values), 7))
    for replica in range(replicas):
        drawn = np.bincount(random.integers(0, count, count), minlength=count)
        result[replica] = _statistics(ordered, order, drawn, _QUANTILES)
    return result


def half_width(statistics: Array) -> Array:
    """Half of the width of the central 68.3 %, (..., 7) -> (...)."""
    result: Array = 0.5 * (statistics[..., HIGH] - statistics[..., LOW])
    return result


def interval(value: Any, replicas: Array, text: str, count: int) -> Value:
    """Return a number with the percentile interval of its replicas."""
    return Value(float(value), *percentile(replicas, float(value)), text, count)


def ratios(name: str, text: str, bins: Sequence[Bin], pairs: Sequence[tuple[Array, Array]]) -> dict[str, Value]:
    """Return first/second in each bin, named ``<name>_ratio_<low>_<high>``, left out where the second is 0.

    Args:
        name: Of the number.
        text: Its definition.
        bins: The bins.
        pairs: For each bin the two numbers, (2,), and their paired replicas, (replicas, 2).
    """
    values = {}
    for bin_, (numbers, replicas) in zip(bins, pairs, strict=True):
        if numbers[1] > 0 and (replicas[:, 1] > 0).all():
            values[f"{name}_ratio_{bin_.label}"] = interval(
                numbers[0] / numbers[1],
                replicas[:, 0] / replicas[:, 1],
                f"{text}, first/second, same events, true energy {bin_.low:g} to {bin_.high:g} GeV",
                len(bin_.members),
            )
    return values


def table_of(bins: Sequence[Bin], rows: Sequence[dict[str, float]]) -> dict[str, Array]:
    """Return a table with ``low``, ``high``, ``centre`` (mean energy), ``n`` and the columns of ``rows``."""
    whole = [
        {"low": b.low, "high": b.high, "centre": float(b.energy.mean()), "n": len(b.members), **row}
        for b, row in zip(bins, rows, strict=True)
    ]
    return {key: np.array([row[key] for row in whole]) for key in whole[0]} if whole else {}


def with_ends(name: str, value: Any, replicas: Array) -> dict[str, float]:
    """Return a number and the ends of its percentile interval as columns ``name``, ``name_low``, ``name_high``."""
    low, high = percentile(replicas, float(value))
    return {name: float(value), f"{name}_low": low, f"{name}_high": high}


def histogram(values: Array, reach: float, count: int) -> dict[str, Array]:
    """Return ``low``, ``high``, ``count`` of equal bins from -reach to reach; the outermost hold all beyond."""
    edges = np.linspace(-reach, reach, count + 1)
    number = np.histogram(np.clip(values, -reach, reach), edges)[0]
    return {"low": edges[:-1], "high": edges[1:], "count": number}


def regression(metric: Metric, predictions: Predictions, *quantities: str) -> dict[str, Array] | None:
    """Return ``true_<q>`` and ``predicted_<q>`` of quantities, each (N,) float64; None if another one was asked.

    Raises:
        DataError: The predictions are of a classification, or there is no event, or a value is not finite.
    """
    names = [f"{kind}_{quantity}" for quantity in quantities for kind in ("true", "predicted")]
    if predictions.classes or not any(name.startswith("true_") for name in predictions.columns):
        raise DataError(
            f"'{metric.name}' measures a regression, with columns 'true_...' and 'predicted_...'",
            came=", ".join(predictions.columns) or "no column",
            do="choose other metrics in 'evaluation.metrics', or the task 'shower'",
        )
    if not any(name in predictions.columns for name in names):
        return None
    values = {name: column(predictions, name) for name in names}
    if not len(predictions):
        raise DataError("the sample must have at least one event", came="an empty one")
    return values


def true_energy(predictions: Predictions) -> Array:
    """Return the true energy to bin in, (N,) [GeV], from ``true_energy`` or the field ``energy``; else NaN."""
    for name in ("true_energy", "energy"):
        if name in predictions.columns:
            return column(predictions, name)
    return np.full(len(predictions), np.nan)


def unanswered(metric: Metric, name: str, answered: Array) -> Value:
    """Return the share of events without an answer.

    Raises:
        DataError: No event has an answer.
    """
    count = len(answered)
    missing = count - int(answered.sum())
    if missing == count:
        raise DataError(f"'{metric.name}' needs events with an answer", came=f"none of {count}")
    low, high = clopper_pearson(np.array(missing), np.array(count))
    text = definition(metric, f"share of events whose {name} was not answered (no region); Clopper-Pearson")
    return Value(missing / count, float(low), float(high), text, count)


def _sorted(values: Array) -> tuple[Array, Array]:
    order = np.argsort(values, axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1), order


@njit(nogil=True, cache=True)
def _statistics(ordered, order, drawn, shares):  # type: ignore[no-untyped-def]
    """Statistics of rows of rising values, (M, n), in which event ``order`` stands ``drawn`` times."""
    out = np.empty((len(ordered), 3 + len(shares)))
    total = drawn.sum()
    for row in range(len(ordered)):
        values = ordered[row]
        shift = values[len(values) // 2]  # against cancellation in the variance
        mean, square, size = 0.0, 0.0, 0.0
        for place in range(len(values)):
            weight = drawn[order[row, place]]
            if weight:
                offset = values[place] - shift
                mean += weight * offset
                square += weight * offset * offset
                size += weight * abs(values[place])
        mean /= total
        out[row, 0] = mean + shift
        out[row, 1] = np.sqrt(max(square / total - mean * mean, 0.0))
        out[row, 2] = size / total
        for item in range(len(shares)):  # linear between neighbours, as numpy.quantile
            position = shares[item] * (total - 1)
            first = np.int64(np.floor(position))
            passed, place = np.int64(0), -1
            while passed <= first:
                place += 1
                passed += drawn[order[row, place]]
            low = values[place]
            while passed <= first + 1 and passed < total:
                place += 1
                passed += drawn[order[row, place]]
            high = values[place]
            out[row, 3 + item] = low + (position - first) * (high - low)
    return out
