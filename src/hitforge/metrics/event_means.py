"""Means over events of numbers that were measured event by event."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._bootstrap import at_an_end, ends_of, event_weights
from hitforge.metrics._sample import definition
from hitforge.tasks import Better, Task


class EventMeans(Metric):
    """The mean of each column, such as the edge efficiency of each event; events without the number (NaN) are left out.

    It serves networks that are a step on the way to something else, such as an embedding for a graph. Event fields that
    a recipe keeps beside the numbers are averaged, too.
    """

    version: ClassVar[int] = 2

    class Config(config.Config):
        """Fields of the metric."""

        replicas: int = Field(1000, ge=100, le=100_000, description="bootstrap replicas for the interval")

    def monitored(self, task: Task) -> dict[str, Better]:
        """The task's own scores."""
        return task.scores

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure each column under its own name, with a 68.3 % bootstrap interval over events.

        Where all events have 0, or all have 1, the interval is that of a share (Clopper-Pearson).

        Raises:
            DataError: A column has no finite number.
        """
        values = {}
        for name, column in predictions.columns.items():
            known = np.asarray(column, np.float64)[np.isfinite(column)]
            if not len(known):
                raise DataError(f"'{name}' must be known for an event", came=f"{len(column)} events without it")
            values[name] = self._value(known, name, f"mean of '{name}' over events; Bayesian bootstrap of events", seed)
        return Result(values)

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure the mean of first - second over events, ``<column>_difference``, for columns that differ.

        Columns that only one of them has, that are the same in both (such as event fields), or that no event has in
        both, are left out. Events are drawn once for the pair.

        Raises:
            DataError: The numbers of events differ.
        """
        if len(first) != len(second):
            raise DataError(
                "both sets of predictions must be of the same events", came=f"{len(first)} and {len(second)} events"
            )
        values = {}
        for name in first.columns:
            if name not in second.columns:
                continue
            away = np.asarray(first.columns[name], np.float64) - np.asarray(second.columns[name], np.float64)
            known = away[np.isfinite(away)]
            if known.any():
                text = f"mean of '{name}' over events; first - second, same events; Bayesian bootstrap of events"
                values[f"{name}_difference"] = self._value(known, name, text, seed)
        return Result(values)

    def _value(self, known: Array, name: str, text: str, seed: int) -> Value:
        """Mean of numbers of events, (n,), with its interval."""
        weights = event_weights(len(known), self.config.replicas, stream(seed, "event_means", name))
        means = weights @ known / weights.sum(axis=1)
        value = float(known.mean())
        low, high = at_an_end(known, 0.0, 1.0, ends_of(value, means[1:], len(known)))
        return Value(value, low, high, definition(self, text), len(known))
