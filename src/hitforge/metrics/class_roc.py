"""A ROC curve for each class against all others: which identities are told from the rest, and how well."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._auc import auc, auc_interval, bootstrap_auc, curve, difference_interval
from hitforge.metrics._intervals import clopper_pearson
from hitforge.metrics._sample import column, definition, require_same_events, target
from hitforge.tasks import Better, Task


class ClassRoc(Metric):
    """Area under the ROC curve of each class against the rest by its own score, and the share of right answers."""

    version: ClassVar[int] = 2

    class Config(config.Config):
        """Replicas and curves."""

        replicas: int = Field(200, ge=50, le=100_000, description="bootstrap replicas")
        points: int = Field(200, ge=10, le=10_000, description="most points of a drawn curve")

    def monitored(self, task: Task) -> dict[str, Better]:
        """The accuracy, and the AUC of each class."""
        return {"accuracy": "max", **{f"auc_{name}": "max" for name in getattr(task, "classes", ())}}

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``auc_<class>`` and ``accuracy``; tables ``class_roc.<class>`` (false_positive, true_positive).

        A class that no event, or every event, belongs to has neither number nor curve.

        Raises:
            DataError: The predictions are of a regression, all events are of one class, or a score is not finite.
        """
        truth, scores = target(predictions), _scores(predictions)
        right = int((scores.argmax(axis=0) == truth).sum())
        low, high = clopper_pearson(np.array(right), np.array(len(truth)))
        text = definition(self, "share of events whose true class has the highest score; Clopper-Pearson")
        values = {"accuracy": Value(right / len(truth), float(low), float(high), text, len(truth))}
        tables = {}
        for index, name in _present(predictions, truth):
            is_class = truth == index
            value = auc(scores[index], is_class)
            replicas = bootstrap_auc([scores[index]], is_class, self.config.replicas, stream(seed, self.name, name))[
                :, 0
            ]
            ends = auc_interval(replicas, value, is_class)
            values[f"auc_{name}"] = Value(value, *ends, self._text(name, ""), len(truth))
            fpr, tpr = curve(scores[index], is_class, self.config.points)
            tables[f"{self.name}.{name}"] = {"false_positive": fpr, "true_positive": tpr}
        return Result(values, tables)

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure ``auc_<class>_difference``, first - second on the same events."""
        require_same_events(first, second)
        truth, one, two = target(first), _scores(first), _scores(second)
        values = {}
        for index, name in _present(first, truth):
            is_class, pair = truth == index, [one[index], two[index]]
            difference = auc(pair[0], is_class) - auc(pair[1], is_class)
            random = stream(seed, self.name, name, "difference")
            replicas = bootstrap_auc(pair, is_class, self.config.replicas, random)
            ends = difference_interval(replicas[:, 0] - replicas[:, 1], difference, is_class)
            text = self._text(name, ", first - second, same events")
            values[f"auc_{name}_difference"] = Value(difference, *ends, text, len(truth))
        return Result(values)

    def _text(self, name: str, what: str) -> str:
        return definition(
            self,
            f"area under the ROC curve of '{name}' against the rest by score_{name}, ties one half{what}; stratified "
            f"percentile bootstrap, {self.config.replicas} replicas (if without spread: Clopper-Pearson, smaller "
            "class)",
        )


def _scores(predictions: Predictions) -> Array:
    """Score of each class, (classes, N)."""
    return np.stack([column(predictions, f"score_{name}") for name in predictions.classes])


def _present(predictions: Predictions, truth: Array) -> list[tuple[int, str]]:
    """Index and name of the classes that some, but not all, events belong to."""
    number = np.bincount(truth, minlength=len(predictions.classes))
    kept = [(i, name) for i, name in enumerate(predictions.classes) if 0 < number[i] < len(truth)]
    if not kept:
        missing = ", ".join(name for i, name in enumerate(predictions.classes) if not number[i])
        raise DataError("the sample must hold two classes or more", came=f"no {missing} in {len(truth)} events")
    return kept
