"""Energy by method: resolution, response, errors, single predictions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from hitforge.report._binned import tables_of
from hitforge.report._energy import ENERGY, energy_axis, energy_points, histograms
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

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """Four of them."""
        yield Subsection("resolution", "Energy resolution", [_resolution(run.methods)], 30.0)
        yield Subsection("response", "Response and linearity", [_response(run.methods)], 40.0)
        yield Subsection("errors", "Relative error", [_errors(run.methods)], 50.0)
        yield Subsection("predictions", "Predictions", [_predictions(run.methods)], 80.0)


def _resolution(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw sigma68 of the energy against the energy with its fit, and the RMS."""
    found = tables_of(methods, "energy_resolution.bins")
    if not found:
        return None
    figure = new_figure(12.0, 5.4)
    left, right = figure.subplots(1, 2)
    for index, one, table in found:
        style = method_style(index)
        curve = one.table("energy_resolution.fit")
        terms = [one.metric(f"energy_{name}") for name in ("stochastic", "noise", "constant")]
        text = words(one.label, 34)
        if all(terms):
            s, n, c = (term["value"] for term in terms if term)
            text += f"\nS = {100 * s:.1f} % √GeV, N = {_energy(n)}, C = {100 * c:.2f} %"
        energy_points(left, index, table, "sigma68", 100.0, text)
        if curve:
            left.plot(curve["energy"], 100 * curve["sigma"], linewidth=1.2, **style)
        energy_points(right, index, table, "rms", 100.0, words(one.label, 34))
    energy_axis((left, right), [table for *_, table in found])
    left.set_ylabel(r"$\sigma_{68}\,/\,$median of predicted/true [%]")
    right.set_ylabel("RMS of predicted/true [%]")
    for axes in (left, right):
        axes.set_ylim(0, None)
        quiet(axes)
    left.legend(fontsize=9)
    right.legend(fontsize=9)
    return picture(
        figure,
        "Energy resolution against energy by method",
        "Left: half of the central 68.3 % of predicted/true over its median, and the fit "
        "σ² = S²/E + N²/E² + C². Right: RMS, which feels the tails. Intervals: 68.3 %, bootstrap.",
    )


def _response(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the mean of predicted over true against the energy, and its deviation from the mean over the bins."""
    found = tables_of(methods, "energy_resolution.bins")
    if not found:
        return None
    figure = new_figure(12.0, 4.4)
    left, right = figure.subplots(1, 2)
    for index, one, table in found:
        energy_points(left, index, table, "response", 1.0, words(one.label, 34))
        mean = float(np.mean(table["response"]))
        shifted = {name: table[name] / mean - 1.0 for name in ("response", "response_low", "response_high")}
        value = one.metric("energy_linearity")
        note = f"\nlargest {100 * value['value']:.2f} %" if value else ""
        energy_points(right, index, {**table, **shifted}, "response", 100.0, words(one.label, 34) + note)
    left.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--")
    right.axhline(0.0, color="#999999", linewidth=1.0, linestyle="--")
    energy_axis((left, right), [table for *_, table in found])
    left.set_ylabel("response, mean of predicted/true")
    right.set_ylabel("response / mean of the bins − 1 [%]")
    for axes in (left, right):
        quiet(axes)
        axes.legend(fontsize=9)
    return picture(
        figure, "Response and linearity against energy by method", "Left: response. Right: deviation from linearity."
    )


def _errors(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the histogram of the relative error, and its mean and RMS in fine bins of the energy."""
    found = tables_of(methods, "energy_resolution.histogram")
    profiles = tables_of(methods, "energy_resolution.profile")
    if not found:
        return None
    figure = new_figure(12.0, 4.4)
    left, right = figure.subplots(1, 2)
    histograms(left, found, 100.0)
    left.set(xlabel="(predicted − true) / true [%]", ylabel="share of the events in a bin [%]")
    right.axhline(0.0, color="#999999", linewidth=1.0, linestyle="--")
    for index, one, table in profiles:
        style = method_style(index)
        mean, rms = 100 * table["mean"], 100 * table["rms"]
        right.plot(table["centre"], mean, label=words(one.label, 34), marker=MARKERS[index % len(MARKERS)], **style)
        right.fill_between(table["centre"], mean - rms, mean + rms, color=style["color"], alpha=0.13, linewidth=0)
    right.set(xlabel=ENERGY, ylabel="mean ± RMS of the relative error [%]")
    for axes in (left, right):
        quiet(axes)
        axes.legend(fontsize=9)
    return picture(
        figure,
        "Relative error of the energy: histogram and profile",
        "Left: relative error on the whole sample; the outermost bins hold all beyond. Right: mean (points) and RMS "
        "(band) in bins of the true energy.",
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
    upper.legend(fontsize=9)
    quiet(upper)
    quiet(lower)
    return picture(
        figure,
        f"True and predicted energy of {len(true)} random events",
        f"{len(true)} random test events, the same for every method. The lower panel leaves out the worst 3 %.",
    )


def _energy(value: float) -> str:
    return f"{value:.2f} GeV" if value >= 1 else f"{1000 * value:.0f} MeV"
