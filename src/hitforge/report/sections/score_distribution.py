"""Distributions of the score by true class, a panel a method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, class_colour, panels, picture, quiet, words


class ScoreDistributionSection(Section):
    """How well the score parts the classes, by eye."""

    place: ClassVar[float] = 110.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        yield Subsection("scores", "Scores", [_scores(run.methods, run.classes, run.signal)], self.place)


def _scores(methods: Sequence[MethodResult], classes: Sequence[str], signal: str) -> Picture | None:
    """Draw the score distribution of each class, one panel a method."""
    found = [one for one in methods if one.table("score_distribution")]
    if not found:
        return None
    figure, grid = panels(len(found), 4.0, 3.3)
    for axes, one in zip(grid, found, strict=True):
        table = one.table("score_distribution")
        edges = np.append(table["low"], table["high"][-1])
        for index, name in enumerate(classes):
            counts = table.get(f"count_{name}")
            if counts is None or not counts.sum():
                continue
            axes.stairs(counts / counts.sum() / np.diff(edges), edges, color=class_colour(index), linewidth=1.6)
            axes.stairs(
                counts / counts.sum() / np.diff(edges),
                edges,
                color=class_colour(index),
                fill=True,
                alpha=0.18,
                label=f"true {words(name)}",
            )
        axes.set(title=words(one.label, 36), xlabel=f"score ({words(signal)})", ylabel="density")
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
        axes.legend(loc="upper center", ncols=2, columnspacing=1.0, handlelength=1.4)
        quiet(axes)
    return picture(figure, "Distributions of the score by true class", "Each class is normalised to unit area.")
