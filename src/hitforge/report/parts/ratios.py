"""Paired tests in bins: one method over each other one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from hitforge.report._binned import BIN_RATIO, is_bin_ratio
from hitforge.report._energy import ENERGY, energy_points
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection, labels_of
from hitforge.report.style import Picture, new_figure, picture, quiet, words


class RatiosPart(Section):
    """Ratios in bins of the energy of whatever metrics compared so."""

    place: ClassVar[float] = 90.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a method that comes first."""
        binned = [pair for pair in run.comparisons if any(map(is_bin_ratio, pair["values"]))]
        firsts, names = dict.fromkeys(pair["first"] for pair in binned), labels_of(run)
        pictures = [
            _paired([pair for pair in run.comparisons if pair["first"] == one], run.methods, names) for one in firsts
        ]
        yield Subsection("ratios", "Method over method", pictures, self.place)


def _paired(
    comparisons: Sequence[dict[str, Any]], methods: Sequence[MethodResult], names: Mapping[str, str]
) -> Picture:
    labels = [one.label for one in methods]
    rows: dict[str, list[tuple[int, str, list[tuple[float, float, dict[str, Any]]]]]] = {}
    for pair in comparisons:
        bins: dict[str, list[tuple[float, float, dict[str, Any]]]] = {}
        for name, value in pair["values"].items():
            match = BIN_RATIO.fullmatch(name)
            if match:
                bins.setdefault(match[1], []).append((float(match[2]), float(match[3]), value))
        index = labels.index(pair["second"]) if pair["second"] in labels else len(labels)
        for name, content in bins.items():
            rows.setdefault(name, []).append((index, pair["second"], sorted(content, key=lambda row: row[0])))
    count = len(rows)
    columns = min(count, 3)
    lines = -(-count // columns)
    figure = new_figure(max(4.6 * columns, 7.0), 3.9 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    for number, (axes, (name, found)) in enumerate(zip(grid, rows.items(), strict=False)):
        for index, label, content in found:
            low, high, value = (np.array(part) for part in zip(*content, strict=True))
            table = {"low": low, "high": high, "centre": np.sqrt(np.maximum(low, 0.3 * high) * high)}
            table |= {f"v{end}": np.array([one[key] for one in value]) for end, key in _ENDS}
            energy_points(axes, index, table, "v", 1.0, words(label, 34))
        axes.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--")
        axes.set(xlabel=ENERGY, ylabel=f"{names.get(name, words(name))}, ratio")
        if not number:
            axes.legend(fontsize=9)
        quiet(axes)
    first = comparisons[0]["first"]
    return picture(
        figure,
        f"{first} over each other method, in bins of energy",
        f"{first} over the method of the legend, on the same events; below 1 it is better. Paired bootstrap, 68.3 %.",
    )


_ENDS = (("", "value"), ("_low", "low"), ("_high", "high"))
