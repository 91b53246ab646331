"""A figure as the text of an SVG file, laid out once and drawn once."""

from __future__ import annotations

import io

from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.collections import Collection
from matplotlib.figure import Figure

_UNIT = 72  # an SVG is measured in points
_DPI = 160  # of what is drawn as pixels
_MANY = 100  # points or cells of one artist that are drawn as pixels


def svg(figure: Figure) -> str:
    """Return a figure as SVG, the same text for the same drawing; to be called inside ``style.look``.

    ``Figure.savefig`` would lay the figure out and draw it for nothing before it draws it. Clouds of points and meshes are
    pixels inside: as paths they are far larger and slow wherever they are shown. Text stays paths, which look the same
    on every machine.
    """
    FigureCanvasSVG(figure)  # text is measured as it is drawn
    width, height = figure.get_size_inches()
    for axes in figure.axes:
        for artist in axes.collections:
            if artist.get_rasterized() is None or not artist.get_rasterized():
                artist.set_rasterized(_size(artist) > _MANY)
    file, dpi = io.StringIO(), figure.dpi
    figure.dpi = _UNIT
    try:
        inner = RendererSVG(_UNIT * width, _UNIT * height, file, image_dpi=_DPI, metadata={"Date": None})
        renderer = MixedModeRenderer(figure, width, height, _DPI, inner)
        figure.draw(renderer)  # lays it out first
        renderer.finalize()
    finally:
        figure.dpi = dpi
    return file.getvalue()


def _size(artist: Collection) -> int:
    return max(len(artist.get_offsets()), len(artist.get_paths()))
