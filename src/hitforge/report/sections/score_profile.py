"""AUC and score against event fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from matplotlib.axes import Axes

from hitforge.core.arrays import Array
from hitforge.report._binned import ALONG, curves_of, data_of, spoken, told
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import MARKERS, Picture, class_colour, method_style, new_figure, picture, quiet, words


class ScoreProfileSection(Section):
    """Where in the sample the methods do well."""

    place: ClassVar[float] = 130.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a field."""
        names = dict.fromkeys(name for one in run.methods for name in one.tables if name.startswith(f"{self.name}."))
        pictures = [_profile(run.methods, run.classes, run.signal, name) for name in names]
        single = [name.partition(".")[2] for name in names if not curves_of(run.methods, name)]
        note = f"Against {' and '.join(map(spoken, single))} there is one bin alone, and no picture." if single else ""
        data = data_of(run, *names)
        yield Subsection("profiles", "Where it works", pictures, self.place, data=data, note=note)


def _profile(methods: Sequence[MethodResult], classes: Sequence[str], signal: str, name: str) -> Picture | None:
    """Draw AUC and score against an event field; none where all events lie in one bin of it."""
    field, found = name.partition(".")[2], curves_of(methods, name)
    if not found:
        return None
    label = ALONG.get(field, words(field))
    figure = new_figure(11.0, 3.9)
    left, right = figure.subplots(1, 2)
    for index, one, table in found:
        x = table["centre"]
        left.errorbar(
            x,
            table["auc"],
            xerr=np.abs([x - table["low"], table["high"] - x]),
            yerr=np.maximum([table["auc"] - table["auc_low"], table["auc_high"] - table["auc"]], 0.0),
            fmt=MARKERS[index % len(MARKERS)],
            markersize=4.5,
            color=method_style(index)["color"],
            linewidth=1.2,
            label=words(one.label),
        )
    _, first, table = found[0]
    _score_bands(right, table, classes)
    right.annotate(words(first.label, 40), (0.03, 0.04), xycoords="axes fraction", fontsize=10)
    left.set(xlabel=label, ylabel="ROC AUC")
    right.set(xlabel=label, ylabel=f"score ({words(signal)})", ylim=(0, 1))
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    if right.get_legend_handles_labels()[0]:
        right.legend(loc="upper center", ncols=2)
    quiet(left)
    quiet(right)
    return picture(
        figure,
        f"AUC and score against {spoken(field)}. AUC: {told(found, field, 'auc', 1.0, '')}.",
        "Left: AUC in bins of equal population (horizontal bars), with DeLong's standard error. "
        "Right: mean score (points), median (line) and central 68.3 % of the events (band), by true class.",
    )


def _score_bands(axes: Axes, table: dict[str, Array], classes: Sequence[str]) -> None:
    for index, name in enumerate(classes):
        if f"mean_{name}" not in table:
            continue
        colour, x = class_colour(index), table["centre"]
        axes.fill_between(x, table[f"low_{name}"], table[f"high_{name}"], color=colour, alpha=0.18, linewidth=0)
        axes.plot(x, table[f"median_{name}"], color=colour, linewidth=1.2)
        axes.plot(x, table[f"mean_{name}"], "o", color=colour, label=f"true {words(name)}")
