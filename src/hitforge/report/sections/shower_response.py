"""Energy of showers by method, pairs that are told apart, and classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from hitforge.core.arrays import Array
from hitforge.report._binned import beside, legend, points, reach, tables_of
from hitforge.report._showers import CLASSES
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import Picture, method_style, new_figure, picture, quiet, words

_PAIRS = {"": "all pairs", "_electromagnetic": "two electromagnetic", "_mixed": "one of each", "_hadron": "two hadrons"}


class ShowerResponseSection(Section):
    """Response and resolution, pairs of showers, and the class that found ones are said to be."""

    place: ClassVar[float] = 210.0

    def headline(self, run: RunResults) -> Headline:
        """The resolution in percent."""
        return Headline("showers", (("response_sigma68", "energy resolution [%]", 100.0),))

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """Three of them."""
        yield Subsection("shower_response", "Energy of showers", _response(run.methods), 210.0)
        yield Subsection("pairs", "Two showers", _pairs(run.methods), 220.0)
        yield Subsection("shower_kinds", "Class of showers", [_classes(run.methods)], 230.0)


def _response(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw median and width of energy over true energy against the true energy, by class."""
    names = [(kind, tables_of(methods, f"shower_response.response{kind}.energy")) for kind in CLASSES if kind]
    panels = [(kind, found) for kind, found in names if found]
    if not panels:
        return []
    figure = new_figure(6.1 * len(panels), 6.6)
    grid = figure.subplots(2, len(panels), squeeze=False, sharex="col")
    rows = (("median", r"response: median of $E/E_\mathrm{true}$"), ("sigma68", r"resolution: $\sigma_{68}$ / median"))
    for line, (column, title) in zip(grid, rows, strict=True):
        for axes, (kind, found) in zip(line, panels, strict=True):
            drawn = []
            for place, (index, one, table) in enumerate(found):
                ends = {"value": column, "lo": f"{column}_low", "hi": f"{column}_high"}
                part = {key: table[key] for key in ("low", "high", "n")} | {k: table[name] for k, name in ends.items()}
                points(axes, index, part, words(one.label, 34), False, beside(place, len(found)))
                drawn.append(part)
            if column == "median":
                axes.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--", zorder=0)
                axes.set_title(CLASSES[kind])
            else:
                axes.set_ylim(0, 1.12 * reach(drawn)[1])
                axes.set_xlabel("true energy [GeV]")
                axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
            axes.set_ylabel(title)
            quiet(axes)
    legend(figure, grid[0, 0])
    caption = (
        "Of showers that match a particle. σ₆₈ is half of the width of the central 68.3 %. A method that finds only "
        "the easy ones looks better here. Intervals: 68.3 %, bootstrap over events."
    )
    return [picture(figure, "Energy response and resolution of showers by class and method", caption)]


def _pairs(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw the share of pairs of which both are found against their distance, and where it crosses one half."""
    kinds = [(kind, tables_of(methods, f"shower_response.both_found{kind}")) for kind in _PAIRS]
    panels = [(kind, found) for kind, found in kinds if any(len(table["low"]) > 1 for *_, table in found)]
    if len(panels) == 2 and panels[0][0] == "":
        panels = panels[1:]  # all pairs are of one class
    if not panels:
        return []
    figure = new_figure(6.1 * min(len(panels), 2), 4.0 * -(-len(panels) // 2))
    grid = figure.subplots(-(-len(panels) // 2), min(len(panels), 2), squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes, (kind, found) in zip(grid, panels, strict=False):
        for place, (index, one, table) in enumerate(found):
            points(axes, index, table, words(one.label, 34), False, beside(place, len(found)))
            half = one.metric(f"half_separation{kind}")
            if half:
                colour = method_style(index)["color"]
                axes.axvspan(half["low"], half["high"], color=colour, alpha=0.18, linewidth=0)
                axes.axvline(half["value"], color=colour, linewidth=1.2, linestyle="--")
        axes.axhline(0.5, color="#999999", linewidth=1.0, linestyle=":")
        axes.set(
            ylim=(-0.02, 1.04), xlabel="distance of the two particles [mm]", ylabel="both found", title=_PAIRS[kind]
        )
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        quiet(axes)
    legend(figure, grid[0])
    caption = (
        "Events with exactly two particles to be found; found: matched, with energies near the true ones "
        "(see Metrics). Dashed: where it crosses one half, with its 68.3 % interval."
    )
    return [
        picture(figure, "Share of pairs of which both are found, against their distance", caption),
        *_grids(methods),
    ]


def _grids(methods: Sequence[MethodResult]) -> list[Picture]:
    """The same share by energy and distance, a table for each method."""
    found = [(one, one.table("shower_response.pairs")) for one in methods]
    found = [(one, table) for one, table in found if len(table.get("low", ()))]
    if not found:
        return []
    columns = _bins([table for _, table in found], "low", "high")
    rows = _bins([table for _, table in found], "energy_low", "energy_high")
    figure = new_figure(1.9 + 0.82 * len(columns), 0.6 + len(found) * (0.95 + 0.42 * len(rows)))
    grid = figure.subplots(len(found), 1, squeeze=False)[:, 0]
    for axes, (one, table) in zip(grid, found, strict=True):
        place = np.array([columns.index(ends) for ends in zip(table["low"], table["high"], strict=True)])
        line = np.array([rows.index(ends) for ends in zip(table["energy_low"], table["energy_high"], strict=True)])
        values = np.full((len(rows), len(columns)), np.nan)
        values[line, place] = table["value"]
        axes.imshow(values, vmin=0, vmax=1, cmap="Blues", aspect="auto", origin="lower")
        for x, y, value, low, high in zip(place, line, *(table[key] for key in ("value", "lo", "hi")), strict=True):
            ends = f"^{{+{100 * (high - value):.0f}}}_{{-{100 * (value - low):.0f}}}"
            _cell(axes, x, y, value, f"${100 * value:.0f}{ends}$")
        axes.set_xticks(range(len(columns)), [f"{low:g}–{high:g}" for low, high in columns])
        axes.set_yticks(range(len(rows)), [f"{low:g}–{high:g}" for low, high in rows])
        axes.tick_params(which="both", length=0)
        axes.set(ylabel="energy [GeV]", title=words(one.label, 70))
        axes.grid(False)
    grid[-1].set_xlabel("distance of the two particles [mm]")
    caption = (
        "Share of pairs [%] of which both are found, with its 68.3 % interval, by the mean energy of the two "
        "particles and their distance; empty where the sample has no such pair."
    )
    return [picture(figure, "Pairs of which both are found, by energy and distance", caption)]


def _bins(tables: Sequence[dict[str, Array]], low: str, high: str) -> list[tuple[float, float]]:
    return sorted({ends for table in tables for ends in zip(table[low].tolist(), table[high].tolist(), strict=True)})


def _cell(axes: Axes, x: float, y: float, value: float, text: str) -> None:
    colour = "white" if value > 0.6 else "#1c2330"
    axes.annotate(text, (x, y), ha="center", va="center", fontsize=8.5, color=colour)


def _classes(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw which class found showers are said to be, by the true one, for each method."""
    found = [(one, one.table("shower_response.confusion")) for one in methods]
    found = [(one, table) for one, table in found if len(table.get("count", ())) and table["count"].sum()]
    found = [(one, table) for one, table in found if table["count"][table["said"] < 2].sum()]  # some do not tell
    if not found:
        return None
    columns = min(len(found), 4)
    lines = -(-len(found) // columns)
    figure = new_figure(3.3 * columns + 0.6, 3.2 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(found) :]:
        axes.set_axis_off()
    for axes, (one, table) in zip(grid, found, strict=False):
        unknown = int(table["count"][table["said"] == 2].sum()) > 0
        names = ["electromagnetic", "hadron", *(["unknown"] if unknown else [])]
        share = np.zeros((2, len(names)))
        kept = table["said"] < len(names)
        true, said = (table[name][kept].astype(int) for name in ("true", "said"))
        share[true, said] = table["share"][kept]
        axes.imshow(share, vmin=0, vmax=1, cmap="Blues", aspect="auto")
        for x, y, value, count in zip(said, true, table["share"][kept], table["count"][kept], strict=True):
            _cell(axes, x, y, value, f"{100 * value:.1f} %\n{int(count):,}")
        axes.set_xticks(range(len(names)), names, fontsize=9)
        axes.set_yticks(range(2), ["electro-\nmagnetic", "hadron"], fontsize=9)
        axes.tick_params(which="both", length=0)
        axes.set(xlabel="found as", ylabel="true", title=words(one.label, 30))
        axes.grid(False)
    caption = "Showers that match a particle, by its class; the number below the share counts showers."
    return picture(figure, "Class of found showers against the true class, by method", caption)
