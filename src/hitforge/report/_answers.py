"""What the answers at the top of the page share: numbers beside those of other methods, as sentences and as points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup
from matplotlib.axes import Axes

from hitforge.report.numbers import measured, plain, rescaled
from hitforge.report.results import MethodResult, Number, RunResults
from hitforge.report.style import MARKERS, Picture, method_style, new_figure, picture, quiet, words

MAX_METHODS = 5
"""Methods that a sentence compares with; all stand in the table of paired tests."""
_LONG = 4  # differences that are read beside the main number; more stand smaller
_ACROSS = 4  # numbers that stand beside each other in a picture
_SIGMAS = 2.0  # a difference of fewer is none
_BOLD = Markup('<b class="number">{}</b>')
_UNBROKEN = Markup('<span class="number">{}</span>')


@dataclass(frozen=True)
class Told:
    """A number of a metric that an answer tells.

    Attributes:
        name: In ``metrics.json``, without split.
        title: On an axis.
        within: What it is a number of in a sentence, such as ``efficiency``; empty where an answer has no other.
        unit: As it is read; empty for none.
        factor: Turns the number into its unit.
        better: Whether more or less of it is better.
    """

    name: str
    title: str
    within: str = ""
    unit: str = "%"
    factor: float = 100.0
    better: Literal["min", "max"] = "min"

    def of(self, one: MethodResult) -> Number | None:
        """Return the number of a method in its unit; None where it has none."""
        return rescaled(one.metric(self.name), self.factor)

    def text(self, value: Mapping[str, Any]) -> str:
        """Write a value in the unit, with its interval."""
        return f"{measured(value)} {self.unit}".rstrip()

    def bold(self, value: Mapping[str, Any]) -> Markup:
        """Write the same in bold."""
        return _BOLD.format(self.text(value))


@dataclass(frozen=True)
class Difference:
    """How far a method lies from another one, on the same events.

    Attributes:
        second: Label of the other one.
        value: First minus second, with its interval.
        values: All that the two were compared in.
    """

    second: str
    value: Number
    values: Mapping[str, Number]

    @property
    def is_clear(self) -> bool:
        """Whether it is more than twice the interval on the side of zero."""
        value = float(self.value["value"])
        near = float(self.value.get("low" if value > 0 else "high", value))
        return abs(value) > _SIGMAS * abs(value - near)

    @property
    def size(self) -> Number:
        """The difference without its sign."""
        if self.value["value"] >= 0:
            return self.value
        ends = {"value": "value", "low": "high", "high": "low"}
        return {key: -self.value[other] for key, other in ends.items() if other in self.value}


def unbroken(text: str) -> Markup:
    """Return a number that stays on one line."""
    return _UNBROKEN.format(text)


def first_with(run: RunResults, name: str) -> tuple[MethodResult, Number] | None:
    """Return the first method that has a number, and the number."""
    return next(((one, value) for one in run.methods if (value := one.metric(name))), None)


def paired_with(run: RunResults, one: MethodResult, name: str) -> list[Difference]:
    """Return how far a number of a method lies from that of each method that it was compared with."""
    pairs = [pair for pair in run.comparisons if pair["first"] == one.label]
    return [
        Difference(str(pair["second"]), value, pair["values"])
        for pair in pairs
        if (value := pair["values"].get(f"{name}_difference")) and value.get("value") is not None
    ]


def counted(value: Number, what: str = "test events") -> str:
    """Begin a sentence with what a number was measured on."""
    return f"On {plain(value['n'])} {what}, " if value.get("n") else ""


def compared(run: RunResults, one: MethodResult, numbers: Sequence[Told]) -> Markup:
    """Say, in sentences that begin with a space, how far a method lies from each other one; nothing if it is alone.

    A classical algorithm that is better is named first. A difference of less than twice its interval is called none.
    """
    found = _pairs(run, one, numbers)
    others = [other for other in run.methods if other is not one and any(told.of(other) for told in numbers)]
    paired = [other for other in others if any(other.label in pairs for pairs in found.values())]
    unpaired = [other for other in others if other not in paired]
    clauses = []
    for other in paired[:MAX_METHODS]:
        parts = [_distance(told, pairs[other.label]) for told, pairs in found.items() if other.label in pairs]
        clauses.append(Markup("beside {}: {}").format(other.label, listed(parts)))
    text = Markup("")
    if clauses:
        rest = len(paired) - MAX_METHODS
        more = f"; {plain(rest)} more under Paired tests" if rest > 0 else ""
        text += Markup(" On the same events, {}{}.").format(Markup("; ").join(clauses), more)
    for other in unpaired[: MAX_METHODS - len(clauses)]:
        parts = [_has(told, value) for told in numbers if (value := told.of(other))]
        text += Markup(" {}, without a paired test: {}.").format(other.label, listed(parts))
    if len(clauses) * len(numbers) > _LONG:
        text = Markup("<small>{}</small>").format(text)
    return verdict(run, one, numbers) + text


def _pairs(run: RunResults, one: MethodResult, numbers: Sequence[Told]) -> dict[Told, dict[str, Difference]]:
    return {told: {pair.second: pair for pair in paired_with(run, one, told.name)} for told in numbers}


def _distance(told: Told, pair: Difference) -> Markup:
    size = {**pair.size, **(rescaled(pair.size, told.factor) or {})}
    unit = "percentage points" if told.unit == "%" else told.unit
    is_better = (pair.value["value"] < 0) == (told.better == "min")
    side = "" if pair.value["value"] == 0 else " better" if is_better else " worse"
    if pair.value["value"] == pair.value.get("low") == pair.value.get("high") == 0:
        return Markup("the same{}").format(f" in {told.within}" if told.within else "")
    step, where = f" {unit}".rstrip() + side, f" in {told.within}" if told.within else ""
    if pair.is_clear:
        return _BOLD.format(measured(size)) + step + where
    return Markup("not told apart{} ({}{})").format(where, unbroken(measured(size)), step)


def _has(told: Told, value: Number) -> Markup:
    return told.bold(value) + (f" in {told.within}" if told.within else "")


def verdict(run: RunResults, one: MethodResult, numbers: Sequence[Told]) -> Markup:
    """Name, in sentences that begin with a space, the classical algorithms that are better than a network."""
    better: dict[tuple[str, ...], list[Markup]] = {}
    found = _pairs(run, one, numbers)
    for other in run.methods if one.kind == "network" else ():
        worse = tuple(
            told.within
            for told, pairs in found.items()
            if (pair := pairs.get(other.label))
            and pair.is_clear
            and (pair.value["value"] > 0) == (told.better == "min")
        )
        if other.kind == "baseline" and worse:
            better.setdefault(worse, []).append(Markup("<b>{}</b>").format(other.label))
    text = Markup("")
    for worse, names in better.items():
        who = "algorithm {} is" if len(names) == 1 else "algorithms {} are"
        where = Markup(" in {}").format(listed(worse)) if all(worse) else ""
        text += Markup(f" The classical {who} better{{}}.").format(listed(names), where)
    return text


def listed(parts: Sequence[str]) -> Any:
    """Join words or marked-up text by commas, the last by "and"."""
    whole = Markup(", ").join(parts[:-1])
    return Markup(" and ").join([whole, parts[-1]]) if whole else parts[-1] if parts else Markup("")


def shared_picture(run: RunResults, answers: Mapping[str, Sequence[Told]], section: str) -> Picture | None:
    """Draw the numbers of some sections together, in the first of these that has one."""
    first = next((name for name, numbers in answers.items() if any(first_with(run, told.name) for told in numbers)), "")
    return dots(run.methods, [told for numbers in answers.values() for told in numbers]) if section == first else None


def dots(methods: Sequence[MethodResult], numbers: Sequence[Told]) -> Picture | None:
    """Draw numbers of each method with their intervals, a panel each; None where no method has any.

    The method that is best in the first number stands first, be it a network or a classical algorithm.
    """
    shown = [told for told in numbers if any(told.of(one) for one in methods)]
    rows = [(index, one) for index, one in enumerate(methods) if any(told.of(one) for told in shown)]
    if not shown:
        return None
    rows.sort(key=lambda row: _place(shown[0], row[1]))
    columns = len(shown) if len(shown) <= _ACROSS else -(-len(shown) // 2)
    lines = -(-len(shown) // columns)
    width = 8.0 if len(shown) == 1 else min(2.0 + 2.7 * columns, 11.0)
    figure = new_figure(width, lines * (1.05 + 0.46 * len(rows)))
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for spare in grid[len(shown) :]:
        spare.set_axis_off()
    for axes, told in zip(grid, shown, strict=False):
        _panel(axes, rows, told, alone=len(shown) == 1)
    grid[0].set_ylim(len(rows) - 0.4, -0.6)
    grid[0].set_yticks(range(len(rows)), [words(one.label, 30) for _, one in rows])
    alt = "; ".join(f"{told.title}: {_all(told, rows)}" for told in shown)
    return picture(figure, f"Main numbers by method, with 68.3 % intervals. {alt}.", "")


def _place(told: Told, one: MethodResult) -> float:
    """Low for methods that are good in a number; those without it come last."""
    value = told.of(one)
    return math.inf if value is None else float(value["value"]) * (1 if told.better == "min" else -1)


def _panel(axes: Axes, rows: Sequence[tuple[int, MethodResult]], told: Told, *, alone: bool) -> None:
    low, high = [], []
    for row, (index, one) in enumerate(rows):
        value = told.of(one)
        if value is None:
            continue
        number = value["value"]
        ends = value.get("low", number), value.get("high", number)
        axes.errorbar(
            number,
            row,
            xerr=[[max(number - ends[0], 0.0)], [max(ends[1] - number, 0.0)]],
            fmt=MARKERS[index % len(MARKERS)],
            capsize=3,
            markersize=7,
            color=method_style(index)["color"],
        )
        place: dict[str, Any] = {"textcoords": "offset points", "fontsize": 10 if alone else 9}
        if alone:
            axes.annotate(measured(value), (ends[1], row), (8, 0), va="center", **place)
        else:
            axes.annotate(measured(value), (number, row), (0, 6), ha="center", va="bottom", **place)
        low.append(min(ends[0], number))
        high.append(max(ends[1], number))
    span = max(max(high) - min(low), 0.005 * max(abs(max(high)), abs(min(low))), 1e-12)
    axes.set_xlim(min(low) - (0.12 if alone else 0.95) * span, max(high) + (0.45 if alone else 0.95) * span)
    axes.tick_params(axis="y", which="both", length=0)
    least, most = (0.0 if min(low) >= 0 else -math.inf), (100.0 if told.unit == "%" and max(high) <= 100 else math.inf)
    axes.xaxis.set_major_formatter(lambda tick, _: f"{tick:g}" if least - 1e-9 <= tick <= most + 1e-9 else "")
    unit, more = f" [{told.unit}]" if told.unit else "", "more" if told.better == "max" else "less"
    axes.set_xlabel(f"{told.title}{unit}\n({more} is better)", fontsize=11 if alone else 10)
    quiet(axes)
    axes.grid(False, axis="y")


def _all(told: Told, rows: Sequence[tuple[int, MethodResult]]) -> str:
    return ", ".join(f"{one.label} {told.text(value)}" for _, one in rows if (value := told.of(one)))
