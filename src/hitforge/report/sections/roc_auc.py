"""The ROC by method, and in one sentence and picture its area."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter

from hitforge.report._answers import MAX_METHODS, Told, counted, dots, first_with, paired_with, verdict
from hitforge.report._binned import data_of, tables_of
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
        found = first_with(run, _AUC.name)
        if found is None:
            return None
        one, value = found
        text = Markup("{}<b>{}</b> tells {} from {} with a ROC AUC of {}").format(
            counted(value), one.label, run.signal, run.background, _AUC.bold(value)
        )
        pairs = paired_with(run, one, _AUC.name)
        for place, pair in enumerate(pairs[:MAX_METHODS]):
            side = "above" if pair.value["value"] >= 0 else "below"
            text += Markup("{}{} {} {}").format(", " if place else ": ", _AUC.bold(pair.size), side, pair.second)
            p = pair.values.get("p_value", {}).get("value")
            if p is not None:
                text += Markup(' <span class="number">(p {})</span>').format(p_value(p))
        rest = len(pairs) - MAX_METHODS
        text += f"; {plain(rest)} more under Paired tests" if rest > 0 else ""
        return text + (", on the same events." if pairs else ".") + verdict(run, one, (_AUC,))

    def answer_picture(self, run: RunResults) -> Picture | None:
        """Draw the AUC of each method with its interval."""
        return dots(run.methods, (_AUC,))

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them."""
        data = data_of(run, "roc", "background_efficiency")
        yield Subsection("roc", "ROC", [_roc(run.methods, run.signal, run.background)], self.place, data=data)


_AUC = Told("roc_auc", "ROC AUC", "", "", 1.0, "max")


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
        "ROC curves of all methods; background rejection against signal efficiency. "
        + "; ".join(filter(None, (_rejections(one, background, signal) for _, one, _ in found))),
        "Left: ROC. Right: background rejection; the points are the working points of the table of metrics, "
        "with 68.3 % intervals.",
    )


def _rejections(one: MethodResult, background: str, signal: str) -> str:
    """What passes at the working points that were measured, in words."""
    table = one.table("background_efficiency")
    rows = (
        zip(*(table[name].tolist() for name in ("signal_efficiency", "background_efficiency")), strict=True)
        if table
        else ()
    )
    parts = [f"{100 * lost:.3g} % of {background} at {100 * kept:.3g} % of {signal}" for kept, lost in rows]
    return f"{one.label} lets pass {', '.join(parts)}" if parts else ""
