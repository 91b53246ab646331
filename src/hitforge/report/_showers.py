"""What figures of showers share: names of classes and variables, and shares in bins of these."""

from __future__ import annotations

from matplotlib.ticker import PercentFormatter

from hitforge.report._binned import Tables, beside, legend, points, reach, scale
from hitforge.report.style import Picture, new_figure, picture, quiet, words

CLASSES = {"": "all particles", "_electromagnetic": "electromagnetic", "_hadron": "hadrons"}
OF_PARTICLE = {
    "energy": "true energy [GeV]",
    "nearest": "distance to the nearest particle [mm]",
    "eta": r"$|\eta|$",
    "depth": "mean layer of the particle's energy",
}


def curves(
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
        scale(axes, "energy of the shower [GeV]" if of_showers else OF_PARTICLE[axis], tables, wide=False)
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
