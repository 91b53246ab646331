"""Confusion matrices by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from hitforge.report._binned import data_of, tables_of
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, panels, picture, words


class ConfusionSection(Section):
    """Which class events are said to be, by the true one."""

    place: ClassVar[float] = 150.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        pictures, data = [_matrices(run.methods, run.classes)], data_of(run, self.name)
        yield Subsection("confusion", "Confusion", pictures, self.place, data=data)


def _matrices(methods: Sequence[MethodResult], classes: Sequence[str]) -> Picture | None:
    """Draw the confusion matrix of each method: share of the true class, and counts."""
    found = tables_of(methods, "confusion")
    if not found:
        return None
    figure, grid = panels(len(found), 3.1, 3.2)
    rights = []
    for axes, (_, one, table) in zip(grid, found, strict=True):
        names = [name for name in classes if name in table["truth"] or name in table["predicted"]]
        share = np.full((len(names), len(names)), np.nan)
        for truth, answer, part, count in zip(
            table["truth"], table["predicted"], table["share"], table["count"], strict=True
        ):
            row, column = names.index(str(truth)), names.index(str(answer))
            share[row, column] = part
            if row == column:
                rights.append(f"{one.label} {100 * part:.3g} % of {truth}")
            axes.text(
                column,
                row,
                f"{100 * part:.1f} %\n{int(count):,}",
                ha="center",
                va="center",
                fontsize=10,
                color="white" if part > 0.55 else "#1a1a1a",
            )
        axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
        axes.set_xticks(range(len(names)), [words(name) for name in names])
        axes.set_yticks(range(len(names)), [words(name) for name in names], rotation=90, va="center")
        axes.tick_params(which="both", length=0)
        axes.minorticks_off()
        axes.set(title=words(one.label, 30), xlabel="answer", ylabel="truth")
    alt = f"Confusion matrices. Answered right: {'; '.join(rights)}."
    return picture(figure, alt, "Share of each true class (rows sum to 100 %) and number of events.")
