"""Pictures of the pages: PNG of few colours, small enough for a repository, sharp enough for any screen.

From the shell it makes a screenshot as light: python docs/plots/_pictures.py docs/images/report.png
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

DPI = 144
"""Pixels an inch: three for two CSS pixels. A cloud of thousands of hits is as light as a curve."""


def save(figure: Figure, path: Path, dpi: int = DPI) -> None:
    """Write a figure as PNG, the same bytes for the same drawing."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    write(Image.open(buffer), path)


def write(image: Image.Image, path: Path) -> None:
    """Write an image with at most 256 colours; the commonest, that of the page, stays exact."""
    whole = image.convert("RGB")
    few = whole.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    index = max(few.getcolors())[1]
    common = max(whole.getcolors(whole.width * whole.height))[1]
    palette = few.getpalette()
    palette[3 * index : 3 * index + 3] = common
    few.putpalette(palette)
    few.save(path, format="PNG", optimize=True)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with Image.open(name) as opened:
            write(opened, Path(name))
