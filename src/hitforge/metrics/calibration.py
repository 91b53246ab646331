"""Is the score a probability? Reliability curve, expected calibration error, Brier score and log loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.special import stdtrit

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._bootstrap import at_an_end, ends_of, excess, sizes_to
from hitforge.metrics._intervals import TAIL, clopper_pearson
from hitforge.metrics._sample import definition, signal_probability
from hitforge.tasks import Better

_CLIP = 1e-7


class Calibration(Metric):
    """Agreement of the signal score with the observed share of signal, signal class against the rest."""

    version: ClassVar[int] = 2
    better: ClassVar[dict[str, Better]] = {
        "calibration.error": "min",
        "calibration.brier": "min",
        "calibration.log_loss": "min",
    }

    class Config(config.Config):
        """Fields of the metric."""

        bins: int = Field(15, ge=2, le=1000, description="bins of equal width in the score")
        replicas: int = Field(200, ge=50, le=100_000, description="samples drawn for the calibration error")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``calibration.error``, ``.error_seen``, ``.error_chance``, ``.brier`` and ``.log_loss``.

        The expected calibration error of Naeini et al., AAAI 2015, is the mean over events of the distance, in the
        event's bin, between mean score and observed share. It is above 0 for a perfect score, the more the fewer
        events. ``error_seen`` is that number, ``error_chance`` what a score that is a probability shows with the same
        scores, ``error`` what is left without it; its interval may hold 0.

        Table ``calibration``, a row a filled bin.

        Raises:
            DataError: A class is missing, or a score is not a probability.
        """
        score, is_signal = signal_probability(predictions)
        count = len(score)
        index = np.minimum((score * self.config.bins).astype(np.int64), self.config.bins - 1)
        number = np.bincount(index, minlength=self.config.bins)
        signal = np.bincount(index, is_signal, minlength=self.config.bins)
        total = np.bincount(index, score, minlength=self.config.bins)
        bins = _Bins(number, total, signal)
        numbers = self._error(bins, count, seed)
        text = f"expected calibration error, {self.config.bins} equal bins"
        less = "less what chance adds: true size for which half of the samples show less (test inversion)"
        texts = {
            "error": f"{text}, {less}",
            "error_seen": f"{text}, with what chance adds; spread of such samples",
            "error_chance": f"{text}, of true probabilities with these scores: median and central 68.3 %",
        }
        away = score - is_signal
        clipped = np.clip(score, _CLIP, 1.0 - _CLIP)
        loss = -np.where(is_signal, np.log(clipped), np.log1p(-clipped))
        numbers |= {"brier": _mean(away**2), "log_loss": _mean(loss)}
        texts["brier"] = "mean of (score - truth) squared, signal against the rest; Student's t"
        texts["log_loss"] = f"mean of -log of the score of the truth, scores clipped at {_CLIP:g}; Student's t"
        # where all are right or all are wrong nothing varies, but one event in so many more may be otherwise
        for name, worst in (("error", 1.0), ("error_seen", 1.0), ("brier", 1.0), ("log_loss", -math.log(_CLIP))):
            value, low, high = numbers[name]
            low, high = at_an_end(np.abs(away), 0.0, 1.0, (low / worst, high / worst))
            numbers[name] = (value, worst * low, worst * high)
        values = {
            f"{self.name}.{name}": Value(*found, definition(self, texts[name]), count)
            for name, found in numbers.items()
        }
        filled = number > 0
        lows, highs = clopper_pearson(signal[filled], number[filled])
        table = {
            "score": total[filled] / number[filled],
            "observed": signal[filled] / number[filled],
            "low": lows,
            "high": highs,
            "n": number[filled],
        }
        return Result(values, {"calibration": table})

    def _error(self, bins: _Bins, count: int, seed: int) -> dict[str, tuple[float, float, float]]:
        """The calibration error, with and without what chance adds, and what chance alone shows."""
        random, replicas = stream(seed, self.name), self.config.replicas
        filled = bins.number > 0
        number, score, share = bins.number[filled], bins.score[filled], bins.signal[filled]
        score, share = np.minimum(score / number, 1.0), share / number

        def sizes_of(share: Array) -> Array:  # (..., bins) -> (...)
            result: Array = np.abs(share - score) @ number / count
            return result

        def drawn(true: Array) -> Array:  # (..., bins) -> (..., replicas)
            shape = (*true.shape[:-1], replicas, true.shape[-1])
            return sizes_of(random.binomial(number, np.broadcast_to(true[..., None, :], shape)) / number)

        seen, chance = float(sizes_of(share)), drawn(score)
        spread = np.sqrt(np.maximum(score * (1.0 - score) / number, 0.0))
        away = share - score
        certain = away * np.maximum(1.0 - (spread / np.where(away == 0, 1.0, away)) ** 2, 0.0)
        cases = []
        # deviations as they were seen, alike in all bins, or in those alone that stand out
        for shape in (away, np.where(away < 0, -spread, spread), certain):
            size = float(np.abs(shape) @ number / count)
            if size > 0:
                times = sizes_to(seen, chance) / size
                true = np.clip(score + times[:, None] * shape, 0.0, 1.0)
                cases.append((sizes_of(true), drawn(true)))
        again = drawn((number * share + score) / (number + 1.0))  # a bin of signal alone may hold the other, too
        return {
            "error": excess(cases, seen) if cases else (0.0, 0.0, float(np.quantile(chance, 1.0 - TAIL))),
            "error_seen": (seen, *ends_of(seen, again, centre=True)),
            "error_chance": (middle := float(np.median(chance)), *ends_of(middle, chance)),
        }


@dataclass(frozen=True)
class _Bins:
    """Bins of the score, (bins,) each: events, sum of their scores, and of signal."""

    number: Array
    score: Array
    signal: Array


def _mean(values: Array) -> tuple[float, float, float]:
    """Mean of values that are not below 0, and its interval by Student's t."""
    count, value = len(values), float(values.mean())
    width = float(values.std(ddof=1)) / math.sqrt(count) * float(stdtrit(count - 1, 1.0 - TAIL))
    return value, max(value - width, 0.0), value + width
