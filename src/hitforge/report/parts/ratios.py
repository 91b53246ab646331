"""Paired tests in bins: one method over each other one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from hitforge.core.arrays import Array
from hitforge.report._binned import BIN_RATIO, grid_of, is_bin_ratio, legend, spelled
from hitforge.report._energy import energy_axis, energy_points
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection, labels_of
from hitforge.report.style import Picture, picture, quiet, words


class RatiosPart(Section):
    """Ratios in bins of the energy of whatever metrics compared so."""

    place: ClassVar[float] = 90.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a method that comes first."""
        binned = [pair for pair in run.comparisons if any(map(is_bin_ratio, pair["values"]))]
        firsts, names = dict.fromkeys(pair["first"] for pair in binned), labels_of(run)
        pictures, notes = [], []
        for first in firsts:
            rows = _rows([pair for pair in run.comparisons if pair["first"] == first], run.methods)
            curves = {name: found for name, found in rows.items() if any(len(table["v"]) > 1 for *_, table in found)}
            pictures += [_paired(first, curves, names)] if curves else []
            notes += [
                f"{spelled(names.get(name, name))}: {_told(first, rows[name])}." for name in rows if name not in curves
            ]
        yield Subsection("ratios", "Method over method", pictures, self.place, note=" ".join(notes))


Rows = list[tuple[int, str, dict[str, Array]]]


def _rows(comparisons: Sequence[Mapping[str, Any]], methods: Sequence[MethodResult]) -> dict[str, Rows]:
    """Return, by number, place and label of each second method and its table of ratios, by rising energy."""
    labels = [one.label for one in methods]
    rows: dict[str, Rows] = {}
    for pair in comparisons:
        bins: dict[str, list[tuple[float, float, dict[str, Any]]]] = {}
        for name, value in pair["values"].items():
            match = BIN_RATIO.fullmatch(name)
            if match:
                bins.setdefault(match[1], []).append((float(match[2]), float(match[3]), value))
        index = labels.index(pair["second"]) if pair["second"] in labels else len(labels)
        for name, content in bins.items():
            content.sort(key=lambda row: row[0])
            low, high = (np.array([row[place] for row in content]) for place in (0, 1))
            table = {"low": low, "high": high, "centre": np.sqrt(np.maximum(low, 0.3 * high) * high)}
            table |= {f"v{end}": np.array([row[2][key] for row in content]) for end, key in _ENDS}
            rows.setdefault(name, []).append((index, str(pair["second"]), table))
    return rows


def _paired(first: str, rows: Mapping[str, Rows], names: Mapping[str, str]) -> Picture:
    figure, grid = grid_of(len(rows), 3.6)
    texts = []
    for axes, (name, found) in zip(grid, rows.items(), strict=True):
        for index, label, table in found:
            energy_points(axes, index, table, "v", 1.0, words(label, 34))
        axes.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--")
        energy_axis((axes,), [table for *_, table in found])
        axes.set_ylabel(f"{names.get(name, words(name))}, ratio")
        quiet(axes)
        texts.append(f"{spelled(names.get(name, name))}: {_told(first, found)}")
    legend(figure)
    return picture(
        figure,
        f"{first} over each other method, in bins of energy. {'. '.join(texts)}.",
        f"{first} over the method of the legend, on the same events; below 1 it is better. Paired bootstrap, 68.3 %.",
    )


def _told(first: str, found: Rows) -> str:
    """The first and the last ratio of each method, in words."""
    texts = []
    for _, label, table in found:
        ends = [
            f"{table['v'][row]:.3g} at {table['low'][row]:g} to {table['high'][row]:g} GeV"
            for row in dict.fromkeys((0, len(table["v"]) - 1))
        ]
        texts.append(f"{first} over {label} {', '.join(ends)}")
    return "; ".join(texts)


_ENDS = (("", "value"), ("_low", "low"), ("_high", "high"))
