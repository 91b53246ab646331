"""Share of the background that is left at fixed shares of the signal."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import clopper_pearson, percentile
from hitforge.metrics._sample import definition, one_against_rest
from hitforge.tasks import Better, Task


class BackgroundEfficiency(Metric):
    """Background efficiency at the highest threshold that keeps a given share of the signal (score >= threshold)."""

    version: ClassVar[int] = 1

    class Config(config.Config):
        """Fields of the metric."""

        signal_efficiencies: tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...] = Field(
            (0.5, 0.7, 0.8, 0.9), min_length=1, description="shares of the signal to keep"
        )
        replicas: int = Field(2000, ge=100, le=1_000_000, description="bootstrap replicas")

    def monitored(self, task: Task) -> dict[str, Better]:
        """The background efficiency of each working point."""
        return {f"{self.name}.at_{_label(share)}": "min" for share in self.config.signal_efficiencies}

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``background_efficiency.at_<share>``; table ``background_efficiency`` with the thresholds too.

        The threshold comes from the same events, so its fluctuation counts: the interval is a stratified bootstrap.
        Where only few background events pass it would be too short, therefore it is never shorter at either end than
        Clopper-Pearson at the fixed threshold.
        """
        score, is_signal = one_against_rest(predictions)
        signal, background = np.sort(score[is_signal]), np.sort(score[~is_signal])
        random = stream(seed, self.name)
        values: dict[str, Value] = {}
        rows = []
        for share in self.config.signal_efficiencies:
            threshold, value, low, high = self._measure(signal, background, share, random)
            text = (
                f"share of background with score >= the highest threshold that keeps at least {share:g} of the "
                f"signal; stratified bootstrap, {self.config.replicas} replicas, at least Clopper-Pearson"
            )
            name = f"{self.name}.at_{_label(share)}"
            values[name] = Value(value, low, high, definition(self, text), len(score))
            rows.append((share, threshold, value, low, high))
        names = ("signal_efficiency", "threshold", "background_efficiency", "low", "high")
        return Result(values, {"background_efficiency": dict(zip(names, np.array(rows).T, strict=True))})

    def _measure(
        self, signal: Array, background: Array, share: float, random: np.random.Generator
    ) -> tuple[float, float, float, float]:
        """Threshold, background efficiency and its interval; both samples rise."""
        kept = math.ceil(share * len(signal) * (1.0 - 1e-12))  # the kept-th highest score is the threshold
        index = len(signal) - kept
        threshold = float(signal[index])
        passed = _passing(background, signal[index : index + 1])[0]
        low, high = (float(end) for end in clopper_pearson(passed, np.array(len(background))))
        # Exact bootstrap without drawing events: the order statistic of a resample of n values is the one at index
        # floor(n u), with u the order statistic of n uniform numbers, a beta variate; the passing background is
        # binomial.
        uniform = random.beta(index + 1, kept, self.config.replicas)
        drawn = signal[np.minimum((uniform * len(signal)).astype(np.int64), len(signal) - 1)]
        share_passing = _passing(background, drawn) / len(background)
        replicas = random.binomial(len(background), share_passing) / len(background)
        value = float(passed) / len(background)
        lower, upper = percentile(replicas, value)
        return threshold, value, min(low, lower), max(high, upper)


def _passing(background: Array, threshold: Array) -> Array:
    """Number of background events at or above each threshold."""
    result: Array = len(background) - np.searchsorted(background, threshold, side="left")
    return result


def _label(share: float) -> str:
    """Two digits, more only where they are needed to tell working points apart."""
    return f"{share:.2f}" if round(share, 2) == share else f"{share:g}"
