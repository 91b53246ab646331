"""The ROC by method, and in one sentence and picture its area."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter

from hitforge.report._binned import tables_of
from hitforge.report.numbers import measured, p_value, plain
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import MARKERS, Picture, method_style, new_figure, picture, quiet, words


class RocAucSection(Section):
    """ROC curves; the working points that ``background_efficiency`` measured stand on them."""

    place: ClassVar[float] = 100.0
    labels: ClassVar[dict[str, str]] = {"roc_auc": "ROC AUC"}
    swept: ClassVar[tuple[str, str] | None] = ("roc_auc", "ROC AUC")

    def answer(self, run: RunResults) -> Markup | None:
        """Say the AUC of the first method that has one, and how far it lies from the others'."""
        found = next(((one, value) for one in run.methods if (value := one.metric("roc_auc"))), None)
        if found is None:
            return None
        one, value = found
        begin = f"On {plain(value['n'])} test events, " if value.get("n") else ""
        text = Markup("{}<b>{}</b> tells {} from {} with a ROC AUC of {}").format(
            begin, one.label, run.signal, run.background, _NUMBER.format(measured(value))
        )
        rows = _differences(run)
        for place, (size, side, second, p) in enumerate(rows):
            text += Markup("{}{} {} {}").format(", " if place else ": ", _NUMBER.format(measured(size)), side, second)
            if p is not None:
                text += Markup(' <span class="number">(p {})</span>').format(p_value(p))
        return text + (", on the same events." if rows else ".")

    def answer_picture(self, run: RunResults) -> Picture | None:
        """Draw the AUC of each method with its interval."""
        return _areas(run.methods)

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        yield Subsection("roc", "ROC", [_roc(run.methods, run.signal, run.background)], self.place)


_NUMBER = Markup('<b class="number">{}</b>')


def _differences(run: RunResults) -> list[tuple[dict[str, Any], str, str, float | None]]:
    """How far the run's own AUC lies above or below that of each method that it was compared with."""
    rows = []
    for pair in run.comparisons:
        test = pair["values"].get("roc_auc_difference")
        if test and run.methods and pair["first"] == run.methods[0].label:
            above = test["value"] >= 0
            size = test if above else {"value": -test["value"], "low": -test["high"], "high": -test["low"]}
            p = pair["values"].get("p_value", {}).get("value")
            rows.append((size, "above" if above else "below", str(pair["second"]), p))
    return rows


def _areas(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the AUC of each method with its interval."""
    found = [(index, one, value) for index, one in enumerate(methods) if (value := one.metric("roc_auc"))]
    if not found:
        return None
    figure = new_figure(8.0, 0.9 + 0.42 * len(found))
    axes = figure.subplots()
    for row, (index, _, value) in enumerate(found):
        bars = [[max(value["value"] - value["low"], 0.0)], [max(value["high"] - value["value"], 0.0)]]
        axes.errorbar(
            value["value"],
            row,
            xerr=bars,
            fmt=MARKERS[index % len(MARKERS)],
            capsize=3,
            markersize=7,
            color=method_style(index)["color"],
        )
        axes.annotate(
            measured(value), (value["high"], row), (8, 0), textcoords="offset points", va="center", fontsize=10
        )
    low, high = min(value["low"] for *_, value in found), max(value["high"] for *_, value in found)
    width = max(high - low, 0.005)
    axes.set_xlim(low - 0.12 * width, high + 0.45 * width)
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_yticks(range(len(found)), [words(one.label, 36) for _, one, _ in found])
    axes.tick_params(axis="y", which="both", length=0)
    axes.set_xlabel("ROC AUC on the test sample, 68.3 % interval")
    quiet(axes)
    axes.grid(False, axis="y")
    alt = "; ".join(f"{one.label}: {measured(value)}" for _, one, value in found)
    return picture(figure, f"ROC AUC by method: {alt}", "")


def _roc(methods: Sequence[MethodResult], signal: str, background: str) -> Picture | None:
    """Draw the ROC of each method, and the background rejection against the signal efficiency."""
    found = tables_of(methods, "roc")
    if not found:
        return None
    figure = new_figure(11.0, 5.0)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="#999999", linewidth=1.0, linestyle="--")
    guess = np.linspace(0.02, 1.0, 200)
    right.plot(guess, 1.0 / guess, color="#999999", linewidth=1.0, linestyle="--", label="guessing")
    for index, one, table in found:
        style = method_style(index)
        value = one.metric("roc_auc")
        note = f"\nAUC {measured(value)}" if value else ""
        left.plot(table["fpr"], table["tpr"], label=words(one.label, 30) + note, **style)
        seen = table["fpr"] > 0
        right.plot(table["tpr"][seen], 1.0 / table["fpr"][seen], label=words(one.label, 40), **style)
        points = one.table("background_efficiency")
        if points:
            fine = points["background_efficiency"] > 0
            x, y = points["signal_efficiency"][fine], points["background_efficiency"][fine]
            bars = np.abs([1.0 / y - 1.0 / points["high"][fine], 1.0 / np.maximum(points["low"][fine], 1e-9) - 1.0 / y])
            right.errorbar(x, 1.0 / y, yerr=bars, fmt=MARKERS[index % len(MARKERS)], color=style["color"], capsize=2)
    left.set(
        xlabel=f"background efficiency ({words(background)})",
        ylabel=f"signal efficiency ({words(signal)})",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    left.set_aspect("equal")
    left.legend(loc="lower right", fontsize=10 if len(found) < 5 else 7.5)
    right.set(
        xlabel=f"signal efficiency ({words(signal)})",
        ylabel="background rejection, 1 / background efficiency",
        yscale="log",
        xlim=(0, 1),
    )
    counted = [table["fpr"][(table["fpr"] > 0) & (table["tpr"] >= 0.1)] for *_, table in found]
    # below a tenth of the signal single background events decide
    right.set_ylim(0.8, 2.0 / min(float(rates.min(initial=0.1)) for rates in counted))
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    right.legend(loc="upper right", fontsize=10 if len(found) < 5 else 8)
    quiet(left)
    quiet(right)
    return picture(
        figure,
        "ROC curves of all methods; background rejection against signal efficiency",
        "Left: ROC. Right: background rejection; the points are the working points of the table of metrics, "
        "with 68.3 % intervals.",
    )
