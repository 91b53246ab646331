"""Area under the ROC curve, with the curve, and the paired test between two models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from hitforge.core import config
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._auc import auc, auc_interval, bootstrap_auc, covariance, curve, difference_interval
from hitforge.metrics._sample import definition, one_against_rest, require_same_events
from hitforge.tasks import Better, Task


class RocAuc(Metric):
    """Probability that a signal event scores above a background event; ties count one half.

    Several classes: the signal class against all others.
    """

    version: ClassVar[int] = 2
    better: ClassVar[dict[str, Better]] = {"roc_auc": "max"}

    class Config(config.Config):
        """Fields of the metric."""

        replicas: int = Field(500, ge=50, le=100_000, description="bootstrap replicas")
        points: int = Field(400, ge=10, le=10_000, description="most points of the drawn curve")

    def monitored(self, task: Task) -> Mapping[str, Better]:
        """The AUC, of tasks with classes."""
        return self.better if task.per != "event" or hasattr(task, "classes") else {}

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure the AUC with its stratified bootstrap interval; table ``roc`` (fpr, tpr)."""
        score, is_signal = one_against_rest(predictions)
        value = auc(score, is_signal)
        replicas = bootstrap_auc([score], is_signal, self.config.replicas, stream(seed, self.name))[:, 0]
        low, high = auc_interval(replicas, value, is_signal)
        text = definition(
            self,
            "area under the ROC curve, ties one half, all events; stratified percentile bootstrap, "
            f"{self.config.replicas} replicas (if without spread: Clopper-Pearson, smaller class)",
        )
        fpr, tpr = curve(score, is_signal, self.config.points)
        return Result({"roc_auc": Value(value, low, high, text, len(score))}, {"roc": {"fpr": fpr, "tpr": tpr}})

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure AUC(first) - AUC(second) on the same events.

        Returns:
            ``roc_auc_difference`` with its paired bootstrap interval; ``z`` and the two-sided ``p_value`` of DeLong's
            test. ``z`` is left out where both AUCs have no variance and yet differ.
        """
        require_same_events(first, second)
        (one, is_signal), (two, _) = one_against_rest(first), one_against_rest(second)
        values, cov = covariance([one, two], is_signal)
        difference = float(values[0] - values[1])
        replicas = bootstrap_auc([one, two], is_signal, self.config.replicas, stream(seed, self.name, "difference"))
        low, high = difference_interval(replicas[:, 0] - replicas[:, 1], difference, is_signal)
        text = (
            "AUC(first) - AUC(second), same events; paired stratified percentile bootstrap, "
            f"{self.config.replicas} replicas (if without spread: bound of none that differs, smaller class)"
        )
        result = {"roc_auc_difference": Value(difference, low, high, definition(self, text), len(one))}
        variance = float(cov[0, 0] + cov[1, 1] - 2.0 * cov[0, 1])
        # below rounding, the two models order every pair alike
        z = difference / math.sqrt(variance) if variance > 1e-24 else math.copysign(math.inf, difference)
        z = 0.0 if abs(difference) < 1e-12 else z
        p_value = math.erfc(abs(z) / math.sqrt(2.0))
        numbers = {
            "z": (z, "DeLong's z of the paired AUC difference"),
            "p_value": (p_value, "two-sided p-value of DeLong's paired test of equal AUC"),
        }
        for name, (number, meaning) in numbers.items():
            if math.isfinite(number):
                result[name] = Value(number, number, number, definition(self, meaning), len(one))
        return Result(result)
