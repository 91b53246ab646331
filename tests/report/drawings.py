"""What a report draws, as numbers: figures are caught where they become SVG, whatever module made them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from hitforge.report import style
from hitforge.report.page import write_report

Numbers = list[float]


@contextmanager
def caught() -> Iterator[list[Figure]]:
    """Keep the figures that are drawn inside this block instead of drawing them, which takes far longer."""
    found: list[Figure] = []

    def keep(figure: Figure) -> str:
        found.append(figure)
        return "<svg/>"

    usual, style.svg = style.svg, keep
    try:
        yield found
    finally:
        style.svg = usual


def figures_of(folder: Path) -> list[Figure]:
    """Return the figures of a run's page, in its order."""
    with caught() as found:
        write_report(folder)
    return found


def legend_of(figure: Figure) -> dict[str, str]:
    """Return the words of all legends of a figure and the colour that stands beside each."""
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend() is not None)]
    found = {}
    for legend in legends:
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            found[text.get_text()] = colour_of(handle)
    return found


def colour_of(artist: Any) -> str:
    """Return the colour of a line, of bars or of points with intervals; none of what has none."""
    artist = artist[0] if isinstance(artist, tuple) else artist
    for name in ("get_color", "get_facecolor", "get_edgecolor"):
        value = getattr(artist, name, lambda: ())()
        rows = to_rgba_array(value) if len(value) else np.zeros((0, 4))
        if len(rows) and rows[0, 3] > 0:
            return to_hex(rows[0])
    return ""


def bars_of(axes: Axes) -> dict[str, tuple[str, Numbers]]:
    """Return colour and heights of each group of bars by its name."""
    groups = [one for one in axes.containers if isinstance(one, BarContainer)]
    return {one.get_label(): (colour_of(one[0]), [bar.get_height() for bar in one]) for one in groups}


def numbers_of(figure: Figure) -> dict[str, Any]:
    """Return what a figure says: its words, and for each thing drawn a few sums that no change of it leaves alike."""
    return {
        "size": [round(float(x), 2) for x in figure.get_size_inches()],
        "legend": legend_of(figure),
        "panels": [_panel(axes) for axes in figure.axes],
    }


def _panel(axes: Axes) -> dict[str, Any]:
    things = [["line", colour_of(line), *_sums(*_finite(line.get_xdata(), line.get_ydata()))] for line in axes.lines]
    for shape in axes.patches:
        box = shape.get_extents().transformed(axes.transData.inverted())
        things.append(["patch", colour_of(shape), *_sums(np.ravel(box.get_points()))])
    for group in axes.collections:
        if isinstance(group, QuadMesh):
            things.append(["mesh", "", *_sums(np.ma.filled(group.get_array(), -1).ravel())])
        elif isinstance(group, LineCollection):
            points = np.concatenate([np.reshape(part, (-1, 2)) for part in group.get_segments()] or [np.zeros((0, 2))])
            things.append(["lines", colour_of(group), *_sums(*points.T)])
        else:
            points = np.concatenate([path.vertices for path in group.get_paths()] or [np.zeros((0, 2))])
            things.append(["area", "", *_sums(*points.T), *_sums(*np.ma.filled(group.get_offsets(), 0).T)])
    things += [["image", "", *_sums(np.ma.filled(np.ma.asarray(one.get_array()), -1).ravel())] for one in axes.images]
    words = [text.get_text() for text in axes.texts]
    names = {"title": axes.get_title(), "x": axes.get_xlabel(), "y": axes.get_ylabel()}
    return {**names, "scales": [axes.get_xscale(), axes.get_yscale()], "texts": words, "drawn": things}


def _finite(*values: Any) -> list[Any]:
    return [np.nan_to_num(np.asarray(value, np.float64), nan=-1.0, posinf=-2.0, neginf=-3.0) for value in values]


def _sums(*values: Any) -> list[Any]:
    """Number of entries, mean, and mean weighed from -1 at the first to 1 at the last, of each."""
    found: list[Any] = [len(values[0]) if values else 0]
    for value in _finite(*values):
        flat = np.ravel(value)
        mean = float(flat.mean()) if flat.size else 0.0
        tilt = float((flat * np.linspace(-1, 1, flat.size)).mean()) if flat.size else 0.0
        found += [float(f"{mean:.6g}"), float(f"{tilt:.6g}")]
    return found
