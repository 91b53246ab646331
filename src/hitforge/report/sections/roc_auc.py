"""Curves over methods: headline, training, ROC, score, calibration, profiles, confusion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from hitforge.report.numbers import measured
from hitforge.report.results import MethodResult
from hitforge.report.style import (
    MARKERS,
    Picture,
    class_colour,
    method_style,
    new_figure,
    picture,
    quiet,
    words,
)

Array = NDArray[Any]
_FIELDS = {"pt": r"$p_\mathrm{T}$ [GeV]", "eta": r"$\eta$", "phi": r"$\phi$ [rad]", "energy": "energy [GeV]"}
_SCORES = {"roc_auc": "ROC AUC", "accuracy": "accuracy", "auc": "ROC AUC"}


def headline(methods: Sequence[MethodResult]) -> Picture | None:
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


def training(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw loss, validation scores and learning rate against the epoch."""
    trained = [(index, one) for index, one in enumerate(methods) if len(one.history.get("epoch", []))]
    if not trained:
        return None
    known = {"epoch", "train_loss", "validation_loss", "lr", "seconds", "wait_seconds"}
    scores = list(dict.fromkeys(name for _, one in trained for name in one.history if name not in known))[:2]
    panels = ["loss", *scores, "lr"]
    figure = new_figure(4.0 * len(panels), 3.7)
    for axes, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        for index, one in trained:
            style = method_style(index)
            epoch = one.history["epoch"]
            marker = "o" if len(epoch) < 3 else None
            if panel == "loss":
                for name, line, fade in (("train_loss", ":", 0.75), ("validation_loss", "-", 1.0)):
                    if name in one.history:
                        axes.plot(
                            epoch, one.history[name], color=style["color"], linestyle=line, alpha=fade, marker=marker
                        )
            elif panel in one.history:
                axes.plot(epoch, one.history[panel], color=style["color"], marker=marker, label=words(one.label))
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel({"loss": "loss", "lr": "learning rate"}.get(panel, _score_name(panel)))
        if panel == "loss":
            axes.plot([], [], color="#555555", linestyle=":", label="training")
            axes.plot([], [], color="#555555", label="validation")
        elif panel == "lr":
            axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        quiet(axes)
        if panel in {"loss", *scores[:1]}:
            axes.legend()
    return picture(
        figure,
        "Loss, validation scores and learning rate by epoch",
        "Dotted: training sample, with augmentation where the recipe asks for it. Full: validation sample. "
        "The weights of the best epoch are the ones that are tested.",
    )


def roc(methods: Sequence[MethodResult], signal: str, background: str) -> Picture | None:
    """Draw the ROC of each method, and the background rejection against the signal efficiency."""
    found = _with_table(methods, "roc")
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


def scores(methods: Sequence[MethodResult], classes: Sequence[str], signal: str) -> Picture | None:
    """Draw the score distribution of each class, one panel a method."""
    found = [one for one in methods if one.table("score_distribution")]
    if not found:
        return None
    figure, panels = _grid(len(found), 4.0, 3.3)
    for axes, one in zip(panels, found, strict=True):
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


def calibration(methods: Sequence[MethodResult], signal: str) -> Picture | None:
    """Draw observed share of signal against mean score, and their difference."""
    found = _with_table(methods, "calibration")
    if not found:
        return None
    figure = new_figure(11.0, 4.4)
    upper, lower = figure.subplots(1, 2)
    upper.plot([0, 1], [0, 1], color="#999999", linewidth=1.0, linestyle="--", label="perfect")
    lower.axhline(0.0, color="#999999", linewidth=1.0, linestyle="--")
    for index, one, table in found:
        seen = table["observed"]
        bars = np.maximum([seen - table["low"], table["high"] - seen], 0.0)
        style = {
            "fmt": MARKERS[index % len(MARKERS)] + "-",
            "color": method_style(index)["color"],
            "capsize": 2,
            "linewidth": 1.2,
            "markersize": 4.5,
        }
        upper.errorbar(table["score"], seen, yerr=bars, label=words(one.label, 36), **style)
        lower.errorbar(table["score"], seen - table["score"], yerr=bars, **style)
    upper.set(ylabel=f"observed share of {words(signal)}", xlim=(0, 1), ylim=(0, 1))
    upper.set_xlabel(f"mean score ({words(signal)})")
    lower.set(ylabel="observed share − mean score", xlabel=f"mean score ({words(signal)})", xlim=(0, 1))
    upper.legend(loc="upper left")
    quiet(upper)
    quiet(lower)
    return picture(
        figure,
        "Reliability curve: observed share of signal against score",
        "On the diagonal the score is a probability. Bars: Clopper-Pearson, 68.3 %.",
    )


def profiles(methods: Sequence[MethodResult], classes: Sequence[str], signal: str) -> list[Picture]:
    """Draw AUC and score against event fields, a picture a field."""
    prefix = "score_profile."
    names = dict.fromkeys(name for one in methods for name in one.tables if name.startswith(prefix))
    return [_profile(methods, classes, signal, name.removeprefix(prefix)) for name in names]


def _profile(methods: Sequence[MethodResult], classes: Sequence[str], signal: str, field: str) -> Picture:
    label = _FIELDS.get(field, words(field))
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


def confusion(methods: Sequence[MethodResult], classes: Sequence[str]) -> Picture | None:
    """Draw the confusion matrix of each method: share of the true class, and counts."""
    found = [one for one in methods if one.table("confusion")]
    if not found:
        return None
    figure, panels = _grid(len(found), 3.1, 3.2)
    for axes, one in zip(panels, found, strict=True):
        table = one.table("confusion")
        names = [name for name in classes if name in table["truth"] or name in table["predicted"]]
        share = np.full((len(names), len(names)), np.nan)
        for truth, answer, part, count in zip(
            table["truth"], table["predicted"], table["share"], table["count"], strict=True
        ):
            row, column = names.index(str(truth)), names.index(str(answer))
            share[row, column] = part
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
    return picture(figure, "Confusion matrices", "Share of each true class (rows sum to 100 %) and number of events.")


def _with_table(methods: Sequence[MethodResult], name: str) -> list[tuple[int, MethodResult, dict[str, Array]]]:
    """The methods that have a table with rows, with their place, which gives colour and line."""
    rows = [(index, one, one.table(name)) for index, one in enumerate(methods)]
    return [row for row in rows if any(len(column) for column in row[2].values())]


def _grid(count: int, width: float, height: float) -> tuple[Any, list[Axes]]:
    """A figure with ``count`` panels, at most four a row."""
    columns = min(count, 4)
    rows = math.ceil(count / columns)
    figure = new_figure(width * columns, height * rows)
    panels = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for spare in panels[count:]:
        spare.set_axis_off()
    return figure, list(panels[:count])


def _score_name(column: str) -> str:
    plain = column.removeprefix("validation_").removeprefix("validation.")
    return f"validation {_SCORES.get(plain, plain.replace('_', ' '))}"
