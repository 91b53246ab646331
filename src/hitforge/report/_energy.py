"""What measurements of single showers share: answers, points in bins of the true energy, histograms of errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hitforge.core.arrays import Array
from hitforge.report._answers import Told
from hitforge.report._binned import Tables
from hitforge.report.numbers import measured, rescaled
from hitforge.report.results import MethodResult
from hitforge.report.style import MARKERS, method_style, words

ENERGY = "true energy [GeV]"
_FINE = 50  # bins of a histogram
REGRESSION_ANSWERS = {
    "energy_resolution": (Told("energy_error", "energy, relative error"),),
    "position_resolution": tuple(
        Told(f"barycentre_{axis}_error", f"barycentre {axis}, error", axis, "mm", 1.0) for axis in "xyz"
    ),
    "direction_resolution": (Told("direction_error", "direction, error", "", "mrad", 1.0),),
}
"""The numbers that answer, by section; one picture holds those of all."""


def without_answer(one: MethodResult, name: str) -> str:
    """Say, as the end of a sentence, for which share of the events a method gave no answer; nothing if for none."""
    value = rescaled(one.metric(f"{name}_unanswered"), 100.0)
    return f"; to {measured(value)} % of the events it gives no answer" if value and value["value"] > 0 else ""


def energy_points(axes: Axes, index: int, table: dict[str, Array], name: str, factor: float, label: str) -> None:
    """Draw a column of a table with bins and its interval against the energy."""
    x, y = table["centre"], factor * table[name]
    ends = [factor * table.get(f"{name}_{end}", table[name]) for end in ("low", "high")]
    axes.errorbar(
        x,
        y,
        xerr=np.maximum([x - table["low"], table["high"] - x], 0.0),
        yerr=np.maximum([y - ends[0], ends[1] - y], 0.0),
        fmt=MARKERS[index % len(MARKERS)],
        markersize=4.5,
        linewidth=1.1,
        color=method_style(index)["color"],
        label=label,
    )


def histograms(axes: Axes, found: Tables, factor: float, width: int = 34) -> None:
    """Draw shares of the events by error, and cut the axis where nearly all events lie.

    Bins are put together where more than ``_FINE`` would be seen.
    """
    reach = 0.0
    for *_, table in found:
        share = 100 * table["count"] / max(float(table["count"].sum()), 1.0)
        centre = np.abs(0.5 * factor * (table["low"] + table["high"]))
        rising = np.argsort(centre)
        outside = np.searchsorted(np.cumsum(share[rising]), 97.0)
        reach = max(reach, 1.25 * float(centre[rising][min(int(outside), len(centre) - 1)]))
    for index, one, table in found:
        edges = factor * np.append(table["low"], table["high"][-1])
        share = 100 * table["count"] / max(float(table["count"].sum()), 1.0)
        together = max(int(2 * reach / (edges[1] - edges[0]) // _FINE), 1)
        begins = np.unique([0, *range(len(share) // 2 % together, len(share), together)])
        steps = np.add.reduceat(share, begins)
        axes.stairs(steps, edges[[*begins, -1]], label=words(one.label, width), linewidth=1.5, **method_style(index))
    axes.set_xlim(-reach, reach)


def energy_axis(panels: Sequence[Axes], tables: Sequence[dict[str, Array]]) -> None:
    """Label the energy, on a logarithmic axis where it spans more than a factor of 20."""
    low = min(float(table["low"].min()) for table in tables)
    high = max(float(table["high"].max()) for table in tables)
    for axes in panels:
        axes.set_xlabel(ENERGY)
        if low > 0 and high > 20 * low:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(_plain)


_plain: Callable[[float, Any], str] = lambda value, _: f"{value:g}"  # noqa: E731
