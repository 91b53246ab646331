"""How well a positive number of an event is found: errors, response and width in bins, and the pull to the mean."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._binned import histogram
from hitforge.metrics._bootstrap import (
    MEAN,
    MEDIAN,
    SIZE,
    bootstrap_statistics,
    event_weights,
    half_width,
    interval,
    statistics,
    with_ends,
)
from hitforge.metrics._sample import column, definition, require_same_events
from hitforge.tasks import Better, Task

_ROOM = 0.1  # share of the range, at either end, that flatness leaves out


class ValueResponse(Metric):
    """Predicted over true value of what the task ``regress`` asks for, such as a mass.

    For a quantity q: ``q_error``, mean of abs(predicted/true - 1); ``q_absolute_error``, mean of abs(predicted - true);
    ``q_sigma68``, half of the central 68.3 % of predicted/true over its median. Of bins even in the logarithm of the
    true value, those inside the central 80 % of its range: ``q_flatness``, the largest abs(median of predicted/true
    - 1), with the interval of that bin alone. ``q_slope``, of log(predicted) over log(true), least squares: 1 where
    nothing is pulled, 0 where every answer is the mean.

    Tables: ``value_response.bins`` over the true value; ``.<field>`` over each event field of ``along``, in bins of
    equally many events; ``.histogram`` of predicted/true - 1; ``.examples``.
    """

    headline: ClassVar[tuple[str, ...]] = ("",)

    class Config(config.Config):
        """Bins and replicas."""

        bins: int = Field(10, ge=3, le=1000, description="bins of the true value, even in its logarithm")
        along: tuple[str, ...] = Field(("particle_jet_pt", "pt"), description="event fields to bin in, those there are")
        along_bins: int = Field(6, ge=2, le=1000, description="bins of each of these, of equally many events")
        min_events: int = Field(50, ge=5, description="events that a bin must have to be kept")
        replicas: int = Field(200, ge=50, le=100_000, description="bootstrap replicas")
        histogram_reach: float = Field(0.8, gt=0, le=100, description="end of the histogram of predicted/true - 1")
        histogram_bins: int = Field(80, ge=2, le=100_000, description="bins of that histogram")
        examples: int = Field(500, ge=1, le=1_000_000, description="random events that are listed")

    def monitored(self, task: Task) -> dict[str, Better]:
        """Error and width of the task's quantity."""
        quantity = getattr(task.config, "quantity", None)
        return {f"{quantity}_{of}": "min" for of in ("error", "absolute_error", "sigma68")} if quantity else {}

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure the quantity; see the class.

        Raises:
            DataError: The predictions are of another kind, or a true value is not above 0.
        """
        name, true, predicted = _quantity(self, predictions)
        ratio = predicted / true
        rows = np.stack([ratio, ratio - 1.0, predicted - true])
        own = statistics(rows)
        replicas = bootstrap_statistics(rows, self.config.replicas, stream(seed, self.name))
        width, widths = half_width(own[0]) / own[0, MEDIAN], half_width(replicas[:, 0]) / replicas[:, 0, MEDIAN]
        n = len(true)
        values = {
            f"{name}_error": interval(
                own[1, SIZE], replicas[:, 1, SIZE], self._text("mean of abs(predicted/true - 1)"), n, n
            ),
            f"{name}_absolute_error": interval(
                own[2, SIZE], replicas[:, 2, SIZE], self._text("mean of abs(predicted - true)"), n, n
            ),
            f"{name}_sigma68": interval(
                width, widths, self._text("half of the central 68.3 % of predicted/true over its median"), n,
                centre=True,
            ),
            f"{name}_slope": self._slope(true, predicted, seed),
        }  # fmt: skip
        edges = np.geomspace(true.min(), true.max() * (1 + 1e-9), self.config.bins + 1)
        tables = {f"{self.name}.bins": self._binned(true, ratio, edges, "bins", seed)}
        values |= self._flatness(name, tables[f"{self.name}.bins"], edges, ratio, true, seed)
        for field in self.config.along:
            if field in predictions.columns:
                place = column(predictions, field)
                edges = np.unique(np.quantile(place, np.linspace(0, 1, self.config.along_bins + 1)))
                tables[f"{self.name}.{field}"] = self._binned(place, ratio, edges, field, seed)
        tables[f"{self.name}.histogram"] = histogram(
            ratio - 1.0, self.config.histogram_reach, self.config.histogram_bins
        )
        some = np.sort(stream(seed, self.name, "examples").permutation(n)[: self.config.examples])
        tables[f"{self.name}.examples"] = {"true": true[some], "predicted": predicted[some]}
        return Result(values, {key: table for key, table in tables.items() if table})

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure paired differences, first - second: ``q_error_difference`` and ``q_absolute_error_difference``."""
        require_same_events(first, second)
        name, true, one = _quantity(self, first)
        two = _quantity(self, second)[2]
        values = {}
        for of, pair in (
            ("error", np.stack([one, two]) / true - 1.0),
            ("absolute_error", np.stack([one, two]) - true),
        ):
            own = statistics(pair)[:, SIZE]
            drawn = bootstrap_statistics(pair, self.config.replicas, stream(seed, self.name, of))[:, :, SIZE]
            text = self._text(f"difference of {of.replace('_', ' ')}s, first - second, same events")
            difference = drawn[:, 0] - drawn[:, 1]
            values[f"{name}_{of}_difference"] = interval(own[0] - own[1], difference, text, len(true), len(true))
        return Result(values)

    def _text(self, what: str) -> str:
        return definition(self, f"{what}; Bayesian bootstrap of events, {self.config.replicas} replicas")

    def _binned(self, place: Array, ratio: Array, edges: Array, label: str, seed: int) -> dict[str, Array]:
        """Median and width of predicted/true in bins with enough events."""
        index = np.clip(np.searchsorted(edges, place, side="right") - 1, 0, len(edges) - 2)
        rows = []
        for number in range(len(edges) - 1):
            members = np.flatnonzero(index == number)
            if len(members) < self.config.min_events:
                continue
            inside = ratio[None, members]
            own = statistics(inside)[0]
            drawn = bootstrap_statistics(inside, self.config.replicas, stream(seed, self.name, label, number))[:, 0]
            widths = half_width(drawn) / drawn[:, MEDIAN]
            rows.append(
                {
                    "low": edges[number], "high": edges[number + 1], "centre": place[members].mean(), "n": len(members),
                    "mean": own[MEAN],
                    **with_ends("response", own[MEDIAN], drawn[:, MEDIAN], len(members)),
                    **with_ends("sigma68", half_width(own) / own[MEDIAN], widths, centre=True),
                }
            )  # fmt: skip
        return {key: np.array([row[key] for row in rows]) for key in rows[0]} if rows else {}

    def _flatness(
        self, name: str, table: dict[str, Array], edges: Array, ratio: Array, true: Array, seed: int
    ) -> dict[str, Value]:
        if not table:
            return {}
        span = np.log(edges[-1] / edges[0])
        low, high = edges[0] * np.exp(_ROOM * span), edges[-1] * np.exp(-_ROOM * span)
        inner = np.flatnonzero((table["low"] >= low * (1 - 1e-9)) & (table["high"] <= high * (1 + 1e-9)))
        if not len(inner):
            return {}
        away = np.abs(table["response"][inner] - 1.0)
        worst = inner[int(np.argmax(away))]
        ends = sorted(
            (abs(float(table[f"response_{end}"][worst]) - 1.0) for end in ("low", "high")),
        )
        value = float(away.max())
        crosses = table["response_low"][worst] < 1.0 < table["response_high"][worst]
        text = self._text(
            f"largest abs(median of predicted/true - 1) of {len(inner)} bins of {low:.4g} to {high:.4g}; interval of "
            "that bin alone"
        )
        bounds = (0.0 if crosses else min(ends[0], value), max(ends[1], value))
        return {f"{name}_flatness": Value(value, *bounds, text, int(table["n"][inner].sum()))}

    def _slope(self, true: Array, predicted: Array, seed: int) -> Value:
        x, y = np.log(true), np.log(np.maximum(predicted, 1e-30))
        weights = event_weights(len(x), self.config.replicas, stream(seed, self.name, "slope"))
        total = weights.sum(axis=1)
        mean_x, mean_y = weights @ x / total, weights @ y / total
        spread = np.maximum(weights @ (x * x) / total - mean_x**2, 1e-30)
        slopes = (weights @ (x * y) / total - mean_x * mean_y) / spread
        text = self._text("slope of log(predicted) over log(true), least squares")
        return interval(slopes[0], slopes[1:], text, len(x), len(x))


def _quantity(metric: Metric, predictions: Predictions) -> tuple[str, Array, Array]:
    """Name, true and predicted values, (N,) each, of the quantity that the predictions hold."""
    names = [
        name.removeprefix("predicted_") for name in predictions.columns
        if name.startswith("predicted_") and f"true_{name.removeprefix('predicted_')}" in predictions.columns
    ]  # fmt: skip
    if predictions.classes or len(names) != 1:
        raise DataError(
            f"'{metric.name}' measures one quantity, with columns 'true_...' and 'predicted_...'",
            came=", ".join(predictions.columns) or "no column",
            do="choose other metrics in 'evaluation.metrics', or the task 'regress'",
        )
    name = names[0]
    true, predicted = column(predictions, f"true_{name}"), column(predictions, f"predicted_{name}")
    if not len(true):
        raise DataError("the sample must have at least one event", came="an empty one")
    for side, values, wrong in (("true", true, true <= 0), ("predicted", predicted, predicted < 0)):
        bad = np.flatnonzero(wrong)
        if len(bad):
            must = f"'{side}_{name}' must be {'above 0' if side == 'true' else '>= 0'}"
            raise DataError(must, came=values[bad[0]], where=f"event {bad[0]}")
    return name, true, predicted
