"""A number of an event, such as a mass, by method: errors, response and width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from markupsafe import Markup

from hitforge.report._answers import Told, compared, counted, first_with
from hitforge.report._binned import ALONG, Tables, curves_of, data_of, inner_legends, tables_of, told
from hitforge.report._energy import energy_points, histograms
from hitforge.report.numbers import measured, rescaled
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import Picture, new_figure, picture, quiet, words

_NAMED = {"particle_jet_pt": r"$p_\mathrm{T}$ of the generated jet [GeV]", **ALONG}
_LEVEL = {"color": "#999999", "linewidth": 1.0, "linestyle": "--"}


class ValueResponseSection(Section):
    """Errors, response and width of the quantity, and single answers."""

    place: ClassVar[float] = 31.0

    def headline(self, run: RunResults) -> Headline | None:
        """Errors, width, flatness and slope."""
        name, unit = _quantity(run)
        if not name:
            return None
        columns = (
            (f"{name}_error", f"{name}, relative error [%]", 100.0),
            (f"{name}_absolute_error", f"{name}, error [{unit}]" if unit else f"{name}, error", 1.0),
            (f"{name}_sigma68", f"{name}, σ68 [%]", 100.0),
            (f"{name}_flatness", "largest |response − 1| [%]", 100.0),
            (f"{name}_slope", "slope", 1.0),
        )
        note = "Slope of log(predicted) over log(true): 1 where nothing is pulled to the mean"
        return Headline("value", columns, note, counted=True)

    def answer(self, run: RunResults) -> Markup | None:
        """Say the error of the first method, and how far other ones lie."""
        name, _ = _quantity(run)
        told_number = Told(f"{name}_error", f"{name}, relative error")
        found = first_with(run, told_number.name)
        if found is None:
            return None
        one, value = found
        text = Markup("{}<b>{}</b> finds the {} with a mean absolute relative error of {}").format(
            counted(value), one.label, name.replace("_", " "), told_number.bold(told_number.of(one) or {})
        )
        flat = rescaled(one.metric(f"{name}_flatness"), 100.0)
        text += Markup(", its response flat within {} %").format(measured(flat)) if flat else Markup("")
        return text + Markup(".") + compared(run, one, (told_number,))

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """Response and width over the value and each event field, the error, and single answers."""
        name, unit = _quantity(run)
        if not name:
            return
        axis = f"true {name.replace('_', ' ')}{f' [{unit}]' if unit else ''}"
        prefix = f"{self.name}."
        tables = dict.fromkeys(
            key.removeprefix(prefix) for one in run.methods for key in one.tables if key.startswith(prefix)
        )
        along = {key: _NAMED.get(key, key) for key in tables if key not in ("bins", "histogram", "examples")}
        for key, label in {"bins": axis, **along}.items():
            title = "Response and width" if key == "bins" else f"Response and width over {key.replace('_', ' ')}"
            drawn = _response(run.methods, f"{prefix}{key}", label)
            data = data_of(run, f"{prefix}{key}")
            yield Subsection(f"value-{key.replace('_', '-')}", title, [drawn], 31.0 + (key != "bins"), data=data)
        data = data_of(run, f"{prefix}histogram")
        yield Subsection("value-error", "Relative error", [_errors(run.methods)], 33.0, data=data)
        data = data_of(run, f"{prefix}examples")
        yield Subsection("value-answers", "Single answers", [_answers(run.methods, axis)], 34.0, data=data)


def _quantity(run: RunResults) -> tuple[str, str]:
    """What is asked for and its unit; empty where nothing was measured."""
    task = run.recipe.get("task")
    block = task if isinstance(task, dict) else {}
    numbers = [name for one in run.methods for name in one.numbers_of("value_response") if name.endswith("_slope")]
    return (numbers[0].removesuffix("_slope") if numbers else ""), str(block.get("unit", "GeV"))


def _response(methods: Sequence[MethodResult], name: str, label: str) -> Picture | None:
    found = curves_of(methods, name)
    if not found:
        return None
    figure = new_figure(12.0, 4.4)
    left, right = figure.subplots(1, 2)
    for index, one, table in found:
        energy_points(left, index, table, "response", 1.0, words(one.label, 34))
        energy_points(right, index, table, "sigma68", 100.0, words(one.label, 34))
    left.axhline(1.0, **_LEVEL)
    left.set(xlabel=label, ylabel="response, median of predicted/true")
    right.set(xlabel=label, ylabel=r"$\sigma_{68}\,/\,$median of predicted/true [%]")
    right.set_ylim(0, None)
    for axes in (left, right):
        quiet(axes)
    inner_legends(figure, (left, right), len(found))
    return picture(
        figure,
        f"Response and width by method. Response: {_spoken(found)}.",
        "Left: median of predicted/true. Right: half of the central 68.3 % over it. Intervals: 68.3 %, bootstrap.",
    )


def _spoken(found: Tables) -> str:
    return told(found, "energy", "response", 1.0, "") if found else ""


def _errors(methods: Sequence[MethodResult]) -> Picture | None:
    found = [row for row in tables_of(methods, "value_response.histogram") if row[2]["count"].sum()]
    if not found:
        return None
    figure = new_figure(7.0, 4.4)
    axes = figure.subplots()
    histograms(axes, found, 100.0)
    axes.set(xlabel="(predicted − true) / true [%]", ylabel="share of the events in a bin [%]")
    quiet(axes)
    inner_legends(figure, (axes,), len(found))
    return picture(
        figure, "Relative error by method.", "Relative error of all test events; the outermost bins hold all beyond."
    )


def _answers(methods: Sequence[MethodResult], label: str) -> Picture | None:
    found = tables_of(methods, "value_response.examples")[:4]
    if not found:
        return None
    figure = new_figure(3.6 * len(found) + 0.6, 4.0)
    panels = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
    true = found[0][2]["true"]
    low, high = 0.7 * float(true.min()), 1.3 * float(true.max())  # a wild answer would press all others together
    beyond = sum(int(((table["predicted"] < low) | (table["predicted"] > high)).sum()) for *_, table in found)
    for axes, (_, one, table) in zip(panels, found, strict=True):
        axes.plot([low, high], [low, high], **_LEVEL)
        axes.plot(table["true"], table["predicted"], linestyle="none", marker=".", markersize=3, alpha=0.5)
        axes.set(xlabel=label, title=words(one.label, 26), xlim=(low, high), ylim=(low, high))
        quiet(axes)
    panels[0].set_ylabel(label.replace("true", "predicted"))
    count = len(found[0][2]["true"])
    spread = "; ".join(
        f"{one.label}, correlation {np.corrcoef(table['true'], table['predicted'])[0, 1]:.2f}"
        for _, one, table in found if np.ptp(table["predicted"]) > 0 and np.ptp(table["true"]) > 0
    )  # fmt: skip
    return picture(
        figure,
        f"Predicted against true value of {count} events. {spread}.",
        f"{count} random test events, the same for every method; up to four methods are drawn. "
        f"Beyond the axes lie {beyond} answers.",
    )


__all__ = ["ValueResponseSection"]
