"""Distributions of the score by true class, a panel a method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from hitforge.core.arrays import Array
from hitforge.report._binned import data_of, tables_of
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, class_colour, panels, picture, quiet, words


class ScoreDistributionSection(Section):
    """How well the score parts the classes, by eye."""

    place: ClassVar[float] = 110.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        pictures, data = [_scores(run.methods, run.classes, run.signal)], data_of(run, self.name)
        yield Subsection("scores", "Scores", pictures, self.place, data=data)


def _scores(methods: Sequence[MethodResult], classes: Sequence[str], signal: str) -> Picture | None:
    """Draw the score distribution of each class, one panel a method."""
    found = [(one, table) for _, one, table in tables_of(methods, "score_distribution") if _has_counts(table, classes)]
    if not found:
        return None
    means = []
    figure, grid = panels(len(found), 4.0, 3.3)
    for axes, (one, table) in zip(grid, found, strict=True):
        edges = np.append(table["low"], table["high"][-1])
        for index, name in enumerate(classes):
            counts = table.get(f"count_{name}")
            if counts is None or not counts.sum():
                continue
            mean = float(np.average(0.5 * (edges[1:] + edges[:-1]), weights=counts))
            means.append(f"{one.label}, true {name}: mean {mean:.2f}")
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
    alt = f"Distributions of the score by true class. {'; '.join(means)}."
    return picture(figure, alt, "Each class is normalised to unit area.")


def _has_counts(table: dict[str, Array], classes: Sequence[str]) -> bool:
    return any(table[f"count_{name}"].sum() > 0 for name in classes if f"count_{name}" in table)
