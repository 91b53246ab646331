"""Is the score a probability? Reliability curve, expected calibration error, Brier score and log loss."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import clopper_pearson
from hitforge.metrics._sample import definition, signal_probability
from hitforge.tasks import Better

_CLIP = 1e-7


class Calibration(Metric):
    """Agreement of the signal score with the observed share of signal, signal class against the rest."""

    version: ClassVar[int] = 1
    better: ClassVar[dict[str, Better]] = {
        "calibration.error": "min",
        "calibration.brier": "min",
        "calibration.log_loss": "min",
    }

    class Config(config.Config):
        """Fields of the metric."""

        bins: int = Field(15, ge=2, le=1000, description="bins of equal width in the score")
        replicas: int = Field(200, ge=50, le=100_000, description="bootstrap replicas of the calibration error")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``calibration.error``, ``.brier`` and ``.log_loss``; table ``calibration``, a row a filled bin.

        The expected calibration error is that of Naeini et al., AAAI 2015: the mean over events of the distance, in
        the event's bin, between mean score and observed share.

        Raises:
            DataError: A class is missing, or a score is not a probability.
        """
        score, is_signal = signal_probability(predictions)
        count = len(score)
        index = np.minimum((score * self.config.bins).astype(np.int64), self.config.bins - 1)
        number = np.bincount(index, minlength=self.config.bins)
        signal = np.bincount(index, is_signal, minlength=self.config.bins)
        total = np.bincount(index, score, minlength=self.config.bins)
        error = float(np.abs(signal - total).sum() / count)
        spread = self._spread(index, is_signal - score, seed)
        brier, brier_spread = _mean((score - is_signal) ** 2)
        clipped = np.clip(score, _CLIP, 1.0 - _CLIP)
        loss, loss_spread = _mean(-np.where(is_signal, np.log(clipped), np.log1p(-clipped)))
        texts = {
            "error": f"expected calibration error, {self.config.bins} equal bins; +- bootstrap standard deviation",
            "brier": "mean of (score - truth) squared, signal against the rest; +- standard error",
            "log_loss": f"mean of -log of the score of the truth, scores clipped at {_CLIP:g}; +- standard error",
        }
        numbers = {"error": (error, spread), "brier": (brier, brier_spread), "log_loss": (loss, loss_spread)}
        values = {
            f"{self.name}.{name}": Value(
                value, max(value - width, 0.0), value + width, definition(self, texts[name]), count
            )
            for name, (value, width) in numbers.items()
        }
        filled = number > 0
        low, high = clopper_pearson(signal[filled], number[filled])
        table = {
            "score": total[filled] / number[filled],
            "observed": signal[filled] / number[filled],
            "low": low,
            "high": high,
            "n": number[filled],
        }
        return Result(values, {"calibration": table})

    def _spread(self, index: Array, residual: Array, seed: int) -> float:
        """Standard deviation of the calibration error over Poisson bootstrap replicas."""
        random = stream(seed, self.name)
        replicas = np.empty(self.config.replicas)
        for replica in range(self.config.replicas):
            weight = random.poisson(1.0, len(index))
            replicas[replica] = np.abs(np.bincount(index, weight * residual)).sum() / max(weight.sum(), 1)
        return float(replicas.std())


def _mean(values: Array) -> tuple[float, float]:
    """Mean and its standard error."""
    return float(values.mean()), float(values.std() / math.sqrt(len(values)))
