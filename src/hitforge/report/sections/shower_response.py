"""Energy of showers by method, pairs that are told apart, and classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from hitforge.core.arrays import Array
from hitforge.report._answers import compared, first_with, shared_picture, unbroken
from hitforge.report._binned import (
    Panel,
    beside,
    binned_points,
    curves_of,
    data_of,
    grid_of,
    legend,
    one_bin,
    panels_of,
    reach,
    told,
    unfilled,
)
from hitforge.report._showers import CLASSES, SHOWER_ANSWERS
from hitforge.report.numbers import measured, plain, rescaled
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

    def answer(self, run: RunResults) -> Markup | None:
        """Say the resolution and the response of the first method, and how far other ones lie."""
        (width,) = SHOWER_ANSWERS[self.name]
        found = first_with(run, width.name)
        if found is None:
            return None
        one, value = found
        text = Markup("<b>{}</b> measures the energy of the {} showers that match a particle with a resolution of {}")
        text = text.format(one.label, plain(value.get("n") or 0), width.bold(width.of(one) or {}))
        response = one.metric("response_median")
        if response:
            text += Markup(", at a median of {} times the true energy").format(unbroken(measured(response)))
        return text + "." + compared(run, one, (width,))

    def answer_picture(self, run: RunResults) -> Picture | None:
        """Draw the resolution of each method, with what share of the particles it finds."""
        return shared_picture(run, SHOWER_ANSWERS, self.name)

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """Three of them."""
        names = {kind: f"{self.name}.response{kind}.energy" for kind in CLASSES if kind}
        tables = [row for name in names.values() for row in curves_of(run.methods, name)]
        few = unfilled(run, self.name, "energy_edges", "bin_size", tables)
        texts = {CLASSES[kind]: one_bin(run, name, "energy", "sigma68") for kind, name in names.items()}
        yield Subsection(
            "shower_response", "Energy of showers", _response(run.methods, few), 210.0,
            data=data_of(run, *names.values()),
            note=" ".join(
                f"{kind.capitalize()}, resolution: {text[:1].lower()}{text[1:]}" for kind, text in texts.items() if text
            ),
        )  # fmt: skip
        data = data_of(run, *(f"{self.name}.both_found{kind}" for kind in _PAIRS), f"{self.name}.pairs")
        yield Subsection("pairs", "Two showers", _pairs(run.methods), 220.0, data=data, note=_too_few(run.methods))
        data = data_of(run, f"{self.name}.confusion")
        yield Subsection("shower_kinds", "Class of showers", [_classes(run.methods)], 230.0, data=data)


def _response(methods: Sequence[MethodResult], few: str) -> list[Picture]:
    """Draw median and width of energy over true energy against the true energy, by class."""
    names = [(kind, curves_of(methods, f"shower_response.response{kind}.energy")) for kind in CLASSES if kind]
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
                binned_points(axes, index, part, words(one.label, 34), False, beside(place, len(found)))
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
    legend(figure)
    numbers = ". ".join(
        f"{CLASSES[kind].capitalize()}, response: {told(found, 'energy', 'median', 1.0, '')}; "
        f"resolution: {told(found, 'energy', 'sigma68')}"
        for kind, found in panels
    )
    caption = (
        "Of showers that match a particle. σ₆₈ is half of the width of the central 68.3 %. A method that finds only "
        f"the easy ones looks better here. Intervals: 68.3 %, bootstrap over events.{few}"
    )
    return [picture(figure, f"Energy response and resolution of showers by class and method. {numbers}.", caption)]


def _pairs(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw the share of pairs of which both are found against their distance, and where it crosses one half."""
    panels, few = _panels(methods)
    if len(panels) == 2 and panels[0].axis == "":
        panels = panels[1:]  # all pairs are of one class
    return [*([_both_found(panels, few)] if panels else []), *_grids(methods)]


def _panels(methods: Sequence[MethodResult]) -> tuple[list[Panel], str]:
    return panels_of(methods, {kind: f"shower_response.both_found{kind}" for kind in _PAIRS}, called=_PAIRS)


def _too_few(methods: Sequence[MethodResult]) -> str:
    panels, few = _panels(methods)
    return f"Against the distance of the two: no picture.{few}" if few and not panels else ""


def _both_found(panels: Sequence[Panel], few: str) -> Picture:
    figure, grid = grid_of(len(panels), 3.8)
    halves = []
    for axes, panel in zip(grid, panels, strict=True):
        kind = panel.axis
        for place, (index, one, table) in enumerate(panel.found):
            binned_points(axes, index, table, words(one.label, 34), False, beside(place, len(panel.found)))
            half = one.metric(f"half_separation{kind}")
            if half:
                colour = method_style(index)["color"]
                axes.axvspan(half["low"], half["high"], color=colour, alpha=0.18, linewidth=0)
                axes.axvline(half["value"], color=colour, linewidth=1.2, linestyle="--")
                halves.append(f"{_PAIRS[kind]}, {one.label}: {measured(half)} mm")
        axes.axhline(0.5, color="#999999", linewidth=1.0, linestyle=":")
        axes.set(
            ylim=(-0.02, 1.04), xlabel="distance of the two particles [mm]", ylabel="both found", title=_PAIRS[kind]
        )
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        quiet(axes)
    legend(figure)
    numbers = ". ".join(f"{_PAIRS[panel.axis].capitalize()}: {told(panel.found, 'nearest')}" for panel in panels)
    crossing = f" One half is crossed at: {'; '.join(halves)}." if halves else ""
    return picture(
        figure,
        f"Share of pairs of which both are found, against their distance. {numbers}.{crossing}",
        "Events with exactly two particles to be found; found: matched, whatever their energies. Dashed: where it "
        f"crosses one half, with its 68.3 % interval.{_measured([one for _, one, _ in panels[0].found])}{few}",
    )


def _measured(methods: Sequence[MethodResult]) -> str:
    """Say of which share of pairs both are found with energies near the true ones."""
    values = ((one, rescaled(one.metric("both_measured"), 100.0)) for one in methods)
    told = "; ".join(f"{one.label} {measured(value)} %" for one, value in values if value)
    return f" Found with energies near the true ones (see Metrics), of all pairs: {told}." if told else ""


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
    shares = [(one, 100 * table["value"]) for one, table in found]
    ranges = "; ".join(f"{one.label} {share.min():.3g} to {share.max():.3g} %" for one, share in shares)
    return [picture(figure, f"Pairs of which both are found, by energy and distance: {ranges}.", caption)]


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
    rights = "; ".join(f"{one.label} {', '.join(_right(table))}" for one, table in found)
    return picture(figure, f"Class of found showers against the true class. Right: {rights}.", caption)


def _right(table: dict[str, Array]) -> list[str]:
    rows = np.flatnonzero(table["true"] == table["said"])
    names = ("electromagnetic", "hadron")
    return [f"{100 * table['share'][row]:.3g} % of {names[int(table['true'][row])]}" for row in rows]
