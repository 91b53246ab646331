"""AUC and score against event fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from matplotlib.axes import Axes

from hitforge.core.arrays import Array
from hitforge.report._binned import ALONG
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import MARKERS, Picture, class_colour, method_style, new_figure, picture, quiet, words


class ScoreProfileSection(Section):
    """Where in the sample the methods do well."""

    place: ClassVar[float] = 130.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them, a picture a field."""
        pictures = _profiles(run.methods, run.classes, run.signal)
        yield Subsection("profiles", "Where it works", pictures, self.place)


def _profiles(methods: Sequence[MethodResult], classes: Sequence[str], signal: str) -> list[Picture]:
    """Draw AUC and score against event fields, a picture a field."""
    prefix = "score_profile."
    names = dict.fromkeys(name for one in methods for name in one.tables if name.startswith(prefix))
    return [_profile(methods, classes, signal, name.removeprefix(prefix)) for name in names]


def _profile(methods: Sequence[MethodResult], classes: Sequence[str], signal: str, field: str) -> Picture:
    label = ALONG.get(field, words(field))
    figure = new_figure(11.0, 3.9)
    left, right = figure.subplots(1, 2)
    drawn = False
    for index, one in enumerate(methods):
        table = one.table(f"score_profile.{field}")
        if not table:
            continue
        x = table["centre"]
        across = np.abs([x - table["low"], table["high"] - x])
        up = np.maximum([table["auc"] - table["auc_low"], table["auc_high"] - table["auc"]], 0.0)
        left.errorbar(
            x,
            table["auc"],
            xerr=across,
            yerr=up,
            fmt=MARKERS[index % len(MARKERS)],
            markersize=4.5,
            color=method_style(index)["color"],
            linewidth=1.2,
            label=words(one.label),
        )
        if not drawn:
            _score_bands(right, table, classes)
            right.annotate(words(one.label, 40), (0.03, 0.04), xycoords="axes fraction", fontsize=10)
            drawn = True
    left.set(xlabel=label, ylabel="ROC AUC")
    right.set(xlabel=label, ylabel=f"score ({words(signal)})", ylim=(0, 1))
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    right.legend(loc="upper center", ncols=2)
    quiet(left)
    quiet(right)
    return picture(
        figure,
        f"AUC and score against {field}",
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
