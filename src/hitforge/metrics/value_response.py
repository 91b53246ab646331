"""How well a positive number of an event is found: errors, response and width in bins, and the pull to the mean."""

from __future__ import annotations

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
    excess,
    half_width,
    interval,
    sizes_to,
    statistics,
    with_ends,
)
from hitforge.metrics._sample import column, definition, require_same_events
from hitforge.tasks import Better, Task

_ALIKE = 0.01  # spread of the logarithm of true values, below which they have no slope
_OUTER = 1e-3  # share of the true values, at either end, that lies outside all bins
_ROOM = 0.1  # share of the range, at either end, that flatness leaves out


class ValueResponse(Metric):
    """Predicted over true value of what the task ``regress`` asks for, such as a mass.

    For a quantity q: ``q_error``, mean of abs(predicted/true - 1); ``q_absolute_error``, mean of abs(predicted - true);
    ``q_sigma68``, half of the central 68.3 % of predicted/true over its median. Of bins even in the logarithm of the
    true value, those inside the central 80 % of its range: ``q_flatness``, the largest abs(median of predicted/true
    - 1) less what chance adds, and ``q_flatness_seen`` with it. The range is that of all but the outermost 0.1 % of
    values on either side. ``q_slope``, of log(predicted) over log(true), least squares: 1 where nothing is pulled, 0
    where every answer is the mean; left out where true values are alike (spread below 1 %).

    Tables: ``value_response.bins`` over the true value; ``.<field>`` over each event field of ``along``, in bins of
    equally many events; ``.histogram`` of predicted/true - 1; ``.examples``.
    """

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
        }  # fmt: skip
        if np.log(true).std() > _ALIKE:
            values[f"{name}_slope"] = self._slope(true, predicted, seed)
        low, high = np.quantile(true, [_OUTER, 1.0 - _OUTER])
        edges = np.geomspace(low, max(high, low * (1 + 1e-6)), self.config.bins + 1)
        table, medians = self._binned(true, ratio, edges, "bins", seed)
        tables = {f"{self.name}.bins": table}
        values |= self._flatness(name, table, medians, edges)
        for field in self.config.along:
            if field in predictions.columns:
                place = column(predictions, field)
                edges = np.unique(np.quantile(place, np.linspace(0, 1, self.config.along_bins + 1)))
                tables[f"{self.name}.{field}"] = self._binned(place, ratio, edges, field, seed)[0]
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

    def _binned(
        self, place: Array, ratio: Array, edges: Array, label: str, seed: int
    ) -> tuple[dict[str, Array], Array]:
        """Median and width of predicted/true in bins with enough events, and replicas of the medians, (R, bins)."""
        index = np.searchsorted(edges, place, side="right") - 1
        index[place == edges[-1]] = len(edges) - 2
        rows, medians = [], []
        for number in range(len(edges) - 1):
            members = np.flatnonzero(index == number)
            if len(members) < self.config.min_events:
                continue
            inside = ratio[None, members]
            own = statistics(inside)[0]
            drawn = bootstrap_statistics(inside, self.config.replicas, stream(seed, self.name, label, number))[:, 0]
            widths = half_width(drawn) / drawn[:, MEDIAN]
            medians.append(drawn[:, MEDIAN])
            rows.append(
                {
                    "low": edges[number], "high": edges[number + 1], "centre": place[members].mean(), "n": len(members),
                    "mean": own[MEAN],
                    **with_ends("response", own[MEDIAN], drawn[:, MEDIAN], len(members)),
                    **with_ends("sigma68", half_width(own) / own[MEDIAN], widths, centre=True),
                }
            )  # fmt: skip
        table = {key: np.array([row[key] for row in rows]) for key in rows[0]} if rows else {}
        return table, np.stack(medians, axis=1) if medians else np.zeros((self.config.replicas, 0))

    def _flatness(self, name: str, table: dict[str, Array], medians: Array, edges: Array) -> dict[str, Value]:
        if not table:
            return {}
        span = np.log(edges[-1] / edges[0])
        low, high = edges[0] * np.exp(_ROOM * span), edges[-1] * np.exp(-_ROOM * span)
        inner = np.flatnonzero((table["low"] >= low * (1 - 1e-9)) & (table["high"] <= high * (1 + 1e-9)))
        if not len(inner):
            return {}
        asked = int(((edges[:-1] >= low * (1 - 1e-9)) & (edges[1:] <= high * (1 + 1e-9))).sum())
        away, noise = table["response"][inner] - 1.0, medians[:, inner] - table["response"][inner]
        seen, chance = float(np.abs(away).max()), np.abs(noise).max(axis=1)
        # either all bins deviate as was seen, or that alone in which most was seen
        alone, cases = np.where(np.abs(away) == seen, away, 0.0), []
        for shape in (away, alone):
            sizes = sizes_to(seen, chance) if seen > 0 else np.zeros(2)
            times = sizes / seen if seen > 0 else sizes
            cases.append((sizes, np.abs(times[:, None, None] * shape + noise).max(axis=2)))
        n, bins = int(table["n"][inner].sum()), f"{len(inner)} of {asked} bins of {low:.4g} to {high:.4g}"
        what = f"largest abs(median of predicted/true - 1) of {bins}"
        less = f"{what}, less what chance adds: true size for which half of the samples show less (test inversion)"
        spread = np.abs(away + noise).max(axis=1)
        return {
            f"{name}_flatness": Value(*excess(cases, seen), self._text(less), n),
            f"{name}_flatness_seen": interval(
                seen, spread, self._text(f"{what}, with what chance adds; spread of such samples"), n, centre=True
            ),
        }

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
            f"'{metric.name}' measures a regression of one quantity, with columns 'true_...' and 'predicted_...'",
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
