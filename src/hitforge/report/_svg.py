"""A figure as the text of an SVG file, laid out once and drawn once."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image

_UNIT = 72  # an SVG is measured in points
_DPI = 160  # of what is drawn as pixels
_MANY = 100  # points or cells of one artist that are drawn as pixels


def svg(figure: Figure) -> str:
    """Return a figure as SVG, the same text for the same drawing; to be called inside ``style.look``.

    ``Figure.savefig`` would lay the figure out and draw it for nothing before it draws it. Clouds of points and meshes
    are pixels inside: as paths they are far larger, and slow wherever they are shown. Text stays paths, which look the
    same on every machine.
    """
    FigureCanvasSVG(figure)  # text is measured as it is drawn
    width, height = figure.get_size_inches()
    for artist in (artist for axes in figure.axes for artist in axes.collections):
        if _size(artist) > _MANY:
            artist.set_rasterized(True)
    file, dpi = io.StringIO(), figure.dpi
    figure.dpi = _UNIT
    try:
        vectors, mixed = cast(Any, RendererSVG), cast(Any, MixedModeRenderer)  # matplotlib has no types for them
        inner = vectors(_UNIT * width, _UNIT * height, file, image_dpi=_DPI, metadata={"Date": None})
        renderer = mixed(figure, width, height, _DPI, inner)
        with _measured_once(figure.axes):
            figure.draw(renderer)  # lays it out first
        renderer.finalize()
    finally:
        figure.dpi = dpi
    return _EMBEDDED.sub(_of_few_colours, file.getvalue())


_EMBEDDED = re.compile(r"(?<=data:image/png;base64,)[^\"]+")


def _of_few_colours(found: re.Match[str]) -> str:
    """Pixels inside an SVG with a palette of 256 colours, where that is smaller."""
    code = "".join(found[0].split())
    file = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(code))) as image:
        image.convert("RGBA").quantize(256, Image.Quantize.FASTOCTREE).save(file, "png")
    small = base64.b64encode(file.getvalue()).decode("ascii")
    return min(small, code, key=len)


def _size(artist: Collection) -> int:
    return max(len(np.atleast_2d(artist.get_offsets())), len(artist.get_paths()))


@contextmanager
def _measured_once(every: list[Axes]) -> Iterator[None]:
    """Inside this block the room for labels round axes is measured once, and not again wherever the layout moves them.

    The layout asks two to four times for it, and each time all ticks are set anew; labels stay nearly as wide.
    """
    for axes in every:
        axes.get_tightbbox = _once(axes)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for axes in every:
            del axes.get_tightbbox


def _once(axes: Axes) -> Any:
    usual: Any = axes.get_tightbbox
    room: dict[Any, Any] = {}  # edges of the box with labels less those of the axes [pixels], (4,); None for no box

    def box(renderer: Any = None, *, call_axes_locator: bool = True, **rest: Any) -> Bbox | None:
        locator: Any = axes.get_axes_locator()
        axes.apply_aspect(locator(axes, renderer) if locator and call_axes_locator else None)
        edges: Any = axes.bbox.extents
        key = tuple(rest.items())
        if key not in room:
            found = usual(renderer, call_axes_locator=call_axes_locator, **rest)
            room[key] = None if found is None else found.extents - edges
        return None if room[key] is None else Bbox.from_extents(*(edges + room[key]))

    return box
