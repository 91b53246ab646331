"""How much of the truth the graphs of hits hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from matplotlib.ticker import PercentFormatter

from hitforge.report._binned import ALONG, ends, legend, scale
from hitforge.report.numbers import plain
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, method_style, new_figure, picture, quiet, words


class GraphPart(Section):
    """Efficiency of edges against momentum and pseudorapidity."""

    place: ClassVar[float] = 180.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        yield Subsection("graph", "Graph", [_edges(run.methods)], self.place)


def _edges(methods: Sequence[MethodResult]) -> Picture | None:
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
            scale(axes, ALONG[axis], drawn, wide=axis == "pt")
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
    """How many test events the quality of the graphs was measured in."""
    return " or ".join(plain(number) for number in sorted({int(one.graph["events"]) for _, one in found}))


def _graph_label(one: MethodResult) -> str:
    purity, edges = one.graph.get("purity"), one.graph.get("edges")
    if purity is None or edges is None:
        return one.label
    return f"{one.label}: {100 * purity:.2g} % of {plain(round(edges))} edges true"
