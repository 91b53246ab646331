"""Showers by method: average precision, rates, energy response, pairs that are told apart, classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from hitforge.report.figures_binned import Tables, beside, legend, percent, points, reach, scale, tables_of
from hitforge.report.results import MethodResult
from hitforge.report.style import Picture, method_style, new_figure, picture, quiet, words

Array = NDArray[Any]
_KINDS = {"": "all particles", "_electromagnetic": "electromagnetic", "_hadron": "hadrons"}
_PAIRS = {"": "all pairs", "_electromagnetic": "two electromagnetic", "_mixed": "one of each", "_hadron": "two hadrons"}
_OF_PARTICLE = {
    "energy": "true energy [GeV]",
    "nearest": "distance to the nearest particle [mm]",
    "eta": r"$|\eta|$",
    "depth": "mean layer of the particle's energy",
}
_RATES = {
    "efficiency": "efficiency",
    "particle_merge_rate": "merged particles",
    "split_rate": "split particles",
    "fake_rate": "fake showers",
    "unmatched_rate": "showers without match",
    "merge_rate": "showers that merge",
}
_OF_SHOWERS = ("fake_rate", "unmatched_rate", "merge_rate")  # the others are shares of particles
_HEADLINE = {
    "ap_30": "AP at IoU 0.3",
    "ap_50": "AP at IoU 0.5",
    "ap_70": "AP at IoU 0.7",
    "efficiency": "efficiency",
    "fake_rate": "fakes",
    "unmatched_rate": "without match",
    "merge_rate": "showers that merge",
    "split_rate": "split particles",
    "response_sigma68": "energy resolution",
}


def headline_table(methods: Sequence[MethodResult]) -> dict[str, Any] | None:
    """Return the main numbers by method in percent: ``columns``, ``rows`` (method, values), ``n``, ``note``."""
    if not any(one.metric(f"ap_{threshold}") for one in methods for threshold in (30, 50, 70)):
        return None
    found = [name for name in _HEADLINE if any(one.metric(name) for one in methods)]
    rows = [(one, [percent(one.metric(name)) for name in found]) for one in methods]
    note = "AP: average precision over all scores; the rates hold for showers above a cut that stands under Metrics."
    columns = [f"{_HEADLINE[name]} [%]" for name in found]
    return {"columns": columns, "rows": [row for row in rows if any(row[1])], "n": None, "note": note}


def precision_recall(methods: Sequence[MethodResult], threshold: int = 50) -> Picture | None:
    """Draw precision against recall at an IoU [%] of all methods, for all particles and each class."""
    panels = [(kind, f"average_precision.curve_{threshold}{kind}") for kind in _KINDS]
    panels = [(kind, name) for kind, name in panels if any(len(one.table(name)) for one in methods)]
    if not panels:
        return None
    figure = new_figure(max(4.6 * len(panels), 6.0), 4.9)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (kind, name) in zip(grid, panels, strict=True):
        for index, one in enumerate(methods):
            table = one.table(name)
            if not len(table.get("recall", ())):
                continue
            style = method_style(index)
            recall, envelope = table["recall"], table["interpolated"]
            area = one.metric(f"ap_{threshold}{kind}")
            label = words(one.label, 34) if area is None else f"{words(one.label, 34)}: {100 * area['value']:.1f} %"
            first = [recall[0], 0.0], [envelope[0], envelope[0]]  # the envelope is flat before the first point
            axes.plot(*(np.append(start[1], values) for start, values in zip(first, (recall, envelope), strict=True)),
                      drawstyle="steps-pre", label=label, **style)  # fmt: skip
            axes.plot(recall[-1:], envelope[-1:], marker="o", markersize=4, color=style["color"])
        axes.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="recall", ylabel="precision", title=_KINDS[kind])
        axes.legend(loc="lower left", fontsize=8.5, title="AP", title_fontsize=8.5)
        quiet(axes)
    return picture(
        figure,
        f"Precision against recall at IoU {threshold / 100:g} by method",
        f"Envelope of precision over recall, at an energy-weighted IoU of {threshold / 100:g} or more; the area below "
        "is the average precision (AP). A curve ends at a dot, where all showers of the method are taken.",
    )


def average_precisions(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw the average precision by threshold and class, and against energy and distance."""
    return [one for one in (_bars(methods), _ap_curves(methods)) if one is not None]


def _bars(methods: Sequence[MethodResult]) -> Picture | None:
    thresholds = [t for t in (30, 50, 70) if any(one.metric(f"ap_{t}") for one in methods)]
    kinds = [kind for kind in _KINDS if any(one.metric(f"ap_{t}{kind}") for one in methods for t in thresholds)]
    if not thresholds:
        return None
    figure = new_figure(4.4 * len(kinds) + 0.6, 4.3)
    grid = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    width = 0.8 / max(len(methods), 1)
    for axes, kind in zip(grid, kinds, strict=True):
        for index, one in enumerate(methods):
            values = [one.metric(f"ap_{t}{kind}") for t in thresholds]
            place = np.flatnonzero([value is not None for value in values])
            rows = np.array([[value[key] for key in ("value", "low", "high")] for value in values if value])
            if not len(rows):
                continue
            at = place + width * (index - 0.5 * (len(methods) - 1))
            colour, label = method_style(index)["color"], words(one.label, 34)
            error = np.maximum([rows[:, 0] - rows[:, 1], rows[:, 2] - rows[:, 0]], 0.0)
            style: dict[str, Any] = {"ecolor": "#1c2330", "error_kw": {"linewidth": 1.0, "capsize": 2.0}}
            axes.bar(at, rows[:, 0], 0.92 * width, color=colour, label=label, yerr=error, **style)
        axes.set_xticks(range(len(thresholds)), [f"IoU {t / 100:g}" for t in thresholds])
        axes.tick_params(axis="x", which="both", length=0)
        axes.set(ylim=(0, 1.0), title=_KINDS[kind])
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        quiet(axes)
        axes.grid(False, axis="x")
    grid[0].set_ylabel("average precision")
    legend(figure, grid[0])
    return picture(
        figure,
        "Average precision by threshold of the IoU, by class and method",
        "At the least energy-weighted IoU that a shower must have with a particle to match it. "
        "Intervals: 68.3 %, bootstrap over events.",
    )


def _ap_curves(methods: Sequence[MethodResult]) -> Picture | None:
    panels = [(axis, tables_of(methods, f"average_precision.ap_50.{axis}")) for axis in ("energy", "nearest")]
    panels = [(axis, found) for axis, found in panels if any(len(table["low"]) > 1 for *_, table in found)]
    if not panels:
        return None
    caption = (
        "At IoU 0.5. A shower without match is false where the particle lies that it overlaps most with, and where it "
        "lies itself if particles gave less than half of it."
    )
    return _curves(panels, "average precision", "Average precision", caption, whole=True)


def rates(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw efficiency and the rates of fakes, merged and split ones against energy, distance, direction and depth."""
    pictures = []
    for name, title in _RATES.items():
        panels = [(axis, tables_of(methods, f"shower_efficiency.{name}.{axis}")) for axis in _OF_PARTICLE]
        panels = [(axis, found) for axis, found in panels if any(len(table["low"]) > 1 for *_, table in found)]
        if panels:
            values = (one.metric(name) for _, one, _ in panels[0][1])
            definition = next((str(value.get("definition", "")) for value in values if value), "")
            alt = f"{title[:1].upper()}{title[1:]}"
            pictures.append(_curves(panels, title, alt, definition, of_showers=name in _OF_SHOWERS))
    return pictures


def _curves(
    panels: list[tuple[str, Tables]], title: str, alt: str, text: str, whole: bool = False, of_showers: bool = False
) -> Picture:
    """Shares in bins, a panel for each variable."""
    columns = 2 if len(panels) > 1 else 1
    lines = -(-len(panels) // columns)
    figure = new_figure(6.1 * columns, 3.5 * lines + 0.3)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes, (axis, found) in zip(grid, panels, strict=False):
        for place, (index, one, table) in enumerate(found):
            points(axes, index, table, words(one.label, 34), False, beside(place, len(found)))
        tables = [table for *_, table in found]
        scale(axes, "energy of the shower [GeV]" if of_showers else _OF_PARTICLE[axis], tables, wide=False)
        least, most = reach(tables)
        span = max(most - least, 0.02)
        if "efficiency" in title or whole:
            axes.set_ylim(max(least - 0.08 * span, -0.02), min(most + 0.08 * span, 1.02))
        else:
            axes.set_ylim(-0.04 * most - 1e-4, min(1.1 * most + 2e-3, 1.02))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_ylabel(title)
        quiet(axes)
    legend(figure, grid[0])
    return picture(figure, f"{alt} by method", f"{text.rstrip('.')}; 68.3 % intervals.".removeprefix("; "))


def response(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw median and width of energy over true energy against the true energy, by class."""
    names = [(kind, tables_of(methods, f"shower_response.response{kind}.energy")) for kind in _KINDS if kind]
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
                axes.set_title(_KINDS[kind])
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


def pairs(methods: Sequence[MethodResult]) -> list[Picture]:
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


def confusion(methods: Sequence[MethodResult]) -> Picture | None:
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
