"""How well an energy is measured: error, response, resolution in bins of the true energy, and the resolution's fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.optimize import nnls

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._binned import (
    MEAN,
    MEDIAN,
    RMS,
    SIZE,
    Bin,
    Binning,
    bins_of,
    bootstrap_statistics,
    described,
    half_width,
    histogram,
    interval,
    ratios,
    regression,
    statistics,
    table_of,
    unanswered,
    with_ends,
)
from hitforge.metrics._sample import require_same_events
from hitforge.tasks import Better, Task

_SIGMA = "half of the central 68.3 % of predicted/true over its median"


@dataclass(frozen=True)
class _Measured:
    """A bin's statistics of predicted/true, (7,), and of their replicas, (replicas, 7)."""

    bin: Bin
    own: Array
    replicas: Array


class EnergyResolution(Metric):
    """Predicted over true energy: mean error, 68.3 % width, response, linearity and resolution terms.

    The width of the central 68.3 % counts, not the RMS, because showers that leak have long tails; both are given.
    Events without an answer (predicted energy 0) are left out and their share is a number of its own.
    """

    version: ClassVar[int] = 1
    headline: ClassVar[tuple[str, ...]] = ("energy_error",)

    class Config(Binning):
        """Bins, histograms and replicas."""

        histogram_reach: float = Field(0.5, gt=0, le=100, description="end of the histogram of the relative error")
        histogram_bins: int = Field(200, ge=2, le=100_000, description="bins of the histogram of the relative error")
        profile_bins: int = Field(30, ge=1, le=10_000, description="equal bins of the profile over the true energy")
        examples: int = Field(100, ge=1, le=1_000_000, description="random events that are listed")

    def monitored(self, task: Task) -> dict[str, Better]:
        """Error and width, where the task asks for the energy."""
        names = ("energy_error", "energy_sigma68", "energy_unanswered")
        return dict.fromkeys(names if "energy" in getattr(task, "quantities", ()) else (), "min")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure the energy; empty where the predictions hold none.

        Values: ``energy_error`` (mean of abs(predicted/true - 1)), ``energy_sigma68``, ``energy_linearity`` (largest
        abs(response/mean response - 1) of the bins), ``energy_unanswered``; with three bins or more also
        ``energy_stochastic`` S [sqrt(GeV)], ``energy_noise`` N [GeV] and ``energy_constant`` C of
        sigma68^2 = S^2/E + N^2/E^2 + C^2 (Fabjan and Gianotti, Rev. Mod. Phys. 75 (2003) 1243). All intervals are
        those of the bootstrap.

        Tables: ``energy_resolution.bins``, ``.histogram``, ``.profile``, ``.fit`` and ``.examples``.

        Raises:
            DataError: The predictions are of another kind, no event has an answer, or a true energy is not above 0.
        """
        columns = regression(self, predictions, "energy")
        if columns is None:
            return Result()
        true, predicted = self._energies(columns)
        answered = predicted > 0
        share = unanswered(self, "energy", answered)
        chosen = stream(seed, self.name, "examples").permutation(len(true))[: self.config.examples]
        examples = np.sort(chosen)
        tables = {f"{self.name}.examples": {"true": true[examples], "predicted": predicted[examples]}}
        true, ratio = true[answered], predicted[answered] / true[answered]
        both = np.stack([ratio, ratio - 1.0])
        own = statistics(both)
        replicas = bootstrap_statistics(both, self.config.replicas, stream(seed, self.name))
        width, widths = half_width(own[0]) / own[0, MEDIAN], half_width(replicas[:, 0]) / replicas[:, 0, MEDIAN]
        count = len(true)
        values = {
            "energy_error": interval(
                own[1, SIZE], replicas[:, 1, SIZE], described(self, "mean of abs(predicted/true - 1)"), count
            ),
            "energy_sigma68": interval(width, widths, described(self, _SIGMA), count),
            "energy_unanswered": share,
        }
        bins = self._bins(true, ratio, seed)
        if bins:
            values |= self._linearity(bins, count)
            tables[f"{self.name}.bins"] = _table(bins)
        if len(bins) >= 3:
            terms, curve = self._fit(bins, count)
            values |= terms
            tables[f"{self.name}.fit"] = curve
        tables[f"{self.name}.histogram"] = histogram(
            ratio - 1.0, self.config.histogram_reach, self.config.histogram_bins
        )
        tables[f"{self.name}.profile"] = self._profile(true, ratio - 1.0)
        return Result(values, tables)

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure the paired difference of the error and, for each bin, the ratio of sigma68, first/second.

        Returns:
            ``energy_error_difference`` and ``energy_sigma68_ratio_<low>_<high>``, on events that both answered.
        """
        require_same_events(first, second)
        one, two = regression(self, first, "energy"), regression(self, second, "energy")
        if one is None or two is None:
            return Result()
        true, predicted = self._energies(one)
        other = self._energies(two)[1]
        kept = (predicted > 0) & (other > 0)
        unanswered(self, "energy", kept)
        true, pair = true[kept], np.stack([predicted[kept], other[kept]]) / true[kept]
        own = statistics(pair - 1.0)[:, SIZE]
        replicas = bootstrap_statistics(pair - 1.0, self.config.replicas, stream(seed, self.name, "difference"))[
            :, :, SIZE
        ]
        values = {
            "energy_error_difference": interval(
                own[0] - own[1],
                replicas[:, 0] - replicas[:, 1],
                described(self, "mean of abs(predicted/true - 1), first - second, same events"),
                len(true),
            )
        }
        bins, pairs = bins_of(true, self.config), []
        for bin_ in bins:
            inside = pair[:, bin_.members]
            whole = statistics(inside)
            drawn = bootstrap_statistics(inside, self.config.replicas, stream(seed, self.name, "ratio", bin_.label))
            pairs.append((half_width(whole) / whole[:, MEDIAN], half_width(drawn) / drawn[:, :, MEDIAN]))
        return Result(values | ratios("energy_sigma68", described(self, _SIGMA), bins, pairs))

    def _energies(self, columns: dict[str, Array]) -> tuple[Array, Array]:
        """True and predicted energies, (N,) each [GeV]."""
        true, predicted = columns["true_energy"], columns["predicted_energy"]
        bad = np.flatnonzero(true <= 0)
        if len(bad):
            raise DataError("'true_energy' must be above 0 GeV", came=true[bad[0]], where=f"event {bad[0]}")
        bad = np.flatnonzero(predicted < 0)
        if len(bad):
            raise DataError("'predicted_energy' must be >= 0 GeV", came=predicted[bad[0]], where=f"event {bad[0]}")
        return true, predicted

    def _bins(self, true: Array, ratio: Array, seed: int) -> list[_Measured]:
        measured = []
        for bin_ in bins_of(true, self.config):
            inside = ratio[None, bin_.members]
            replicas = bootstrap_statistics(inside, self.config.replicas, stream(seed, self.name, bin_.label))
            measured.append(_Measured(bin_, statistics(inside)[0], replicas[:, 0]))
        return measured

    def _linearity(self, bins: list[_Measured], count: int) -> dict[str, Value]:
        def largest(response: Array) -> Array:  # (..., bins) -> (...)
            result: Array = np.abs(response / response.mean(axis=-1, keepdims=True) - 1.0).max(axis=-1)
            return result

        own = np.array([item.own[MEAN] for item in bins])
        replicas = np.stack([item.replicas[:, MEAN] for item in bins], axis=1)  # (replicas, bins)
        text = described(self, "largest abs(response/mean response - 1) of the bins, response = mean of predicted/true")
        return {"energy_linearity": interval(largest(own), largest(replicas), text, count)}

    def _fit(self, bins: list[_Measured], count: int) -> tuple[dict[str, Value], dict[str, Array]]:
        """Least squares of sigma68^2, which is linear in S^2, N^2 and C^2, none of them below 0.

        A bin stands at the geometric mean of its energies: there lies, to second order in the spread of their widths,
        the central width of a mixture of normal distributions. The replicas of sigma68 give its weight and, fitted
        again, the intervals.
        """
        energies = np.array([np.exp(np.log(item.bin.energy).mean()) for item in bins])
        powers = np.stack([1 / energies, 1 / energies**2, np.ones(len(bins))], axis=1)  # (bins, 3)
        own = np.array([half_width(item.own) / item.own[MEDIAN] for item in bins])
        replicas = np.stack([half_width(item.replicas) / item.replicas[:, MEDIAN] for item in bins], axis=1)
        # a width without spread (all predictions alike) may not count without limit
        error = np.maximum(2.0 * own * replicas.std(axis=0), 1e-12)

        def solve(sigma: Array) -> Array:
            squares: Array = nnls(powers / error[:, None], sigma**2 / error)[0]
            return np.sqrt(squares)

        terms, drawn = solve(own), np.stack([solve(sigma) for sigma in replicas])
        meaning = {
            "energy_stochastic": "S [sqrt(GeV)]",
            "energy_noise": "N [GeV]",
            "energy_constant": "C",
        }
        values = {
            name: interval(
                terms[i],
                drawn[:, i],
                described(self, f"{what} of sigma68^2 = S^2/E + N^2/E^2 + C^2, least squares over the bins, {_SIGMA}"),
                count,
            )
            for i, (name, what) in enumerate(meaning.items())
        }
        energy = np.geomspace(bins[0].bin.low, bins[-1].bin.high, 100)
        sigma = np.sqrt(terms[0] ** 2 / energy + terms[1] ** 2 / energy**2 + terms[2] ** 2)
        return values, {"energy": energy, "sigma": sigma}

    def _profile(self, true: Array, error: Array) -> dict[str, Array]:
        """Mean and RMS of the relative error in equal bins of the true energy, those with ten events or more."""
        edges = np.linspace(self.config.edges[0], self.config.edges[-1], self.config.profile_bins + 1)
        index = np.searchsorted(edges, true, side="right") - 1
        index[true == edges[-1]] = len(edges) - 2
        inside = (index >= 0) & (index < len(edges) - 1)
        index, true, error = index[inside], true[inside], error[inside]
        number, size = np.bincount(index, minlength=len(edges) - 1), len(edges) - 1
        kept = number >= 10
        centre, mean = (np.bincount(index, v, size)[kept] / number[kept] for v in (true, error))
        whole = np.zeros(size)
        whole[kept] = mean
        square = np.bincount(index, (error - whole[index]) ** 2, size)[kept] / number[kept]
        return {
            "low": edges[:-1][kept],
            "high": edges[1:][kept],
            "centre": centre,
            "mean": mean,
            "rms": np.sqrt(square),
        }


def _table(bins: list[_Measured]) -> dict[str, Array]:
    rows = []
    for item in bins:
        own, replicas = item.own, item.replicas
        rows.append(
            with_ends("response", own[MEAN], replicas[:, MEAN])
            | {"median": float(own[MEDIAN])}
            | with_ends("rms", own[RMS], replicas[:, RMS])
            | with_ends("sigma68", half_width(own) / own[MEDIAN], half_width(replicas) / replicas[:, MEDIAN])
        )
    return table_of([item.bin for item in bins], rows)
