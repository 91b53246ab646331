"""Histogram of the signal score for each true class."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.metrics import Metric, Predictions, Result
from hitforge.metrics._sample import signal_probability, target


class ScoreDistribution(Metric):
    """Counts of the signal score, between 0 and 1, for each true class."""

    version: ClassVar[int] = 1

    class Config(config.Config):
        """Fields of the metric."""

        bins: int = Field(40, ge=2, le=10_000, description="bins of equal width")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure table ``score_distribution``: ``low``, ``high`` (edges), ``count_<class>``; no single number.

        Raises:
            DataError: A class is missing, or a score is not a probability.
        """
        score, _ = signal_probability(predictions)
        truth = target(predictions)
        edges = np.linspace(0.0, 1.0, self.config.bins + 1)
        table = {"low": edges[:-1], "high": edges[1:]}
        for index, name in enumerate(predictions.classes):
            table[f"count_{name}"] = np.histogram(score[truth == index], edges)[0]
        return Result({}, {"score_distribution": table})
