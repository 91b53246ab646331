"""What figures of numbers in bins share: points with intervals beside each other, axes that fit them, one legend."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from hitforge.core.arrays import Array
from hitforge.report.numbers import measured, plain
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.style import MARKERS, method_style, new_figure

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
_SPOKEN = {
    "pt": ("transverse momentum", "GeV"),
    "eta": ("pseudorapidity", ""),
    "phi": ("azimuth", "rad"),
    "radius": ("radius of production", "mm"),
    "energy": ("energy", "GeV"),
    "nearest": ("distance to the nearest particle", "mm"),
    "depth": ("mean layer", ""),
}
"""The same in words, and units."""
FEW = 10
"""Entries that a bin must have to be drawn: fewer say next to nothing."""
BIN_RATIO = re.compile(r"(.+)_ratio_([0-9.e+]+)_([0-9.e+]+)")
"""Name of a paired test in one bin: what is compared, low and high end."""
_INSIDE = 5  # methods whose names have room inside a panel
_MANY = 20  # entries of a bin whose interval is drawn to its end


def tables_of(methods: Sequence[MethodResult], name: str) -> Tables:
    """Return the tables of a name that have entries."""
    rows = [(index, one, one.table(name)) for index, one in enumerate(methods)]
    return [row for row in rows if any(len(column) for column in row[2].values())]


@dataclass(frozen=True)
class Panel:
    """A variable with the methods' tables, from which bins with few entries are gone."""

    axis: str
    found: Tables

    @property
    def tables(self) -> list[dict[str, Array]]:
        """The tables alone."""
        return [table for *_, table in self.found]

    @property
    def is_empty(self) -> bool:
        """Whether all that would be drawn is nothing."""
        return not any(table["value"].any() for table in self.tables)


def panels_of(
    methods: Sequence[MethodResult],
    names: Mapping[str, str],
    column: str = "value",
    called: Mapping[str, str] | None = None,
) -> tuple[list[Panel], str]:
    """Return what there is to draw, a panel a variable, and a sentence about what is left out.

    Left out are bins of fewer than ``FEW`` entries, and variables with fewer than two bins: a point is no curve.

    Args:
        methods: All methods.
        names: Variable -> name of its table.
        column: Of the table, that is drawn; bins where it is not finite are left out.
        called: Variable -> what it is called in the sentence, where it has no usual name.
    """
    panels, short, few = [], [], 0
    for axis, name in names.items():
        found, gone = filled(tables_of(methods, name), column)
        if any(len(table["low"]) > 1 for *_, table in found):
            panels.append(Panel(axis, found))
            few += len(gone)
        elif found or gone:
            short.append((called or {}).get(axis) or spoken(axis))
    texts = [f"{plain(few)} {'bin' if few == 1 else 'bins'} with fewer than {FEW} entries"] if few else []
    if short:
        last = f"{', '.join(short[:-1])} and {short[-1]}" if short[1:] else short[0]
        texts.append(f"{last}, where fewer than two bins have {FEW} entries")
    return panels, f" Left out: {'; '.join(texts)}." if texts else ""


def without_picture(title: str, panels: Sequence[Panel], few: str) -> str:
    """Say why a rate has no picture: too few entries, or all 0; empty if it has one, or was not measured."""
    name = f"{title[:1].upper()}{title[1:]}"
    if not panels:
        return f"{name}: no picture.{few}" if few else ""
    return "" if has_something(panels) else f"{name}: 0 in every bin of every method, and no picture."


def has_something(panels: Sequence[Panel]) -> bool:
    """Return whether there is something to see."""
    return bool(panels) and not all(panel.is_empty for panel in panels)


def filled(found: Tables, column: str = "value", min_entries: int = FEW) -> tuple[Tables, set[tuple[float, float]]]:
    """Return tables without bins of few entries or methods without bins, and the ends of bins that are gone."""
    kept, gone = [], set()
    for index, one, table in found:
        rows = np.isfinite(table[column]) & (table.get("n", np.full(len(table["low"]), min_entries)) >= min_entries)
        gone |= set(zip(table["low"][~rows].tolist(), table["high"][~rows].tolist(), strict=True))
        if rows.any():
            kept.append((index, one, {name: values[rows] for name, values in table.items()}))
    return kept, gone


def curves_of(methods: Sequence[MethodResult], name: str) -> Tables:
    """Return the tables of a name, or none where no method has two bins: a point is no curve."""
    found = tables_of(methods, name)
    return found if any(len(table["low"]) > 1 for *_, table in found) else []


def unfilled(run: RunResults, metric: str, edges: str, minimum: str, found: Tables) -> str:
    """Say how many bins of a recipe's metric no method has, because too few events fell into them; empty if none.

    Args:
        run: The run.
        metric: Name of the metric.
        edges: Its setting of the edges of bins.
        minimum: Its setting of the events that a bin must have.
        found: The tables.
    """
    block = run.recipe.get("evaluation")
    listed = (block.get("metrics") if isinstance(block, dict) else None) or ()
    settings: dict[str, Any] = next((one for one in listed if isinstance(one, dict) and one.get("name") == metric), {})
    bins = len(settings.get(edges) or ()) - 1
    seen = {low for *_, table in found for low in table["low"].tolist()}
    if not found or bins <= len(seen):
        return ""
    return f" Left out: {bins - len(seen)} of {bins} bins, with fewer than {settings.get(minimum, '?')} entries."


def one_bin(
    run: RunResults, name: str, axis: str, column: str = "value", factor: float = 100.0, unit: str = "%"
) -> str:
    """Say the numbers of a table that has a single bin, in place of a picture; nothing of others."""
    found = tables_of(run.methods, name)
    if not found or curves_of(run.methods, name):
        return ""
    texts = []
    for _, one, table in found:
        scale, (low, high) = _SPOKEN.get(axis, ("", ""))[1], (float(edge[0]) for edge in ends(table))
        number = {"value": factor * float(table[column][0])}
        own = f"{column}_low" in table
        bounds = {"low": f"{column}_low", "high": f"{column}_high"} if own else {"low": "lo", "high": "hi"}
        if column == "value" or own:
            number |= {key: factor * float(table[name][0]) for key, name in bounds.items() if name in table}
        texts.append(
            f"{one.label} {measured(number)} {unit}".rstrip() + f" at {low:.4g} to {high:.4g} {scale}".rstrip()
        )
    return f"Enough events for one bin of {spoken(axis)} alone: {'; '.join(texts)}."


def spoken(axis: str) -> str:
    """Return the name of a variable in words."""
    return _SPOKEN.get(axis, (axis.replace("_", " ").strip(), ""))[0]


def spelled(label: str) -> str:
    """Return the label of an axis as plain text."""
    return label.replace(r"\sigma_{68}", "σ₆₈").replace("$", "").replace("_", " ")


def told(found: Tables, axis: str, column: str = "value", factor: float = 100.0, unit: str = "%") -> str:
    """Say the first and the last number of each method, for those who cannot see the picture."""
    scale = _SPOKEN.get(axis, ("", ""))[1]
    texts = []
    for _, one, table in found:
        low, high = ends(table)
        rows = np.flatnonzero(np.isfinite(table[column]))
        parts = [
            f"{factor * table[column][row]:.3g} {unit}".rstrip()
            + f" at {low[row]:.4g} to {high[row]:.4g} {scale}".rstrip()
            for row in dict.fromkeys((rows[0], rows[-1]) if len(rows) else ())
        ]
        texts.append(f"{one.label} {', '.join(parts)}" if parts else "")
    return "; ".join(filter(None, texts))


def data_of(run: RunResults, *names: str) -> tuple[str, ...]:
    """Return those of some tables that a method of the run has entries of, in order."""
    return tuple(name for name in dict.fromkeys(names) if tables_of(run.methods, name))


def grid_of(count: int, height: float = 3.5, extra: float = 0.3) -> tuple[Figure, list[Axes]]:
    """Return a figure as wide as the page for some panels, without holes for up to six of them.

    Args:
        count: Panels.
        height: Of a row [inch].
        extra: Room for a legend [inch].
    """
    columns = {1: 1, 2: 2, 4: 2}.get(count, 3)
    lines = -(-count // columns)
    figure = new_figure({1: 7.0, 2: 11.5, 3: 12.5}[columns], height * lines + extra)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for spare in grid[count:]:
        spare.set_axis_off()
    return figure, list(grid[:count])


def is_bin_ratio(name: str) -> bool:
    """Return whether a paired test is a ratio in one bin, which is drawn and not listed."""
    return BIN_RATIO.fullmatch(name) is not None


def binned_points(axes: Axes, index: int, table: dict[str, Array], label: str, wide: bool, share: float = 0.5) -> None:
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
        if low > 0:
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 200 * low else (1.0,)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())  # numbers at small ticks run into each other


def legend(figure: Figure, *panels: Axes) -> None:
    """Name the methods below the panels: inside, the names of many would cover the points.

    Args:
        figure: Where.
        panels: Whose names; all panels' if none is given.
    """
    named: dict[str, Any] = {}
    for axes in panels or figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        named |= {label: handle for label, handle in zip(labels, handles, strict=True) if label not in named}
    if named:
        figure.legend(
            list(named.values()), list(named), loc="outside lower center", ncols=min(len(named), 4), fontsize=9
        )


def inner_legends(figure: Figure, panels: Sequence[Axes], count: int) -> None:
    """Name the methods inside each panel, or those of the first panel below all where they are many."""
    if count > _INSIDE:
        legend(figure, panels[0])
        return
    for axes in panels:
        axes.legend(fontsize=9)
