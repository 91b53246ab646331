"""Tracks by method: table, rates, parameters of tracks, quality of graphs, time of the stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from hitforge.report.figures_binned import Tables, beside, ends, legend, percent, points, reach, scale, tables_of
from hitforge.report.numbers import plain
from hitforge.report.results import MethodResult
from hitforge.report.style import Picture, class_colour, method_style, new_figure, picture, quiet, words

Array = NDArray[Any]
_RATES = {
    "efficiency": "efficiency",
    "technical_efficiency": "technical efficiency",
    "fake_rate": "fake rate",
    "duplicate_rate": "duplicate rate",
}
_RULES = ("double_majority", "lhc", "atlas_two_way", "atlas_one_way", "perfect")  # the first that was measured is drawn
_ALONG = {
    "pt": r"$p_\mathrm{T}$ [GeV]",
    "eta": r"$\eta$",
    "phi": r"$\phi$ [rad]",
    "radius": "radius of production [mm]",
}
_VARIABLES = ("pt", "eta", "phi", "radius")
_WIDE = {"pt", "radius"}  # drawn on a logarithmic axis where they span more than a factor of 8


def headline_table(methods: Sequence[MethodResult]) -> dict[str, Any] | None:
    """Return rates by method in percent: ``columns`` (names), ``rows`` (method, values), ``n``, ``note``."""
    rule = _rule(methods)
    names = {f"{name}_{rule}": title for name, title in _RATES.items()} | {"trackml_score": "TrackML score"}
    found = [name for name in names if any(one.metric(name) for one in methods)]
    if not found:
        return None
    rows = [(one, [percent(one.metric(name)) for name in found]) for one in methods]
    note = f"Matching: {rule.replace('_', ' ')}; each number's cuts stand under Metrics, and under the pointer."
    columns = [f"{names[name]} [%]" for name in found]
    return {"columns": columns, "rows": [row for row in rows if any(row[1])], "n": None, "note": note}


def _rule(methods: Sequence[MethodResult]) -> str:
    known = (rule for rule in _RULES if any(one.metric(f"efficiency_{rule}") for one in methods))
    return next(known, _RULES[0])


def rates(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw efficiency, fake and duplicate rate against momentum, direction and place of production, all methods."""
    pictures, rule = [], _rule(methods)
    for number, title in _RATES.items():
        name = f"{number}_{rule}"
        tables = [(axis, tables_of(methods, f"tracking_efficiency.{name}.{axis}")) for axis in _VARIABLES]
        panels = [(axis, found) for axis, found in tables if any(len(table["low"]) > 1 for *_, table in found)]
        if panels:
            pictures.append(_rate(name, title, panels))
    return pictures


def _rate(name: str, title: str, panels: list[tuple[str, Tables]]) -> Picture:
    columns = 2 if len(panels) > 1 else 1
    lines = -(-len(panels) // columns)
    figure = new_figure(6.1 * columns, 3.5 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes, (axis, found) in zip(grid, panels, strict=False):
        for place, (index, one, table) in enumerate(found):
            points(axes, index, table, words(one.label, 34), axis in _WIDE, beside(place, len(found)))
        scale(axes, _ALONG[axis], [table for *_, table in found], axis in _WIDE)
        least, most = reach([table for *_, table in found])
        span = max(most - least, 0.005)
        if "efficiency" in name:
            axes.set_ylim(max(least - 0.08 * span, -0.02), min(most + 0.08 * span, 1.02))
        else:
            axes.set_ylim(-0.04 * most - 1e-4, 1.1 * most + 1e-4)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_ylabel(title)
        quiet(axes)
    legend(figure, grid[0])
    values = (one.metric(name) for _, one, _ in panels[0][1])
    definition = next((str(value.get("definition", "")) for value in values if value), "")
    alt = f"{title[:1].upper()}{title[1:]} by method against {', '.join(axis for axis, _ in panels)}"
    return picture(figure, alt, f"{definition}; 68.3 % intervals." if definition else "68.3 % intervals.")


def graph(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw what of the true tracks the edges of each method's graph hold, against momentum and pseudorapidity."""
    found = [(index, one) for index, one in enumerate(methods) if one.graph.get("pt")]
    if not found:
        return None
    figure = new_figure(12.0, 4.4)
    panels = figure.subplots(1, 2)
    for axes, axis in zip(panels, ("pt", "eta"), strict=True):
        drawn = []
        for index, one in found:
            table = {name: np.array(column, np.float64) for name, column in one.graph[axis].items()}
            low, high = ends(table)
            rows = np.flatnonzero(table["particles"])
            if not len(rows):
                continue
            kept = slice(rows[0], rows[-1] + 1)
            style: dict[str, Any] = {"color": method_style(index)["color"], "baseline": None}
            style["edges"] = np.append(low[kept], high[rows[-1]])
            axes.stairs(table["efficiency"][kept], label=words(_graph_label(one), 44), linewidth=1.8, **style)
            axes.stairs(table["ceiling"][kept], linewidth=1.2, linestyle="--", **style)
            drawn.append({"low": low[kept], "high": high[kept]})
        if drawn:
            scale(axes, _ALONG[axis], drawn, axis in _WIDE)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_ylabel("share of the truth in the graph")
        quiet(axes)
    legend(figure, panels[0])
    return picture(
        figure,
        "Efficiency of edges against momentum and pseudorapidity",
        "Full: true pairs of consecutive hits that are edges. Dashed: particles with more than half of their hits in "
        "one piece of true edges: who follows true edges finds no more. Edges and their purity: an event. "
        f"In the first {_events(found)} test events.",
    )


def _events(found: Sequence[tuple[int, MethodResult]]) -> str:
    """How many test events the graphs were judged in."""
    return " or ".join(plain(number) for number in sorted({int(one.graph["events"]) for _, one in found}))


def _graph_label(one: MethodResult) -> str:
    purity, edges = one.graph.get("purity"), one.graph.get("edges")
    if purity is None or edges is None:
        return one.label
    return f"{one.label}: {100 * purity:.2g} % of {plain(round(edges))} edges true"


def stages(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the median time of each stage, one after the other, and the largest memory of the process."""
    found = [(one, _times(one)) for one in methods if _times(one)]
    if not found:
        return None
    names = list(dict.fromkeys(name for _, times in found for name in times))
    memory = [one.stages.get("peak_memory_mib") for one, _ in found]
    figure = new_figure(12.0 if any(memory) else 8.5, 1.7 + 0.45 * len(found))
    widths = [2.6, 1.0] if any(memory) else [1.0]
    panels: list[Axes] = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0].tolist()
    left = panels[0]
    for row, (_, times) in enumerate(found):
        end = 0.0
        for name, time in times.items():
            colour = class_colour(names.index(name)) if len(names) <= 6 else _STAGE[names.index(name) % len(_STAGE)]
            left.barh(row, time, left=end, height=0.62, color=colour, edgecolor="white", linewidth=0.6)
            end += time
        left.annotate(f"{end:.3g} ms", (end, row), (5, 0), textcoords="offset points", va="center", fontsize=9)
    left.set_xlim(0, 1.16 * max(sum(times.values()) for _, times in found))
    left.set_xlabel("median time of an event, by stage [ms]")
    handles = [
        left.barh(0, 0, color=class_colour(i) if len(names) <= 6 else _STAGE[i % len(_STAGE)], label=words(name))
        for i, name in enumerate(names)
    ]
    if any(memory):
        right = panels[1]
        for row, size in enumerate(memory):
            if size:
                right.barh(row, size / 1024, height=0.62, color="#94a4a2")
                right.annotate(
                    f"{size / 1024:.2g} GiB", (size / 1024, row), (5, 0), textcoords="offset points", va="center",
                    fontsize=9,
                )  # fmt: skip
        right.set_xlim(0, 1.35 * max(size or 0.0 for size in memory) / 1024)
        right.set_xlabel("peak memory of the process [GiB]")
        right.set_yticks(range(len(found)), [""] * len(found))
    left.set_yticks(range(len(found)), [words(one.label, 30) for one, _ in found])
    for axes in panels:
        axes.set_ylim(len(found) - 0.45, -0.55)
        axes.tick_params(axis="y", which="both", length=0)
        quiet(axes)
        axes.grid(False, axis="y")
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(names), 6), fontsize=9)
    return picture(
        figure,
        "Time of each stage and memory by method",
        "On the machine of the run. The number beside a bar is the sum of the medians. Memory is the largest that the "
        "process had held so far: a method that ran later in it stands no lower than those before.",
    )


_STAGE = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")


def _times(one: MethodResult) -> dict[str, float]:
    return {name: float(row["median_ms"]) for name, row in one.stages.items() if isinstance(row, dict)}


def parameters(methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw the width of residuals, and of pulls, of the fitted parameters of tracks against pseudorapidity."""
    found = tables_of(methods, "track_parameters.eta")
    pictures = []
    for kind, alt, text in (
        ("sigma68", "Resolution of track parameters", "Half of the central 68.3 % of fitted − true"),
        ("pull_width", "Pulls of track parameters", "The same of the pull, (fitted − true) / fitted error; 1 is right"),
    ):
        names = [name for name in _PARAMETERS if any(f"{name}_{kind}" in table for *_, table in found)]
        if names:
            pictures.append(_widths(found, names, kind, alt, text))
    return pictures


_PARAMETERS: dict[str, tuple[str, str, float]] = {
    "d0": (r"$d_0$", "µm", 1e3),
    "z0": (r"$z_0$", "µm", 1e3),
    "phi": (r"$\phi$", "mrad", 1e3),
    "theta": (r"$\theta$", "mrad", 1e3),
    "q_over_pt": (r"$q/p_\mathrm{T}$", "%", 1e2),
}


def _widths(found: Tables, names: list[str], kind: str, alt: str, text: str) -> Picture:
    columns = min(len(names), 3)
    lines = -(-len(names) // columns)
    figure = new_figure(4.4 * columns, 3.3 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(grid, names, strict=False):
        symbol, unit, factor = _PARAMETERS[name]
        column, scale = f"{name}_{kind}", factor if kind == "sigma68" else 1.0
        for index, one, table in found:
            ends = ((f"{column}", "value"), (f"{column}_low", "lo"), (f"{column}_high", "hi"))
            rows = {key: table[key] for key in ("low", "high", "n")}
            rows |= {key: scale * table[name_of] for name_of, key in ends if name_of in table}
            if len(rows) == 6:
                points(axes, index, rows, words(one.label, 34), wide=False)
        axes.set_xlabel(r"$|\eta|$")
        axes.set_ylabel(f"{symbol}: resolution [{unit}]" if kind == "sigma68" else f"{symbol}: width of the pull")
        if kind == "pull_width":
            axes.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--")
        axes.set_ylim(0, None)
        quiet(axes)
    legend(figure, grid[0])
    note = "of the best tracks of prompt particles; cuts stand under Metrics. Intervals: 68.3 %, bootstrap."
    return picture(figure, f"{alt} by method, against pseudorapidity", f"{text}, {note}")
