"""Numbers in bins of the true energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.metrics import Metric, Predictions, Value
from hitforge.metrics._bootstrap import interval
from hitforge.metrics._intervals import clopper_pearson
from hitforge.metrics._sample import column, definition


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
    return definition(
        metric, f"{what}, answered events; Bayesian bootstrap of events, {metric.config.replicas} replicas"
    )


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
                len(bin_.members),
                centre=True,
            )
    return values


def table_of(bins: Sequence[Bin], rows: Sequence[dict[str, float]]) -> dict[str, Array]:
    """Return a table with ``low``, ``high``, ``centre`` (mean energy), ``n`` and the columns of ``rows``."""
    whole = [
        {"low": b.low, "high": b.high, "centre": float(b.energy.mean()), "n": len(b.members), **row}
        for b, row in zip(bins, rows, strict=True)
    ]
    return {key: np.array([row[key] for row in whole]) for key in whole[0]} if whole else {}


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
