"""One look for all figures: fonts, colours that colour-blind readers can tell apart, and SVG as text."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import matplotlib as mpl
import mplhep
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hitforge.report._svg import svg

CLASS_COLOURS = ("#3f90da", "#bd1f01", "#94a4a2", "#a96b59", "#b9ac70", "#717581")
"""A colour a class; from Petroff's ten, arXiv 2107.02270."""
METHOD_COLOURS = ("#832db6", "#e76300", "#2b2d33", "#ffa90e", "#a96b59", "#94a4a2", "#3f90da", "#92dadd")
"""A colour a method, from the same ten with one dark grey; away from those of the first two classes."""
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")

_LOOK: dict[str, Any] = {
    "font.size": 11.0,
    "axes.labelsize": 12.0,
    "axes.titlesize": 11.5,
    "legend.fontsize": 10.0,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "axes.linewidth": 1.0,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.0,
    "xtick.major.size": 6.0,
    "xtick.minor.size": 3.0,
    "xtick.minor.visible": False,  # on a linear axis; with a grid they say nothing, and cost most of the drawing time
    "ytick.major.size": 6.0,
    "ytick.minor.size": 3.0,
    "ytick.minor.visible": False,
    "xtick.major.pad": 5.0,
    "ytick.major.pad": 5.0,
    "legend.handlelength": 2.2,
    "axes.titlepad": 6.0,
    "axes.labelpad": 4.0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "hitforge",
    "figure.dpi": 100.0,
    "savefig.dpi": 160.0,
    "image.interpolation": "nearest",
    "xaxis.labellocation": "center",
    "yaxis.labellocation": "center",
    "savefig.transparent": False,
    "figure.constrained_layout.use": False,
    "savefig.bbox": "standard",
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure inside a page; whoever wants the figure alone does not wait for it to be drawn.

    Attributes:
        figure: What is drawn.
        alt: What it shows, for those who cannot see it.
        caption: What is to be read from it.
    """

    figure: Figure
    alt: str
    caption: str

    @property
    def width(self) -> int:
        """Natural width [CSS pixels]."""
        return round(96 * self.figure.get_figwidth())

    @cached_property
    def source(self) -> str:
        """``data:`` address with the whole picture as SVG, drawn when first asked for; the same bytes for the same."""
        with look():
            code = base64.b64encode(svg(self.figure).encode()).decode("ascii")
        return f"data:image/svg+xml;base64,{code}"


@contextmanager
def look() -> Iterator[None]:
    """Draw in the report's style inside this block."""
    settings: dict[Any, Any] = {name: value for name, value in mplhep.style.CMS.items() if name in mpl.rcParams}
    settings |= _LOOK
    with mpl.rc_context(settings):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches; to be called inside ``look``."""
    return Figure(figsize=(width, height), layout="constrained")


def panels(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels of a size in inches, at most four a row."""
    columns = min(count, 4)
    rows = -(-count // columns)
    figure = new_figure(width * columns, height * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in grid[count:]:
        spare.set_axis_off()
    return figure, list(grid[:count])


def picture(figure: Figure, alt: str, caption: str) -> Picture:
    """Make a picture of a figure: it is drawn only when its ``source`` is asked for."""
    return Picture(figure, alt, caption)


def words(text: object, width: int = 0) -> str:
    """Return a name from outside as plain text for a figure: no mathematics, never hidden from a legend.

    Args:
        text: The name.
        width: Where given, break lines after as many letters.
    """
    plain = "\n".join(textwrap.wrap(str(text), width)) if width else str(text)
    plain = plain.replace("\\", "/").replace("$", r"\$")
    return f" {plain}" if plain.startswith("_") else plain


def method_style(index: int) -> dict[str, Any]:
    """Return colour and line of a method."""
    return {"color": METHOD_COLOURS[index % len(METHOD_COLOURS)], "linestyle": LINES[index % len(LINES)]}


def class_colour(index: int) -> str:
    """Return the colour of a class."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]


def quiet(axes: Axes) -> None:
    """Give a light grid that stays behind the data."""
    axes.grid(True, color="#d9dde3", linewidth=0.6)
    axes.set_axisbelow(True)
