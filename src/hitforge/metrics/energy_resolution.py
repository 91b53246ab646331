"""How well an energy is measured: error, response, resolution in bins of the true energy, and the resolution's fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._binned import (
    Bin,
    Binning,
    bins_of,
    described,
    histogram,
    ratios,
    regression,
    table_of,
    unanswered,
)
from hitforge.metrics._bootstrap import (
    MEAN,
    MEDIAN,
    RMS,
    SIZE,
    bootstrap_statistics,
    centred,
    excess,
    half_width,
    interval,
    sizes_to,
    statistics,
    with_ends,
)
from hitforge.metrics._intervals import TAIL
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

    What learns from events of some range of energies is pulled into that range: near its ends answers lie closer to
    the truth than anywhere else, as nothing can be beyond. Bins count therefore only where the sample reaches beyond
    them by the factor ``margin`` on either side; the others are named in a table. A sample is to be shot, for training
    and test alike, so much wider than it is measured.
    """

    version: ClassVar[int] = 2
    headline: ClassVar[tuple[str, ...]] = ("energy_error",)

    class Config(Binning):
        """Bins, histograms and replicas."""

        margin: float = Field(
            1.25,
            ge=1,
            le=100,
            description="factor by which the sample must reach beyond a bin; 1 keeps those at its ends",
        )
        fit_range: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = Field(
            (20.0, 200.0), description="least and greatest true energy of the fit of the resolution [GeV]"
        )
        histogram_reach: float = Field(0.5, gt=0, le=100, description="end of the histogram of the relative error")
        histogram_bins: int = Field(200, ge=2, le=100_000, description="bins of the histogram of the relative error")
        profile_bins: int = Field(30, ge=1, le=10_000, description="equal bins of the profile over the true energy")
        examples: int = Field(100, ge=1, le=1_000_000, description="random events that are listed")

        @model_validator(mode="after")
        def _range_rises(self) -> EnergyResolution.Config:
            if self.fit_range[1] <= self.fit_range[0]:
                raise ValueError("'fit_range' must rise")
            return self

    def monitored(self, task: Task) -> dict[str, Better]:
        """Error and width, where the task asks for the energy."""
        names = ("energy_error", "energy_sigma68", "energy_unanswered")
        return dict.fromkeys(names if "energy" in getattr(task, "quantities", ()) else (), "min")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure the energy; empty where the predictions hold none.

        Values: ``energy_error`` (mean of abs(predicted/true - 1)), ``energy_sigma68``, ``energy_unanswered``. With two
        bins or more ``energy_linearity``, the largest abs(response/mean response - 1) of the bins without what chance
        adds; ``energy_linearity_seen``, the same with it; and ``energy_linearity_chance``, what chance alone shows.
        With three bins or more in ``fit_range`` ``energy_stochastic`` S [sqrt(GeV)], ``energy_noise`` N [GeV] and
        ``energy_constant`` C of sigma68^2 = S^2/E + N^2/E^2 + C^2 (Fabjan and Gianotti, Rev. Mod. Phys. 75 (2003)
        1243). The squares are fitted and may come out below 0, as they must if a term that is 0 is to be measured
        without bias; the number is then minus the root of minus the square.

        Tables: ``energy_resolution.bins``; ``.outer``, the bins that are not kept because the sample ends there
        (``low``, ``high``, ``n``); ``.histogram``, ``.profile``, ``.examples``; ``.fit`` with its band; and ``.terms``,
        a row for each of S, N, C: the square and its correlation with the other ones.

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
        text = described(self, "mean of abs(predicted/true - 1)")
        values = {
            "energy_error": interval(own[1, SIZE], replicas[:, 1, SIZE], text, count, count),
            "energy_sigma68": interval(width, widths, described(self, _SIGMA), count, centre=True),
            "energy_unanswered": share,
        }
        bins, outer = self._inner(columns["true_energy"], true)
        measured = self._measured(bins, ratio, seed)
        if bins:
            tables[f"{self.name}.bins"] = _table(measured)
        if outer:
            tables[f"{self.name}.outer"] = {
                "low": np.array([b.low for b in outer]),
                "high": np.array([b.high for b in outer]),
                "n": np.array([len(b.members) for b in outer]),
            }
        if len(bins) >= 2:
            values |= self._linearity(measured, count)
        low, high = self.config.fit_range
        fitted = [item for item in measured if item.bin.low >= low and item.bin.high <= high]
        if len(fitted) >= 3:
            terms, found = self._fit(fitted)
            values |= terms
            tables |= found
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
                len(true),
            )
        }
        bins, pairs = self._inner(one["true_energy"], true)[0], []
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

    def _inner(self, every: Array, answered: Array) -> tuple[list[Bin], list[Bin]]:
        """Bins of the answered events that all events of the sample reach beyond, and the other ones."""
        low, high = float(every.min()) * self.config.margin, float(every.max()) / self.config.margin
        bins = bins_of(answered, self.config)
        if self.config.margin == 1:
            return bins, []
        inner = [bin_ for bin_ in bins if low <= bin_.low and bin_.high <= high]
        return inner, [bin_ for bin_ in bins if not (low <= bin_.low and bin_.high <= high)]

    def _words(self) -> str:
        return f"bins that the sample reaches beyond by a factor of {self.config.margin:g}"

    def _measured(self, bins: list[Bin], ratio: Array, seed: int) -> list[_Measured]:
        measured = []
        for bin_ in bins:
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
        seen = float(largest(own))
        away, noise = own / own.mean() - 1.0, (replicas - own) / own.mean()
        chance = largest(1.0 + noise)
        # either all bins deviate as was seen, or that alone in which most was seen
        alone, cases = np.where(np.abs(away) == np.abs(away).max(), away, 0.0), []
        for shape in (away, alone):
            size = float(largest(1.0 + shape))
            sizes = sizes_to(size, chance) if size > 0 else np.zeros(2)
            times = sizes / size if size > 0 else sizes
            cases.append((sizes, largest(1.0 + times[:, None, None] * shape + noise)))
        what = f"largest abs(response/mean response - 1) of the {self._words()}, response = mean of predicted/true"
        less = f"{what}, less what chance adds: true size for which half of the samples show less (test inversion)"
        luck = f"{what}, in samples with this noise and no deviation: median and central 68.3 %"
        middle = float(np.median(chance))
        return {
            "energy_linearity": Value(*excess(cases, seen), described(self, less), count),
            "energy_linearity_seen": interval(
                seen, largest(replicas), described(self, f"{what}, with what chance adds; spread of such samples"),
                count, centre=True,
            ),
            "energy_linearity_chance": interval(middle, chance, described(self, luck), count),
        }  # fmt: skip

    def _fit(self, bins: list[_Measured]) -> tuple[dict[str, Value], dict[str, dict[str, Array]]]:
        """Least squares of sigma68^2, which is linear in S^2, N^2 and C^2; a square may be below 0.

        A bin stands at the geometric mean of its energies: there lies, to second order in the spread of their widths,
        the central width of a mixture of normal distributions. Its error is that of the fitted width, not of the
        measured one: bins that came out narrow would count too much. The replicas are fitted with the same weights.
        """
        energies = np.array([np.exp(np.log(item.bin.energy).mean()) for item in bins])
        powers = np.stack([1 / energies, 1 / energies**2, np.ones(len(bins))], axis=1)  # (bins, 3)
        number = np.array([len(item.bin.members) for item in bins])
        own = np.array([half_width(item.own) / item.own[MEDIAN] for item in bins])
        replicas = [half_width(item.replicas) / item.replicas[:, MEDIAN] for item in bins]
        drawn = np.stack([centred(x, float(y)) for x, y in zip(replicas, own, strict=True)], axis=1) ** 2
        model = np.maximum(own**2, 1e-24)  # no width (all predictions alike) may count without limit
        for _ in range(5):
            solve = np.linalg.pinv(powers * (np.sqrt(number) / model)[:, None]) * (np.sqrt(number) / model)
            squares = solve @ own**2
            model = np.maximum(powers @ squares, 0.1 * model)
        draws = drawn @ solve.T  # (replicas, 3)
        low, high, count = bins[0].bin.low, bins[-1].bin.high, int(number.sum())
        text = (
            f"sigma68^2 = S^2/E + N^2/E^2 + C^2, least squares of squares, which may be below 0 (then minus the root of"
            f" minus the square), over the {self._words()}, {low:g} to {high:g} GeV, {_SIGMA}"
        )
        meaning = {"stochastic": "S [sqrt(GeV)]", "noise": "N [GeV]", "constant": "C"}
        values = {
            f"energy_{name}": interval(
                _root(squares[i]), _root(draws[:, i]), described(self, f"{what} of {text}"), count
            )
            for i, (name, what) in enumerate(meaning.items())
        }
        spread = draws.std(axis=0)
        unit = (draws - draws.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        together = unit.T @ unit / len(unit)
        terms = {"square": squares, **{f"with_{name}": together[i] for i, name in enumerate(meaning)}}
        energy = np.geomspace(low, high, 100)
        at = np.stack([1 / energy, 1 / energy**2, np.ones(100)])  # (3, 100)
        ends = np.quantile(draws @ at, [TAIL, 1.0 - TAIL], axis=0)
        curve = {"sigma": squares @ at, "sigma_low": ends[0], "sigma_high": ends[1]}
        curve = {name: np.sqrt(np.maximum(square, 0.0)) for name, square in curve.items()}
        return values, {f"{self.name}.fit": {"energy": energy, **curve}, f"{self.name}.terms": terms}

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
        own, replicas, n = item.own, item.replicas, len(item.bin.members)
        width, widths = half_width(own) / own[MEDIAN], half_width(replicas) / replicas[:, MEDIAN]
        rows.append(
            with_ends("response", own[MEAN], replicas[:, MEAN], n)
            | {"median": float(own[MEDIAN])}
            | with_ends("rms", own[RMS], replicas[:, RMS], n, centre=True)
            | with_ends("sigma68", width, widths, centre=True)
        )
    return table_of([item.bin for item in bins], rows)


def _root(square: Array) -> Array:
    """Root with the sign of the square."""
    result: Array = np.sign(square) * np.sqrt(np.abs(square))
    return result
