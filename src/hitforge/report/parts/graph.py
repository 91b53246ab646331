"""How much of the truth the graphs of hits hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from matplotlib.ticker import PercentFormatter

from hitforge.core.arrays import Array
from hitforge.report._binned import ALONG, ends, grid_of, legend, scale, spoken, told
from hitforge.report.numbers import plain
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, method_style, picture, quiet, words


class GraphPart(Section):
    """Efficiency of edges against momentum and pseudorapidity."""

    place: ClassVar[float] = 256.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        yield Subsection("graph", "Graph", [_edges(run.methods)], self.place)


def _edges(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw what of the true tracks the edges of each method's graph hold, against momentum and pseudorapidity."""
    panels = {axis: [(index, one, table) for index, one in enumerate(methods) if (table := _table(one, axis))]
              for axis in ("pt", "eta")}  # fmt: skip
    panels = {axis: found for axis, found in panels.items() if any(len(table["low"]) > 1 for *_, table in found)}
    if not panels:
        return None
    figure, grid = grid_of(len(panels), 4.0)
    for axes, (axis, found) in zip(grid, panels.items(), strict=True):
        for index, one, table in found:
            low, high = ends(table)
            style: dict[str, Any] = {"color": method_style(index)["color"], "baseline": None}
            style["edges"] = np.append(low, high[-1])
            axes.stairs(table["efficiency"], label=words(_graph_label(one), 44), linewidth=1.8, **style)
            axes.stairs(table["ceiling"], linewidth=1.2, linestyle="--", **style)
        scale(axes, ALONG[axis], [table for *_, table in found], wide=axis == "pt")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_ylabel("share of the truth in the graph")
        quiet(axes)
    legend(figure)
    drawn = list({index: (index, one) for found in panels.values() for index, one, _ in found}.values())
    numbers = ". ".join(f"Against {spoken(axis)}: {told(found, axis, 'efficiency')}" for axis, found in panels.items())
    graphs = "; ".join(_graph_label(one) for _, one in drawn)
    return picture(
        figure,
        f"Efficiency of edges. {numbers}. {graphs}.",
        "Full: true pairs of consecutive hits that are edges. Dashed: particles with more than half of their hits in "
        "one piece of true edges: who follows true edges finds no more. Edges and their purity: an event. "
        f"In the first {_events(drawn)} test events.",
    )


def _table(one: MethodResult, axis: str) -> dict[str, Array]:
    """What was measured along a variable, from the first to the last bin with particles; empty if there are none."""
    columns = one.graph.get(axis)
    table = {name: np.array(column, np.float64) for name, column in columns.items()} if columns else {}
    rows = np.flatnonzero(table.get("particles", np.zeros(0)))
    return {name: column[rows[0] : rows[-1] + 1] for name, column in table.items()} if len(rows) else {}


def _events(found: Sequence[tuple[int, MethodResult]]) -> str:
    """How many test events the quality of the graphs was measured in."""
    return " or ".join(plain(number) for number in sorted({int(one.graph["events"]) for _, one in found}))


def _graph_label(one: MethodResult) -> str:
    purity, edges = one.graph.get("purity"), one.graph.get("edges")
    if purity is None or edges is None:
        return one.label
    return f"{one.label}: {100 * purity:.2g} % of {plain(round(edges))} edges true"
