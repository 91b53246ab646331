"""What figures of numbers in bins share: points with intervals beside each other, axes that fit them, one legend."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hitforge.core.arrays import Array
from hitforge.report.results import MethodResult
from hitforge.report.style import MARKERS, method_style

Tables = list[tuple[int, MethodResult, dict[str, Array]]]
"""A table of each method that has it, with the method and its place, which gives colour and marker."""
ALONG = {
    "pt": r"$p_\mathrm{T}$ [GeV]",
    "eta": r"$\eta$",
    "phi": r"$\phi$ [rad]",
    "radius": "radius of production [mm]",
    "energy": "energy [GeV]",
}
"""Names of axes."""
BIN_RATIO = re.compile(r"(.+)_ratio_([0-9.e+]+)_([0-9.e+]+)")
"""Name of a paired test in one bin: what is compared, low and high end."""
_MANY = 20  # entries of a bin whose interval is drawn to its end


def tables_of(methods: Sequence[MethodResult], name: str) -> Tables:
    """Return the tables of a name that have entries."""
    rows = [(index, one, one.table(name)) for index, one in enumerate(methods)]
    return [row for row in rows if any(len(column) for column in row[2].values())]


def is_bin_ratio(name: str) -> bool:
    """Return whether a paired test is a ratio in one bin, which is drawn and not listed."""
    return BIN_RATIO.fullmatch(name) is not None


def points(axes: Axes, index: int, table: dict[str, Array], label: str, wide: bool, share: float = 0.5) -> None:
    """Draw numbers in bins, at a share of their width; bins without entries are left out.

    Args:
        axes: Where.
        index: Place of the method.
        table: ``low`` and ``high`` ends of bins, ``value``, its interval ``lo`` to ``hi``, and entries ``n``.
        label: Of the method.
        wide: The axis is logarithmic where all bins lie above 0.
        share: 0 at the low end, 1 at the high end.
    """
    low, high = ends(table)
    rising = wide and bool((low > 0).all())
    centre = low ** (1.0 - share) * high**share if rising else (1.0 - share) * low + share * high
    kept = np.isfinite(table["value"]) & (table.get("n", np.ones(len(low))) > 0)
    value, down, up = (table[name][kept] for name in ("value", "lo", "hi"))
    axes.errorbar(
        centre[kept],
        value,
        xerr=np.maximum([centre - low, high - centre], 0.0)[:, kept],
        yerr=np.maximum([value - down, up - value], 0.0),
        fmt=MARKERS[index % len(MARKERS)],
        markersize=4.0,
        linewidth=1.0,
        color=method_style(index)["color"],
        label=label,
    )


def beside(place: int, count: int) -> float:
    """Return the share of a bin's width where one of several methods is drawn: beside, not over each other."""
    return 0.5 + 0.5 * (place - 0.5 * (count - 1)) / max(count, 4)


def reach(tables: Sequence[dict[str, Array]]) -> tuple[float, float]:
    """Return least and largest end of the intervals; those of bins with few entries may leave the picture."""
    rows = [np.stack([table["lo"], table["hi"], table["value"], table["n"]]) for table in tables]
    low, high, value, count = np.concatenate(rows, axis=1)
    many = count >= min(_MANY, count.max())
    return min(float(low[many].min()), float(value.min())), max(float(high[many].max()), float(value.max()))


def ends(table: dict[str, Array]) -> tuple[Array, Array]:
    """Return edges of bins; an open last bin is drawn half as wide again as it begins."""
    low, high = table["low"].astype(np.float64), table["high"].astype(np.float64)
    open_end = ~np.isfinite(high) | (high > 1e6)
    return low, np.where(open_end, 1.5 * low, high)


def scale(axes: Axes, label: str, tables: Sequence[dict[str, Array]], wide: bool) -> None:
    """Name the axis of the bins; it is logarithmic where it is ``wide`` and they span more than a factor of 8."""
    axes.set_xlabel(label)
    low = min(float(table["low"].min()) for table in tables)
    high = max(float(ends(table)[1].max()) for table in tables)
    if wide and high > 8 * max(low, 0.05):
        axes.set_xscale("log" if low > 0 else "symlog", **({} if low > 0 else {"linthresh": 1.0}))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def legend(figure: Figure, axes: Axes) -> None:
    """Name the methods below the panels: inside, the names of many would cover the points."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4), fontsize=9)
