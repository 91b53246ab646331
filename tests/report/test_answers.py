"""Answers at the top of the page: what differs is said with its interval, and who is better by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitforge.report._answers import (
    MAX_METHODS,
    Difference,
    Told,
    compared,
    counted,
    dots,
    first_with,
    listed,
    paired_with,
    shared_picture,
    verdict,
)
from hitforge.report.results import MethodResult, RunResults
from hitforge.report.style import look
from tests.report.drawing import method, results, texts_of

ERROR = Told("error", "energy, error")
RATE = Told("rate", "rate of hits", "hits", "", 1.0, "max")


def value(number: float, width: float = 0.0012) -> dict[str, Any]:
    return {"value": number, "low": number - width, "high": number + width}


def pair(second: str, **numbers: dict[str, Any]) -> dict[str, Any]:
    return {"first": "net", "second": second, "values": {f"{name}_difference": one for name, one in numbers.items()}}


def run_of(*pairs: dict[str, Any], kinds: tuple[str, ...] = ("baseline", "comparison")) -> RunResults:
    others = [replace(method(one, error=0.3, rate=0.4), kind=kind) for one, kind in zip("ab", kinds, strict=True)]
    return results([method("net", error=0.2, rate=0.5), *others], comparisons=pairs)


def test_numbers_are_told_in_their_unit() -> None:
    one = method("net", error=0.2)
    assert ERROR.of(one)["value"] == pytest.approx(20.0)
    assert ERROR.text(ERROR.of(one)) == "20.0 ± 1.0 %"
    assert ERROR.bold(ERROR.of(one)) == '<b class="number">20.0 ± 1.0 %</b>'
    assert RATE.of(one) is None
    assert counted({"n": 12345}) == "On 12,345 test events, "
    assert counted({}) == ""


def test_the_first_method_that_has_a_number_answers() -> None:
    run = results([method("silent"), method("net", error=0.2)])
    assert first_with(run, "error")[0].label == "net"
    assert first_with(run, "rate") is None


def test_a_difference_is_clear_from_twice_its_interval_on() -> None:
    for number, width, is_clear in ((0.03, 0.01, True), (-0.03, 0.01, True), (0.015, 0.01, False), (0.0, 0.0, False)):
        assert Difference("a", value(number, width), {}).is_clear is is_clear
    lopsided = {"value": -0.03, "low": -0.2, "high": -0.02}  # the side of zero counts
    assert Difference("a", lopsided, {}).is_clear
    assert Difference("a", lopsided, {}).size == {"value": 0.03, "low": 0.02, "high": 0.2}


def test_less_is_better_or_worse_as_the_number_has_it() -> None:
    run = run_of(pair("a", error=value(-0.1), rate=value(-0.1)), pair("b", error=value(0.0004)))
    assert compared(run, run.methods[0], (ERROR,)) == (
        ' On the same events, beside a: <b class="number">10.00 ± 0.12</b> percentage points better; '
        'beside b: not told apart (<span class="number">0.04 ± 0.12</span> percentage points worse).'
    )
    text = compared(run, run.methods[0], (RATE,))
    assert '<b class="number">0.1000 ± 0.0012</b> worse in hits' in text
    assert "b, without a paired test: " in text


def test_a_classical_algorithm_that_is_better_is_named_and_another_network_is_not() -> None:
    both = {"error": value(0.1), "rate": value(-0.1)}
    run = run_of(pair("a", **both), pair("b", **both))
    numbers = (replace(ERROR, within="energy"), RATE)
    assert verdict(run, run.methods[0], (ERROR,)) == " The classical algorithm <b>a</b> is better."
    assert verdict(run, run.methods[0], numbers) == " The classical algorithm <b>a</b> is better in energy and hits."
    run = run_of(pair("a", **both), pair("b", **both), kinds=("baseline", "baseline"))
    assert verdict(run, run.methods[0], (ERROR,)) == " The classical algorithms <b>a</b> and <b>b</b> are better."
    within = run_of(pair("a", error=value(0.1, 0.08)), pair("b", error=value(-0.1)))
    assert verdict(within, within.methods[0], (ERROR,)) == ""
    assert compared(run, run.methods[0], (ERROR,)).startswith(verdict(run, run.methods[0], (ERROR,)))


def test_no_difference_at_all_is_the_same() -> None:
    run = run_of(pair("a", rate=value(0.0, 0.0)))
    assert "beside a: the same in hits" in compared(run, run.methods[0], (RATE,))


def test_many_methods_are_cut_and_many_differences_stand_small() -> None:
    names = [f"m{place}" for place in range(MAX_METHODS + 2)]
    methods = [method("net", error=0.2), *(method(name, error=0.3) for name in names)]
    run = results(methods, comparisons=[pair(name, error=value(-0.1)) for name in names])
    text = compared(run, methods[0], (ERROR,))
    assert f"beside {names[MAX_METHODS - 1]}" in text
    assert f"beside {names[MAX_METHODS]}" not in text
    assert "; 2 more under Paired tests." in text
    assert text.startswith("<small>")
    assert "<small>" not in compared(run_of(pair("a", error=value(0.1))), run_of().methods[0], (ERROR,))


def test_names_are_escaped() -> None:
    run = results([method("net", error=0.2), method("<i>", error=0.3)], comparisons=[pair("<i>", error=value(0.1))])
    assert "<i>" not in compared(run, run.methods[0], (ERROR,))
    assert listed(["<", ">"]) == "&lt; and &gt;"


def test_alone_nothing_is_compared() -> None:
    run = results([method("net", error=0.2)])
    assert compared(run, run.methods[0], (ERROR,)) == ""
    assert paired_with(run, run.methods[0], "error") == []


def test_dots_stand_at_the_numbers_a_panel_each() -> None:
    methods = [method("net", error=0.2, rate=0.5), method("silent"), method("half", rate=0.4)]
    with look():
        picture = dots(methods, (ERROR, RATE, Told("absent", "absent")))
    left, right = picture.figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["net", "half"]
    assert [float(one.lines[0].get_xdata()[0]) for one in right.containers] == [0.5, 0.4]
    assert (left.get_xlabel(), right.get_xlabel()) == (
        "energy, error [%]\n(less is better)", "rate of hits\n(more is better)"
    )  # fmt: skip
    assert texts_of(left) == ["20.0 ± 1.0"]
    for text in ("energy, error: net 20.0 ± 1.0 %", "rate of hits: net 0.500 ± 0.010, half 0.400 ± 0.010"):
        assert text in picture.alt
    assert dots([MethodResult("bare", "network", {}, {}, {})], (ERROR,)) is None


def test_the_best_method_stands_first_in_a_picture_of_numbers() -> None:
    methods = [method("net", error=0.2, rate=0.9), method("sum", error=0.1, rate=0.5), method("none", rate=0.7)]
    methods = [replace(one, kind="baseline") if one.label == "sum" else one for one in methods]
    with look():
        pictures = [dots(methods, numbers) for numbers in ((ERROR, RATE), (RATE, ERROR))]
    names = [[text.get_text() for text in one.figure.axes[0].get_yticklabels()] for one in pictures]
    assert names == [["sum", "net", "none"], ["net", "none", "sum"]]


def test_errors_below_zero_and_shares_above_all_have_no_tick() -> None:
    with look():
        picture = dots([method("net", error=0.02), method("b", error=0.99)], (ERROR,))
    ticks = picture.figure.axes[0].xaxis.get_major_formatter()
    assert [ticks(tick, 0) for tick in (-10.0, 0.0, 50.0, 100.0, 120.0)] == ["", "0", "50", "100", ""]


def test_sections_share_a_picture_in_the_first_that_measured() -> None:
    run = results([method("net", rate=0.5)])
    answers = {"first": (ERROR,), "second": (RATE,), "third": (RATE,)}
    with look():
        assert [bool(shared_picture(run, answers, name)) for name in answers] == [False, True, False]


def test_more_than_four_numbers_stand_in_two_lines_so_that_theirs_fit_their_panels() -> None:
    numbers = [Told(f"n{place}", f"n{place}") for place in range(5)]
    methods = [method(name, **{told.name: size for told in numbers}) for name, size in (("net", 0.2), ("b", 0.8))]
    with look():
        picture = dots(methods, numbers)
    picture.figure.draw_without_rendering()
    tops = [round(axes.get_position().y1, 3) for axes in picture.figure.axes if axes.axison]
    assert tops[0] == tops[2] > tops[3] == tops[4]
    for axes in picture.figure.axes[:5]:
        for text in axes.texts:
            box = text.get_window_extent()
            assert axes.bbox.x0 < box.x0 < box.x1 < axes.bbox.x1
