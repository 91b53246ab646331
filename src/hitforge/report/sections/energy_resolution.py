"""Energy by method: resolution, response, errors, single predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from markupsafe import Markup

from hitforge.report._answers import compared, counted, first_with, shared_picture, unbroken
from hitforge.report._binned import Tables, curves_of, data_of, inner_legends, one_bin, tables_of, told, unfilled
from hitforge.report._energy import ENERGY, REGRESSION_ANSWERS, energy_axis, energy_points, histograms, without_answer
from hitforge.report.numbers import measured, rescaled
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import MARKERS, Picture, method_style, new_figure, picture, quiet, words

_COLUMNS = (
    ("energy_error", "energy, relative error [%]", 100.0),
    ("energy_sigma68", "energy, σ68 [%]", 100.0),
)


class EnergyResolutionSection(Section):
    """Width, response, relative error and single predictions of the energy."""

    place: ClassVar[float] = 30.0
    labels: ClassVar[dict[str, str]] = {"energy_sigma68": r"$\sigma_{68}$ of the energy"}
    swept: ClassVar[tuple[str, str] | None] = ("energy_error", "mean absolute relative error of the energy")

    def headline(self, run: RunResults) -> Headline:
        """Error and width in percent."""
        return Headline("regression", _COLUMNS, "Energy: mean absolute relative error", counted=True)

    def answer(self, run: RunResults) -> Markup | None:
        """Say the error and the width of the first method, and how far other ones lie."""
        (error,) = REGRESSION_ANSWERS[self.name]
        found = first_with(run, error.name)
        if found is None:
            return None
        one, value = found
        text = Markup("{}<b>{}</b> measures the energy with a mean absolute relative error of {}").format(
            counted(value), one.label, error.bold(error.of(one) or {})
        )
        width = rescaled(one.metric("energy_sigma68"), 100.0)
        return (
            text
            + (Markup(" ({})").format(unbroken(f"σ₆₈ {measured(width)} %")) if width else "")
            + without_answer(one, "energy")
            + "."
            + compared(run, one, (error,))
        )

    def answer_picture(self, run: RunResults) -> Picture | None:
        """Draw the error of each method, with those of position and direction."""
        return shared_picture(run, REGRESSION_ANSWERS, self.name)

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """Four of them."""
        name = f"{self.name}.bins"
        found = curves_of(run.methods, name)
        known = [*found, *tables_of(run.methods, f"{self.name}.outer")] if found else []
        few = unfilled(run, self.name, "edges", "min_events", known) + _outer(run)
        data, terms = data_of(run, name), data_of(run, name, f"{self.name}.fit", f"{self.name}.terms")
        yield Subsection(
            "resolution", "Energy resolution", [_resolution(run.methods, few)], 30.0,
            data=terms, note=one_bin(run, name, "energy", "sigma68"),
        )  # fmt: skip
        note = one_bin(run, name, "energy", "response", 1.0, "")
        title = "Response and linearity"
        yield Subsection("response", title, [_response(run.methods, few)], 40.0, data=data, note=note)
        data = data_of(run, f"{self.name}.histogram", f"{self.name}.profile")
        yield Subsection("errors", "Relative error", [_errors(run.methods)], 50.0, data=data)
        data = data_of(run, f"{self.name}.examples")
        yield Subsection("predictions", "Predictions", [_predictions(run.methods)], 80.0, data=data)


def _resolution(methods: Sequence[MethodResult], few: str) -> Picture | None:
    """Draw sigma68 of the energy against the energy with its fit, and the RMS; ``few`` says which bins are left out."""
    found = curves_of(methods, "energy_resolution.bins")
    if not found:
        return None
    figure = new_figure(12.0, 5.4)
    left, right = figure.subplots(1, 2)
    fit = ""
    for index, one, table in found:
        style = method_style(index)
        curve = one.table("energy_resolution.fit")
        terms = [one.metric(f"energy_{name}") for name in ("stochastic", "noise", "constant")]
        text = words(one.label, 34)
        if all(terms):
            units = zip("SNC", terms, (100.0, 1.0, 100.0), ("% √GeV", "GeV", "%"), strict=True)
            text += "\n" + ", ".join(_term(name, term or {}, factor, unit) for name, term, factor, unit in units)
        energy_points(left, index, table, "sigma68", 100.0, text)
        if curve:
            low, high = curve["energy"].min(), curve["energy"].max()
            fit = f", and the fit σ² = S²/E + N²/E² + C² of {low:g} to {high:g} GeV with its band"
            left.plot(curve["energy"], 100 * curve["sigma"], linewidth=1.2, **style)
            if {"sigma_low", "sigma_high"} <= curve.keys():
                band = (100 * curve[f"sigma_{end}"] for end in ("low", "high"))
                left.fill_between(curve["energy"], *band, color=style["color"], alpha=0.13, linewidth=0)
        energy_points(right, index, table, "rms", 100.0, words(one.label, 34))
    energy_axis((left, right), [table for *_, table in found])
    left.set_ylabel(r"$\sigma_{68}\,/\,$median of predicted/true [%]")
    right.set_ylabel("RMS of predicted/true [%]")
    for axes in (left, right):
        axes.set_ylim(0, None)
        quiet(axes)
    inner_legends(figure, (left, right), len(found))
    return picture(
        figure,
        f"Energy resolution against energy by method. σ68: {told(found, 'energy', 'sigma68')}. "
        f"RMS: {told(found, 'energy', 'rms')}.",
        f"Left: half of the central 68.3 % of predicted/true over its median{fit}. "
        f"Right: RMS, which feels the tails. Intervals: 68.3 %, bootstrap.{few}",
    )


def _response(methods: Sequence[MethodResult], few: str) -> Picture | None:
    """Draw the mean of predicted over true against the energy, and its deviation from the mean over the bins."""
    found = curves_of(methods, "energy_resolution.bins")
    if not found:
        return None
    figure, chance = new_figure(12.0, 4.4), []
    left, right = figure.subplots(1, 2)
    for index, one, table in found:
        energy_points(left, index, table, "response", 1.0, words(one.label, 34))
        mean = float(np.mean(table["response"]))
        shifted = {name: table[name] / mean - 1.0 for name in ("response", "response_low", "response_high")}
        value = one.metric("energy_linearity")
        note = f"\nlargest {_spoken(one.metric('energy_linearity_seen') or value)} %" if value else ""
        if value and (alone := one.metric("energy_linearity_chance")):
            chance.append(f"{one.label} {_spoken(alone)} %, less that {_spoken(value)} %")
        energy_points(right, index, {**table, **shifted}, "response", 100.0, words(one.label, 34) + note)
    left.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--")
    right.axhline(0.0, color="#999999", linewidth=1.0, linestyle="--")
    energy_axis((left, right), [table for *_, table in found])
    left.set_ylabel("response, mean of predicted/true")
    right.set_ylabel("response / mean of the bins − 1 [%]")
    for axes in (left, right):
        quiet(axes)
    inner_legends(figure, (left, right), len(found))
    return picture(
        figure,
        f"Response and linearity against energy by method. Response: {told(found, 'energy', 'response', 1.0, '')}.",
        f"Left: response. Right: deviation from linearity.{_by_chance(chance)} Intervals: 68.3 %, bootstrap.{few}",
    )


def _errors(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the histogram of the relative error, and its mean and RMS in fine bins of the energy if there are some."""
    found = [row for row in tables_of(methods, "energy_resolution.histogram") if row[2]["count"].sum()]
    profiles = curves_of(methods, "energy_resolution.profile")
    if not found:
        return None
    figure = new_figure(12.0 if profiles else 7.0, 4.4)
    panels = figure.subplots(1, 2 if profiles else 1, squeeze=False)[0]
    histograms(panels[0], found, 100.0)
    panels[0].set(xlabel="(predicted − true) / true [%]", ylabel="share of the events in a bin [%]")
    for axes in panels[1:]:
        axes.axhline(0.0, color="#999999", linewidth=1.0, linestyle="--")
        for index, one, table in profiles:
            style = method_style(index)
            mean, rms = 100 * table["mean"], 100 * table["rms"]
            axes.plot(table["centre"], mean, label=words(one.label, 34), marker=MARKERS[index % len(MARKERS)], **style)
            axes.fill_between(table["centre"], mean - rms, mean + rms, color=style["color"], alpha=0.13, linewidth=0)
        axes.set(xlabel=ENERGY, ylabel="mean ± RMS of the relative error [%]")
    for axes in panels:
        quiet(axes)
    inner_legends(figure, panels, len(found))
    values = ((one, one.metric("energy_error"), one.metric("energy_sigma68")) for _, one, _ in found)
    numbers = "; ".join(
        f"{one.label} {measured(rescaled(error, 100.0) or {})} %, σ68 {measured(rescaled(width, 100.0) or {})} %"
        for one, error, width in values if error and width
    )  # fmt: skip
    right = " Right: mean (points) and RMS (band) in bins of the true energy." if profiles else ""
    return picture(
        figure,
        f"Relative error of the energy: histogram{' and profile' if profiles else ''}. Mean size: {numbers}.",
        f"{'Left: relative' if profiles else 'Relative'} error on the whole sample; the outermost bins hold all "
        f"beyond.{right}",
    )


def _predictions(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw true and predicted energy of random events, by rising energy, and the relative error of each."""
    found = tables_of(methods, "energy_resolution.examples")
    if not found:
        return None
    figure = new_figure(12.0, 6.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    true = found[0][2]["true"]
    order = np.argsort(true)
    place = np.arange(1, len(true) + 1)
    upper.plot(place, true[order], color="#1c2330", linewidth=1.2, drawstyle="steps-mid", label="true")
    lower.axhline(0.0, color="#1c2330", linewidth=1.0)
    shift = np.linspace(-0.24, 0.24, len(found)) if len(found) > 1 else np.zeros(1)
    for (index, one, table), step in zip(found, shift, strict=True):
        style = {"color": method_style(index)["color"], "marker": MARKERS[index % len(MARKERS)]}
        answer = np.where(table["predicted"] > 0, table["predicted"], np.nan)[order]
        upper.plot(place + step, answer, linestyle="none", markersize=4, label=words(one.label, 34), **style)
        error = 100 * (answer / true[order] - 1.0)
        lower.plot(place + step, error, linestyle="none", markersize=3.5, **style)
    reach = np.concatenate([100 * np.abs(table["predicted"] / table["true"] - 1.0) for *_, table in found])
    lower.set_ylim(*np.multiply((-1, 1), max(1.15 * float(np.quantile(reach, 0.97)), 1.0)))
    upper.set(ylabel="energy [GeV]", xlim=(0, len(true) + 1))
    lower.set(xlabel="event, by rising true energy", ylabel="relative error [%]")
    inner_legends(figure, (upper,), len(found))
    quiet(upper)
    quiet(lower)
    return picture(
        figure,
        f"True and predicted energy of {len(true)} random events, of {true.min():.3g} to {true.max():.3g} GeV. "
        f"Median size of the relative error: {_typical(found)}.",
        f"{len(true)} random test events, the same for every method. The lower panel leaves out the worst 3 %.",
    )


def _typical(found: Tables) -> str:
    sizes = ((one, float(np.median(np.abs(table["predicted"] / table["true"] - 1.0)))) for _, one, table in found)
    return "; ".join(f"{one.label} {100 * size:.2g} %" for one, size in sizes)


def _term(name: str, term: Mapping[str, Any], factor: float, unit: str) -> str:
    """A term of the fit with its interval; its upper end alone where the interval of its square holds 0."""
    scaled = rescaled(term, factor) or {}
    low, high = scaled.get("low", scaled["value"]), scaled.get("high", scaled["value"])
    if low < high and low <= 0:
        return f"{name} < {high:.2g} {unit}" if high > 0 else f"{name}² < 0 ({measured(scaled)} {unit})"
    return f"{name} = {measured(scaled)} {unit}"


def _spoken(value: Mapping[str, Any]) -> str:
    return measured(rescaled(value, 100.0) or {})


def _by_chance(chance: Sequence[str]) -> str:
    return f" Chance alone shows a largest deviation of: {'; '.join(chance)}." if chance else ""


def _outer(run: RunResults) -> str:
    """Say which bins are left out because the sample ends there."""
    ends = {
        (low, high)
        for *_, table in tables_of(run.methods, "energy_resolution.outer")
        for low, high in zip(table["low"].tolist(), table["high"].tolist(), strict=True)
    }
    if not ends:
        return ""
    names = ", ".join(f"{low:g}–{high:g}" for low, high in sorted(ends))
    return f" Left out because the sample does not reach beyond them: {names} GeV; answers are pulled into it there."
