"""Energy, position and direction by method: table, resolution, response, errors, predictions; ROC by class."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from hitforge.report.numbers import measured
from hitforge.report.results import MethodResult
from hitforge.report.style import MARKERS, Picture, class_colour, method_style, new_figure, picture, quiet, words

Array = NDArray[Any]
_COLUMNS = (
    ("energy_error", "energy, relative error [%]", 100.0),
    ("energy_sigma68", "energy, σ68 [%]", 100.0),
    ("barycentre_x_error", "barycentre x [cm]", 0.1),
    ("barycentre_y_error", "barycentre y [cm]", 0.1),
    ("barycentre_z_error", "barycentre z [cm]", 0.1),
    ("direction_error", "direction [mrad]", 1.0),
)
_ENERGY = "true energy [GeV]"
_RATIO = re.compile(r"(.+)_ratio_([0-9.e+]+)_([0-9.e+]+)")
_RATIOS = {
    "energy_sigma68": r"$\sigma_{68}$ of the energy",
    "barycentre_x_error": "error of x",
    "barycentre_y_error": "error of y",
    "barycentre_z_error": "error of z",
    "direction_error": "error of the direction",
}


def headline_table(methods: Sequence[MethodResult]) -> dict[str, Any] | None:
    """Return the errors by method: ``columns`` (names), ``rows`` (method, values in those units), ``note``."""
    found = [column for column in _COLUMNS if any(one.metric(column[0]) for one in methods)]
    if not found:
        return None
    rows = [(one, [_scaled(one.metric(name), factor) for name, _, factor in found]) for one in methods]
    first = next(value for _, values in rows for value in values if value)
    return {
        "columns": [title for _, title, _ in found],
        "rows": [row for row in rows if any(row[1])],
        "n": first.get("n"),
        "note": "Energy: mean absolute relative error; barycentre: mean absolute error; direction: mean angle.",
    }


def is_bin_ratio(name: str) -> bool:
    """Return whether a paired test is a ratio in one bin, which is drawn and not listed."""
    return _RATIO.fullmatch(name) is not None


def resolution(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw sigma68 of the energy against the energy with its fit, and the RMS."""
    found = _with_table(methods, "energy_resolution.bins")
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
        points(left, index, table, "sigma68", 100.0, text)
        if curve:
            left.plot(curve["energy"], 100 * curve["sigma"], linewidth=1.2, **style)
        points(right, index, table, "rms", 100.0, words(one.label, 34))
    _energy_axis((left, right), [table for *_, table in found])
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


def response(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the mean of predicted over true against the energy, and its deviation from the mean over the bins."""
    found = _with_table(methods, "energy_resolution.bins")
    if not found:
        return None
    figure = new_figure(12.0, 4.4)
    left, right = figure.subplots(1, 2)
    for index, one, table in found:
        points(left, index, table, "response", 1.0, words(one.label, 34))
        mean = float(np.mean(table["response"]))
        shifted = {name: table[name] / mean - 1.0 for name in ("response", "response_low", "response_high")}
        value = one.metric("energy_linearity")
        note = f"\nlargest {100 * value['value']:.2f} %" if value else ""
        points(right, index, {**table, **shifted}, "response", 100.0, words(one.label, 34) + note)
    left.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--")
    right.axhline(0.0, color="#999999", linewidth=1.0, linestyle="--")
    _energy_axis((left, right), [table for *_, table in found])
    left.set_ylabel("response, mean of predicted/true")
    right.set_ylabel("response / mean of the bins − 1 [%]")
    for axes in (left, right):
        quiet(axes)
        axes.legend(fontsize=9)
    return picture(
        figure, "Response and linearity against energy by method", "Left: response. Right: deviation from linearity."
    )


def errors(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the histogram of the relative error, and its mean and RMS in fine bins of the energy."""
    found = _with_table(methods, "energy_resolution.histogram")
    profiles = _with_table(methods, "energy_resolution.profile")
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
    right.set(xlabel=_ENERGY, ylabel="mean ± RMS of the relative error [%]")
    for axes in (left, right):
        quiet(axes)
        axes.legend(fontsize=9)
    return picture(
        figure,
        "Relative error of the energy: histogram and profile",
        "Left: relative error on the whole sample; the outermost bins hold all beyond. Right: mean (points) and RMS "
        "(band) in bins of the true energy.",
    )


def position(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the error of each coordinate of the barycentre against the energy, and the histogram of it."""
    axes_of = [axis for axis in "xyz" if _with_table(methods, f"position_resolution.histogram_{axis}")]
    if not axes_of:
        return None
    figure = new_figure(4.6 * len(axes_of), 7.4)
    grid = figure.subplots(2, len(axes_of), squeeze=False)
    for upper, lower, axis in zip(*grid, axes_of, strict=True):
        binned = _with_table(methods, f"position_resolution.barycentre_{axis}")
        for index, one, table in binned:
            points(upper, index, table, "error", 1.0, words(one.label, 26))
        if binned:
            _energy_axis((upper,), [table for *_, table in binned])
            upper.set(ylabel=f"mean |predicted − true| of {axis} [mm]")
            upper.set_ylim(0, None)
        histograms(lower, _with_table(methods, f"position_resolution.histogram_{axis}"), 1.0)
        lower.set(xlabel=f"predicted − true {axis} [mm]", ylabel="share of the events in a bin [%]")
        quiet(upper)
        quiet(lower)
    names = grid[0, 0].get_legend_handles_labels()
    if names[1]:  # inside, the names of many methods would cover the points
        figure.legend(*names, loc="outside lower center", ncols=min(len(names[1]), 6), fontsize=9)
    return picture(
        figure,
        "Error of the barycentre by coordinate and method",
        "Mean absolute error in bins of the true energy with 68.3 % intervals, and the distribution of the error. "
        "The true barycentre is the energy-weighted mean of the particle's deposits.",
    )


def direction(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the mean angle between true and predicted direction against the energy."""
    found = _with_table(methods, "direction_resolution.bins")
    if not found:
        return None
    figure = new_figure(7.0, 4.6)
    axes = figure.subplots()
    for index, one, table in found:
        value = one.metric("direction_error")
        note = f", all: {measured(value)} mrad" if value else ""
        points(axes, index, table, "error", 1.0, words(one.label, 34) + note)
    _energy_axis((axes,), [table for *_, table in found])
    axes.set(ylabel="mean angle to the true direction [mrad]")
    axes.set_ylim(0, None)
    axes.legend(fontsize=9)
    quiet(axes)
    return picture(figure, "Error of the direction against energy", "Intervals: 68.3 %, bootstrap.")


def predictions(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw true and predicted energy of random events, by rising energy, and the relative error of each."""
    found = _with_table(methods, "energy_resolution.examples")
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


def paired(comparisons: Sequence[dict[str, Any]], methods: Sequence[MethodResult]) -> list[Picture]:
    """Draw the ratios of paired tests in bins of the energy, a picture a method that comes first."""
    firsts = dict.fromkeys(pair["first"] for pair in comparisons if any(map(is_bin_ratio, pair["values"])))
    return [_paired([pair for pair in comparisons if pair["first"] == one], methods) for one in firsts]


def _paired(comparisons: Sequence[dict[str, Any]], methods: Sequence[MethodResult]) -> Picture:
    labels = [one.label for one in methods]
    rows: dict[str, list[tuple[int, str, list[tuple[float, float, dict[str, Any]]]]]] = {}
    for pair in comparisons:
        bins: dict[str, list[tuple[float, float, dict[str, Any]]]] = {}
        for name, value in pair["values"].items():
            match = _RATIO.fullmatch(name)
            if match:
                bins.setdefault(match[1], []).append((float(match[2]), float(match[3]), value))
        index = labels.index(pair["second"]) if pair["second"] in labels else len(labels)
        for name, content in bins.items():
            rows.setdefault(name, []).append((index, pair["second"], sorted(content, key=lambda row: row[0])))
    count = len(rows)
    columns = min(count, 3)
    lines = -(-count // columns)
    figure = new_figure(max(4.6 * columns, 7.0), 3.9 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    for number, (axes, (name, found)) in enumerate(zip(grid, rows.items(), strict=False)):
        for index, label, content in found:
            low, high, value = (np.array(part) for part in zip(*content, strict=True))
            table = {"low": low, "high": high, "centre": np.sqrt(np.maximum(low, 0.3 * high) * high)}
            table |= {f"v{end}": np.array([one[key] for one in value]) for end, key in _ENDS}
            points(axes, index, table, "v", 1.0, words(label, 34))
        axes.axhline(1.0, color="#999999", linewidth=1.0, linestyle="--")
        axes.set(xlabel=_ENERGY, ylabel=f"{_RATIOS.get(name, words(name))}, ratio")
        if not number:
            axes.legend(fontsize=9)
        quiet(axes)
    first = comparisons[0]["first"]
    return picture(
        figure,
        f"{first} over each other method, in bins of energy",
        f"{first} over the method of the legend, on the same events; below 1 it is better. Paired bootstrap, 68.3 %.",
    )


def class_roc(methods: Sequence[MethodResult]) -> Picture | None:
    """Draw the ROC of each class against the rest, where there are more than two."""
    prefix = "class_roc."
    names = [name for one in methods for name in one.tables if name.startswith(prefix)]
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
        for index, one, table in _with_table(methods, prefix + kind):
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
    return picture(
        figure, "ROC of each class against the rest", "Rejection: one over the share of the other classes that pass."
    )


_ENDS = (("", "value"), ("_low", "low"), ("_high", "high"))


def points(axes: Axes, index: int, table: dict[str, Array], name: str, factor: float, label: str) -> None:
    """Draw a column of a table with bins and its interval against the energy."""
    x, y = table["centre"], factor * table[name]
    ends = [factor * table.get(f"{name}_{end}", table[name]) for end in ("low", "high")]
    axes.errorbar(
        x,
        y,
        xerr=np.maximum([x - table["low"], table["high"] - x], 0.0),
        yerr=np.maximum([y - ends[0], ends[1] - y], 0.0),
        fmt=MARKERS[index % len(MARKERS)],
        markersize=4.5,
        linewidth=1.1,
        color=method_style(index)["color"],
        label=label,
    )


def histograms(axes: Axes, found: Sequence[tuple[int, MethodResult, dict[str, Array]]], factor: float) -> None:
    """Draw shares of the events by error, and cut the axis where nearly all events lie."""
    reach = 0.0
    for index, one, table in found:
        count = table["count"]
        edges = factor * np.append(table["low"], table["high"][-1])
        share = 100 * count / max(float(count.sum()), 1.0)
        axes.stairs(share, edges, label=words(one.label, 34), linewidth=1.5, **method_style(index))
        centre = np.abs(0.5 * (edges[1:] + edges[:-1]))
        rising = np.argsort(centre)
        outside = np.searchsorted(np.cumsum(share[rising]), 97.0)
        reach = max(reach, 1.25 * float(centre[rising][min(int(outside), len(centre) - 1)]))
    axes.set_xlim(-reach, reach)


def _with_table(methods: Sequence[MethodResult], name: str) -> list[tuple[int, MethodResult, dict[str, Array]]]:
    rows = [(index, one, one.table(name)) for index, one in enumerate(methods)]
    return [row for row in rows if any(len(column) for column in row[2].values())]


def _energy_axis(panels: Sequence[Axes], tables: Sequence[dict[str, Array]]) -> None:
    """Label the energy, on a logarithmic axis where it spans more than a factor of 20."""
    low = min(float(table["low"].min()) for table in tables)
    high = max(float(table["high"].max()) for table in tables)
    for axes in panels:
        axes.set_xlabel(_ENERGY)
        if low > 0 and high > 20 * low:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(_plain)


_plain: Callable[[float, Any], str] = lambda value, _: f"{value:g}"  # noqa: E731


def _energy(value: float) -> str:
    return f"{value:.2f} GeV" if value >= 1 else f"{1000 * value:.0f} MeV"


def _scaled(value: dict[str, Any] | None, factor: float) -> Any:
    if value is None:
        return None
    ends = {key: factor * value[key] for key in ("value", "low", "high") if value.get(key) is not None}
    return {**value, **ends}
