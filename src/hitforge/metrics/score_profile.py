"""Does the answer depend on where and how hard the particle came? The score and its AUC in bins of event fields."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.metrics import Metric, Predictions, Result
from hitforge.metrics._auc import covariance, delong_interval
from hitforge.metrics._intervals import TAIL
from hitforge.metrics._sample import column, one_against_rest, target

_USUAL = ("pt", "eta")


class ScoreProfile(Metric):
    """Mean and quantiles of the signal score for each class, and the AUC, in bins of event fields."""

    version: ClassVar[int] = 2

    class Config(config.Config):
        """Fields of the metric."""

        columns: tuple[str, ...] | None = Field(
            None, description="event fields to bin in; where absent, those of pt and eta that the sample has"
        )
        bins: int = Field(10, ge=1, le=1000, description="bins of equal population")
        renamed: ClassVar[dict[str, str]] = {"least": "min_events"}

        min_events: int = Field(10, ge=2, description="events that a bin must have of each class to be kept")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure table ``score_profile.<field>``, one row a bin, rising; it has no single number.

        Columns: ``low``, ``high`` (edges), ``centre`` (mean of the field), ``n``, ``auc``, ``auc_low``, ``auc_high``
        (DeLong's variance, see ``delong_interval``), and for each class ``mean_``, ``median_``, ``low_``, ``high_``
        (15.9 % and 84.1 % quantiles of the score).

        Raises:
            DataError: A class is missing, or a field that the recipe names is absent or not finite.
        """
        score, is_signal = one_against_rest(predictions)
        truth = target(predictions)
        present = [item for item in range(len(predictions.classes)) if (truth == item).any()]
        names = self.config.columns
        if names is None:
            names = tuple(name for name in _USUAL if name in predictions.columns)
        tables = {}
        for name in names:
            values = column(predictions, name)
            edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, self.config.bins + 1)))
            index = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0))
            rows = []
            for item in range(max(len(edges) - 1, 1)):
                inside = index == item
                members = np.bincount(truth[inside], minlength=len(predictions.classes))
                if members[present].min() < self.config.min_events:
                    continue
                high = edges[min(item + 1, len(edges) - 1)]  # a constant field has one edge and one bin
                row = {"low": edges[item], "high": high, "centre": values[inside].mean()}
                own = {predictions.classes[name]: score[inside & (truth == name)] for name in present}
                rows.append(row | _row(score[inside], is_signal[inside], own))
            if rows:
                tables[f"score_profile.{name}"] = {key: np.array([row[key] for row in rows]) for key in rows[0]}
        return Result({}, tables)


def _row(score: Array, is_signal: Array, own: dict[str, Array]) -> dict[str, Any]:
    """Return the numbers of one bin; ``own`` is the score of each class."""
    values, cov = covariance([score], is_signal)
    low, high = delong_interval(float(values[0]), float(cov[0, 0]), is_signal)
    row: dict[str, Any] = {"n": len(score), "auc": values[0], "auc_low": low, "auc_high": high}
    for name, values in own.items():
        low, median, high = np.quantile(values, [TAIL, 0.5, 1.0 - TAIL])
        row |= {f"mean_{name}": values.mean(), f"median_{name}": median, f"low_{name}": low, f"high_{name}": high}
    return row
