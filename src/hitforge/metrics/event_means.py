"""Means over events of numbers that were measured event by event."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._sample import definition


class EventMeans(Metric):
    """The mean of each column, such as the edge efficiency of each event; events without the number (NaN) are left out.

    It serves networks that are a step on the way to something else, such as an embedding for a graph.
    """

    version: ClassVar[int] = 1

    class Config(config.Config):
        """Fields of the metric."""

        replicas: int = Field(1000, ge=100, le=100_000, description="bootstrap replicas for the interval")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure each column under its own name, with a 68.3 % bootstrap interval over events.

        Raises:
            DataError: A column has no finite number.
        """
        values = {}
        for name, column in predictions.columns.items():
            known = np.asarray(column, np.float64)[np.isfinite(column)]
            if not len(known):
                raise DataError(f"'{name}' must be known for an event", came=f"{len(column)} events without it")
            random = stream(seed, "event_means", name)
            draws = random.integers(0, len(known), (self.config.replicas, len(known)))
            low, high = np.quantile(known[draws].mean(axis=1), [0.1585, 0.8415])
            text = definition(self, f"mean of '{name}' over events; bootstrap of events")
            values[name] = Value(float(known.mean()), float(low), float(high), text, len(known))
        return Result(values)
