"""Which class is taken for which, and how often the answer is right."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import clopper_pearson
from hitforge.metrics._sample import column, definition, target
from hitforge.tasks import Better


class Confusion(Metric):
    """Confusion matrix and accuracy. Two classes: signal at or above the threshold; more: the highest score."""

    version: ClassVar[int] = 1
    better: ClassVar[dict[str, Better]] = {"accuracy": "max"}

    class Config(config.Config):
        """Fields of the metric."""

        threshold: float = Field(0.5, gt=0.0, lt=1.0, description="signal score from which an event counts as signal")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``accuracy``; table ``confusion``, one row a pair of truth and predicted.

        Columns: names of both classes, ``count``, ``share`` of the truth and its interval. A class without events
        has no rows.

        Raises:
            DataError: No events, a score is missing or not finite.
        """
        truth = target(predictions)
        classes = predictions.classes
        if len(classes) == 2:
            passes = column(predictions, f"score_{classes[predictions.signal]}") >= self.config.threshold
            answer = np.where(passes, predictions.signal, 1 - predictions.signal)
            cut = f"signal where score >= {self.config.threshold:g}"
        else:
            answer = np.stack([column(predictions, f"score_{name}") for name in classes]).argmax(axis=0)
            cut = "class of the highest score"
        matrix = np.bincount(truth * len(classes) + answer, minlength=len(classes) ** 2).reshape(len(classes), -1)
        right, count = int(np.trace(matrix)), len(truth)
        low, high = clopper_pearson(np.array(right), np.array(count))
        text = definition(self, f"share of events given their true class, {cut}; Clopper-Pearson")
        row, answered = (part.ravel() for part in np.indices(matrix.shape))
        total = matrix.sum(axis=1)[row]
        kept = total > 0
        row, answered, total, number = row[kept], answered[kept], total[kept], matrix.ravel()[kept]
        share_low, share_high = clopper_pearson(number, total)
        names = np.array(classes)
        table = {
            "truth": names[row],
            "predicted": names[answered],
            "count": number,
            "share": number / total,
            "low": share_low,
            "high": share_high,
        }
        return Result({"accuracy": Value(right / count, float(low), float(high), text, count)}, {"confusion": table})
