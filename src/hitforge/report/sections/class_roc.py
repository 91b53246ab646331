"""ROC of each class against the rest, by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from hitforge.report._binned import data_of, tables_of
from hitforge.report.numbers import measured
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture, class_colour, method_style, new_figure, picture, quiet, words


class ClassRocSection(Section):
    """A panel a class, where there are more than two."""

    place: ClassVar[float] = 140.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        data = data_of(run, *(name for one in run.methods for name in one.tables if name.startswith("class_roc.")))
        yield Subsection("class_roc", "ROC by class", [_class_roc(run.methods)], self.place, data=data)


def _class_roc(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the ROC of each class against the rest, where there are more than two."""
    prefix = "class_roc."
    names = [name for one in methods for name in one.tables if name.startswith(prefix) and tables_of([one], name)]
    classes = list(dict.fromkeys(name.removeprefix(prefix) for name in names))
    if len(classes) < 3:
        return None
    columns = min(len(classes), 3)
    lines = -(-len(classes) // columns)
    figure = new_figure(4.3 * columns, 4.2 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(classes) :]:
        axes.set_axis_off()
    for number, (axes, kind) in enumerate(zip(grid, classes, strict=False)):
        for index, one, table in tables_of(methods, prefix + kind):
            value = one.metric(f"auc_{kind}")
            note = f"\nAUC {measured(value)}" if value else ""
            seen = table["false_positive"] > 0
            rate = np.append(table["false_positive"][seen], 1.0)
            share = np.append(table["true_positive"][seen], 1.0)
            axes.plot(share, 1.0 / rate, label=words(one.label, 28) + note, **method_style(index))
        axes.set_title(words(kind), color=class_colour(number))
        axes.set(xlabel="efficiency", ylabel="rejection of the rest", yscale="log", xlim=(0, 1))
        axes.set_ylim(0.8, None)
        axes.legend(fontsize=8)
        quiet(axes)
    areas = [
        f"{kind}, {one.label}: AUC {measured(value)}"
        for kind in classes
        for one in methods
        if (value := one.metric(f"auc_{kind}"))
    ]
    return picture(
        figure,
        f"ROC of each class against the rest. {'; '.join(areas)}.",
        "Rejection: one over the share of the other classes that pass.",
    )
