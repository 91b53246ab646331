"""What figures of showers share: names of classes and variables, and shares in bins of these."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.ticker import PercentFormatter

from hitforge.report._answers import Told
from hitforge.report._binned import Panel, beside, binned_points, grid_of, legend, reach, scale, spoken, told
from hitforge.report.style import Picture, picture, quiet, words

SHOWER_ANSWERS = {
    "shower_efficiency": (
        Told("efficiency", "efficiency", "efficiency", better="max"),
        Told("fake_rate", "fake showers", "fakes"),
        Told("unmatched_rate", "showers without match", "showers without match"),
    ),
    "shower_response": (Told("response_sigma68", "energy resolution"),),
}
"""The numbers that answer, by section; one picture holds those of all."""
CLASSES = {"": "all particles", "_electromagnetic": "electromagnetic", "_hadron": "hadrons"}
OF_PARTICLE = {
    "energy": "true energy [GeV]",
    "nearest": "distance to the nearest particle [mm]",
    "eta": r"$|\eta|$",
    "depth": "mean layer of the particle's energy",
}


def curves(
    panels: Sequence[Panel],
    title: str,
    alt: str,
    text: str,
    few: str = "",
    *,
    whole: bool = False,
    of_showers: bool = False,
) -> Picture:
    """Shares in bins, a panel for each variable; ``few`` says what is left out."""
    figure, grid = grid_of(len(panels))
    for axes, panel in zip(grid, panels, strict=True):
        for place, (index, one, table) in enumerate(panel.found):
            binned_points(axes, index, table, words(one.label, 34), False, beside(place, len(panel.found)))
        label = "energy of the shower [GeV]" if of_showers else OF_PARTICLE[panel.axis]
        scale(axes, label, panel.tables, wide=False)
        least, most = reach(panel.tables)
        span = max(most - least, 0.02)
        if "efficiency" in title or whole:
            axes.set_ylim(max(least - 0.08 * span, -0.02), min(most + 0.08 * span, 1.02))
        else:
            axes.set_ylim(-0.04 * most - 1e-4, min(1.1 * most + 2e-3, 1.02))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_ylabel(title)
        quiet(axes)
    legend(figure)
    numbers = ". ".join(f"Against {spoken(panel.axis)}: {told(panel.found, panel.axis)}" for panel in panels)
    caption = f"{text.rstrip('.')}; 68.3 % intervals.".removeprefix("; ")
    return picture(figure, f"{alt} by method. {numbers}.", f"{caption}{few}")
