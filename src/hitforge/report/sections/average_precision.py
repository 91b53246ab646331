"""Average precision of showers by method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import PercentFormatter

from hitforge.report._answers import Told, compared, counted, first_with
from hitforge.report._binned import data_of, legend, panels_of
from hitforge.report._showers import CLASSES, curves
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import Picture, method_style, new_figure, picture, quiet, words


class AveragePrecisionSection(Section):
    """Precision over recall, and the area below by threshold, class, energy and distance."""

    place: ClassVar[float] = 190.0

    def headline(self, run: RunResults) -> Headline:
        """The area at three thresholds in percent."""
        columns = tuple((f"ap_{iou}", f"AP at IoU {iou / 100:g} [%]", 100.0) for iou in _THRESHOLDS)
        return Headline("showers", columns, "AP: average precision over all scores")

    def answer(self, run: RunResults) -> Markup | None:
        """Say the area at one threshold, and how far it lies from that of other methods."""
        found = first_with(run, _AREA.name)
        if found is None:
            return None
        one, value = found
        text = Markup("{}<b>{}</b> has an average precision of {} at an energy-weighted IoU of 0.5 or more.")
        area = _AREA.bold(_AREA.of(one) or {})
        return text.format(counted(value), one.label, area) + compared(run, one, (_AREA,))

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        pictures = [_precision_recall(run.methods), _bars(run.methods), _ap_curves(run.methods)]
        names = [f"curve_50{kind}" for kind in CLASSES] + [f"ap_50.{axis}" for axis in _VARIABLES]
        data = data_of(run, *(f"{self.name}.{name}" for name in names))
        yield Subsection("precision", "Average precision", pictures, self.place, data=data)


_AREA = Told("ap_50", "average precision at IoU 0.5", better="max")
_VARIABLES = ("energy", "nearest")
_THRESHOLDS = (30, 50, 70)  # of the overlap [%]


def _precision_recall(methods: Sequence[MethodResult], threshold: int = 50) -> Picture | None:
    """Draw precision against recall at an IoU [%] of all methods, for all particles and each class."""
    panels = [(kind, f"average_precision.curve_{threshold}{kind}") for kind in CLASSES]
    panels = [(kind, name) for kind, name in panels if any(len(one.table(name).get("recall", ())) for one in methods)]
    if not panels:
        return None
    figure = new_figure(max(4.6 * len(panels), 6.0), 4.9)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (kind, name) in zip(grid, panels, strict=True):
        for index, one in enumerate(methods):
            table = one.table(name)
            if not len(table.get("recall", ())):
                continue
            style = method_style(index)
            recall, envelope = table["recall"], table["interpolated"]
            area = one.metric(f"ap_{threshold}{kind}")
            label = words(one.label, 34) if area is None else f"{words(one.label, 34)}: {100 * area['value']:.1f} %"
            first = [recall[0], 0.0], [envelope[0], envelope[0]]  # the envelope is flat before the first point
            axes.plot(*(np.append(start[1], values) for start, values in zip(first, (recall, envelope), strict=True)),
                      drawstyle="steps-pre", label=label, **style)  # fmt: skip
            axes.plot(recall[-1:], envelope[-1:], marker="o", markersize=4, color=style["color"])
        axes.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="recall", ylabel="precision", title=CLASSES[kind])
        axes.legend(loc="best", fontsize=8.5, title="AP", title_fontsize=8.5)
        quiet(axes)
    ends = "; ".join(f"{CLASSES[kind]}: {_ends(methods, name)}" for kind, name in panels)
    return picture(
        figure,
        f"Precision against recall at IoU {threshold / 100:g} by method. Where all showers are taken, {ends}.",
        f"Envelope of precision over recall, at an energy-weighted IoU of {threshold / 100:g} or more; the area below "
        "is the average precision (AP). A curve ends at a dot, where all showers of the method are taken.",
    )


def _ends(methods: Sequence[MethodResult], name: str) -> str:
    """Recall and precision at the ends of the curves, in words."""
    rows = ((one, one.table(name)) for one in methods)
    return ", ".join(
        f"{one.label} has recall {table['recall'][-1]:.3g} at precision {table['interpolated'][-1]:.3g}"
        for one, table in rows if len(table.get("recall", ()))
    )  # fmt: skip


def _bars(methods: Sequence[MethodResult]) -> Picture | None:
    thresholds = [t for t in _THRESHOLDS if any(one.metric(f"ap_{t}") for one in methods)]
    kinds = [kind for kind in CLASSES if any(one.metric(f"ap_{t}{kind}") for one in methods for t in thresholds)]
    if not thresholds:
        return None
    figure = new_figure(4.4 * len(kinds) + 0.6, 4.3)
    grid = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    width = 0.8 / max(len(methods), 1)
    for axes, kind in zip(grid, kinds, strict=True):
        for index, one in enumerate(methods):
            values = [one.metric(f"ap_{t}{kind}") for t in thresholds]
            place = np.flatnonzero([value is not None for value in values])
            rows = np.array([[value[key] for key in ("value", "low", "high")] for value in values if value])
            if not len(rows):
                continue
            at = place + width * (index - 0.5 * (len(methods) - 1))
            colour, label = method_style(index)["color"], words(one.label, 34)
            error = np.maximum([rows[:, 0] - rows[:, 1], rows[:, 2] - rows[:, 0]], 0.0)
            style: dict[str, Any] = {"ecolor": "#1c2330", "error_kw": {"linewidth": 1.0, "capsize": 2.0}}
            axes.bar(at, rows[:, 0], 0.92 * width, color=colour, label=label, yerr=error, **style)
        axes.set_xticks(range(len(thresholds)), [f"IoU {t / 100:g}" for t in thresholds])
        axes.tick_params(axis="x", which="both", length=0)
        axes.set(ylim=(0, 1.0), title=CLASSES[kind])
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        quiet(axes)
        axes.grid(False, axis="x")
    grid[0].set_ylabel("average precision")
    legend(figure)
    return picture(
        figure,
        "Average precision by threshold of the IoU, by class and method. "
        + "; ".join(_areas(methods, thresholds, kinds))
        + ".",
        "At the least energy-weighted IoU that a shower must have with a particle to match it. "
        "Intervals: 68.3 %, bootstrap over events.",
    )


def _areas(methods: Sequence[MethodResult], thresholds: Sequence[int], kinds: Sequence[str]) -> list[str]:
    texts = []
    for kind in kinds:
        for one in methods:
            found = [(t, value) for t in thresholds if (value := one.metric(f"ap_{t}{kind}"))]
            parts = [f"{100 * value['value']:.3g} % at {t / 100:g}" for t, value in found]
            texts += [f"{CLASSES[kind]}, {one.label}: {', '.join(parts)}"] if parts else []
    return texts


def _ap_curves(methods: Sequence[MethodResult]) -> Picture | None:
    panels, few = panels_of(methods, {axis: f"average_precision.ap_50.{axis}" for axis in _VARIABLES})
    if not panels:
        return None
    caption = (
        "At IoU 0.5. A shower without match is false where the particle lies that it overlaps most with, and where it "
        "lies itself if particles gave less than half of it."
    )
    return curves(panels, "average precision", "Average precision", caption, few, whole=True)
