"""What sections draw, as figures whose data can be looked at, without turning them into SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from hitforge.report.parts import PARTS
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import SECTIONS, Section
from hitforge.report.style import Picture, look


@dataclass(frozen=True)
class Drawn:
    """A picture and the figure that it was made of."""

    figure: Figure
    alt: str
    caption: str

    @property
    def axes(self) -> list[Axes]:
        """The panels that show something."""
        return [axes for axes in self.figure.axes if axes.axison]


def section(name: str) -> Section:
    """Return a section or part by its name."""
    return (SECTIONS if name in SECTIONS.names() else PARTS).build(name, where="test")


def draw(name: str, run: RunResults) -> dict[str, list[Drawn]]:
    """Return what a section or part drew, by subsection; subsections without picture are left out."""
    one = section(name)
    with look():
        found = [(part, [picture for picture in part.pictures if picture is not None]) for part in one.subsections(run)]
        answer = one.answer_picture(run)
    kept = {part.key: [_drawn(picture) for picture in pictures] for part, pictures in found if pictures}
    return kept | ({"answer": [_drawn(answer)]} if answer else {})


def _drawn(picture: Picture) -> Drawn:
    return Drawn(picture.figure, picture.alt, picture.caption)


def points_of(axes: Axes) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Points with bars in a panel, by label without line breaks."""
    bars = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
    return {flat(str(one.get_label() or place)): one.lines[0].get_data() for place, one in enumerate(bars)}


def legend_of(axes: Axes) -> list[str]:
    """Labels of a panel, without line breaks."""
    return [flat(label) for label in axes.get_legend_handles_labels()[1]]


def texts_of(axes: Axes) -> list[str]:
    """Texts inside a panel."""
    return [text.get_text() for text in axes.texts]


def flat(label: str) -> str:
    """A label without line breaks."""
    return label.replace("\n", " ")


def method(label: str = "a", tables: dict[str, Any] | None = None, **values: float) -> MethodResult:
    """A method with tables and numbers."""
    metrics = {
        f"test.{name}": {"value": value, "low": value - 0.01, "high": value + 0.01, "definition": "of a test", "n": 7}
        for name, value in values.items()
    }
    arrays = {
        name: {column: np.asarray(rows) for column, rows in table.items()} for name, table in (tables or {}).items()
    }
    return MethodResult(label, "network", metrics, arrays, {})


def results(methods: Sequence[MethodResult], **rest: Any) -> RunResults:
    """A run of some methods."""
    return RunResults(Path("run"), methods=tuple(methods), **rest)


BARE = results([MethodResult("bare", "network", {}, {}, {})])
"""A run that measured nothing."""
