"""Figures that show themselves in a notebook, taken as the axes that they hold."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hitforge.core.errors import ConfigError
from hitforge.core.files import atomic
from hitforge.report.style import look


class Drawing(Sequence[Axes]):
    """The axes of some figures, in order; a notebook shows the figures.

    Attributes:
        figures: The figures.
        captions: What is to be read from each; empty where nothing is said.

    Example:
        >>> axes = hf.plot("roc_auc", hf.load("runs/demo"))
        >>> axes[0].set_xlim(0, 0.3)
        >>> axes.save("roc.pdf")
    """

    def __init__(self, figures: Iterable[Figure], captions: Iterable[str] = ()) -> None:
        self.figures, self.captions = list(figures), list(captions)
        self._axes = [axes for figure in self.figures for axes in figure.axes]

    @overload
    def __getitem__(self, index: int) -> Axes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Axes]: ...
    def __getitem__(self, index: int | slice) -> Axes | Sequence[Axes]:
        return self._axes[index]

    def __len__(self) -> int:
        return len(self._axes)

    def __repr__(self) -> str:
        titles = ", ".join(axes.get_ylabel() or axes.get_title() or "axes" for axes in self._axes)
        return f"Drawing({len(self.figures)} figure{'s' * (len(self.figures) != 1)}: {titles})"

    def _repr_html_(self) -> str:
        shown = ""
        for figure in self.figures:
            buffer = io.BytesIO()
            with look():
                figure.savefig(buffer, format="png", dpi=100)
            shown += f'<img src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode("ascii")}">'
        return f"<div>{shown}</div>"

    def save(self, path: str | Path) -> list[Path]:
        """Write the figures; of several, each gets its number behind the name.

        Args:
            path: A file whose ending is a format of matplotlib, such as ``roc.pdf``.
        """
        path = Path(path)
        known = Figure().canvas.get_supported_filetypes()
        if path.suffix.removeprefix(".") not in known:
            raise ConfigError("the ending must be a format of figures", came=path, do=", ".join(sorted(known)))
        several = len(self.figures) > 1
        files = [path.with_stem(f"{path.stem}_{i}") if several else path for i in range(len(self.figures))]
        for figure, file in zip(self.figures, files, strict=True):
            with look(), atomic(file) as temporary:
                figure.savefig(temporary, format=path.suffix.removeprefix("."))
        return files
