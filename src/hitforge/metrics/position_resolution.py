"""How well a shower's energy-weighted barycentre is found, coordinate by coordinate."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result
from hitforge.metrics._binned import (
    Binning,
    bins_of,
    described,
    histogram,
    ratios,
    regression,
    table_of,
    true_energy,
    unanswered,
)
from hitforge.metrics._bootstrap import (
    MEAN,
    RMS,
    SIZE,
    bootstrap_statistics,
    half_width,
    interval,
    statistics,
    with_ends,
)
from hitforge.metrics._sample import require_same_events
from hitforge.tasks import Better, Task

_AXES = "xyz"
_NAMES = tuple(f"barycentre_{axis}" for axis in _AXES)


class PositionResolution(Metric):
    """Predicted minus true barycentre in x, y and z [mm]: mean absolute error, bias and 68.3 % width.

    Events without an answer (predicted at the origin) are left out and their share is a number of its own. Where the
    predictions hold neither ``true_energy`` nor the field ``energy`` there are no bins.
    """

    version: ClassVar[int] = 2
    headline: ClassVar[tuple[str, ...]] = ("barycentre_x_error", "barycentre_y_error")

    class Config(Binning):
        """Bins, histograms and replicas."""

        transverse_reach: float = Field(20.0, gt=0, le=1e4, description="end of the histograms of x and y [mm]")
        depth_reach: float = Field(200.0, gt=0, le=1e4, description="end of the histogram of z [mm]")
        histogram_bins: int = Field(100, ge=2, le=100_000, description="bins of each histogram")

    def monitored(self, task: Task) -> dict[str, Better]:
        """Errors and widths, where the task asks for the barycentre."""
        names = ("barycentre_unanswered", *(f"{name}_{kind}" for name in _NAMES for kind in ("error", "sigma68")))
        return dict.fromkeys(names if "barycentre" in getattr(task, "quantities", ()) else (), "min")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure the barycentre; empty where the predictions hold none.

        Values, for c in x, y, z: ``barycentre_<c>_error`` (mean absolute) and ``barycentre_<c>_sigma68`` (half of the
        central 68.3 %) [mm]; ``barycentre_unanswered``. Tables: ``position_resolution.barycentre_<c>``, a row a bin,
        and ``position_resolution.histogram_<c>``.

        Raises:
            DataError: The predictions are of another kind, or no event has an answer.
        """
        columns = regression(self, predictions, *_NAMES)
        if columns is None:
            return Result()
        error, answered = _errors(columns)
        values, tables = {"barycentre_unanswered": unanswered(self, "barycentre", answered)}, {}
        error, energy = error[:, answered], true_energy(predictions)[answered]
        own, replicas = statistics(error), bootstrap_statistics(error, self.config.replicas, stream(seed, self.name))
        bins, count = bins_of(energy, self.config), error.shape[1]
        measured = [
            (
                statistics(error[:, bin_.members]),
                bootstrap_statistics(error[:, bin_.members], self.config.replicas, stream(seed, self.name, bin_.label)),
            )
            for bin_ in bins
        ]
        for i, (name, axis) in enumerate(zip(_NAMES, _AXES, strict=True)):
            text = described(self, f"mean of abs(predicted - true) of {axis} [mm]")
            values[f"{name}_error"] = interval(own[i, SIZE], replicas[:, i, SIZE], text, count, count)
            text = described(self, f"half of the central 68.3 % of predicted - true of {axis} [mm]")
            width, widths = half_width(own[i]), half_width(replicas[:, i])
            values[f"{name}_sigma68"] = interval(width, widths, text, count, centre=True)
            if bins:
                rows = [
                    _row(whole[i], drawn[:, i], len(bin_.members))
                    for bin_, (whole, drawn) in zip(bins, measured, strict=True)
                ]
                tables[f"{self.name}.{name}"] = table_of(bins, rows)
            reach = self.config.depth_reach if axis == "z" else self.config.transverse_reach
            tables[f"{self.name}.histogram_{axis}"] = histogram(error[i], reach, self.config.histogram_bins)
        return Result(values, tables)

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure, for c in x, y, z, the paired difference of the mean absolute error and its ratio in each bin.

        Returns:
            ``barycentre_<c>_error_difference`` (first - second) [mm] and ``barycentre_<c>_error_ratio_<low>_<high>``
            (first/second), on events that both answered.
        """
        require_same_events(first, second)
        one, two = regression(self, first, *_NAMES), regression(self, second, *_NAMES)
        if one is None or two is None:
            return Result()
        (error, answered), (other, both) = _errors(one), _errors(two)
        kept = answered & both
        unanswered(self, "barycentre", kept)
        pair = np.concatenate([error, other])[:, kept]  # (6, n)
        own = statistics(pair)[:, SIZE]
        replicas = bootstrap_statistics(pair, self.config.replicas, stream(seed, self.name, "difference"))[:, :, SIZE]
        bins = bins_of(true_energy(first)[kept], self.config)
        measured = [
            (
                statistics(pair[:, bin_.members])[:, SIZE],
                bootstrap_statistics(
                    pair[:, bin_.members], self.config.replicas, stream(seed, self.name, "ratio", bin_.label)
                )[:, :, SIZE],
            )
            for bin_ in bins
        ]
        values = {}
        for i, (name, axis) in enumerate(zip(_NAMES, _AXES, strict=True)):
            text = described(self, f"mean of abs(predicted - true) of {axis} [mm]")
            values[f"{name}_error_difference"] = interval(
                own[i] - own[i + 3], replicas[:, i] - replicas[:, i + 3], f"{text}, first - second, same events",
                pair.shape[1], pair.shape[1],
            )  # fmt: skip
            pairs = [(whole[[i, i + 3]], drawn[:, [i, i + 3]]) for whole, drawn in measured]
            values |= ratios(f"{name}_error", text, bins, pairs)
        return Result(values)


def _errors(columns: dict[str, Array]) -> tuple[Array, Array]:
    """Predicted minus true, (3, N) [mm], and which events have an answer, (N,) bool."""
    predicted = np.stack([columns[f"predicted_{name}"] for name in _NAMES])
    return predicted - np.stack([columns[f"true_{name}"] for name in _NAMES]), (predicted != 0).any(axis=0)


def _row(own: Array, replicas: Array, count: int) -> dict[str, float]:
    return (
        {"bias": float(own[MEAN]), "rms": float(own[RMS])}
        | with_ends("sigma68", half_width(own), half_width(replicas), centre=True)
        | with_ends("error", own[SIZE], replicas[:, SIZE], count)
    )
