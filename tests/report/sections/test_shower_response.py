from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from hitforge.report._binned import FEW
from hitforge.report.numbers import measured, rescaled
from hitforge.report.results import RunResults, read_run
from hitforge.report.sections import shower_response as module
from tests.report.drawing import BARE, draw, method, points_of, results, section, texts_of
from tests.report.shower_run import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("showers"), 96))


@pytest.fixture(scope="module")
def drawn(run: RunResults):
    return draw("shower_response", run)


def test_response_above_resolution_a_column_a_class(run: RunResults, drawn) -> None:
    (one,) = drawn["shower_response"]
    kinds = ("_electromagnetic", "_hadron")
    for row, column in enumerate(("median", "sigma68")):
        for axes, kind in zip(one.axes[2 * row : 2 * row + 2], kinds, strict=True):
            for result, (_, y) in zip(run.methods, points_of(axes).values(), strict=True):
                table = result.table(f"shower_response.response{kind}.energy")
                np.testing.assert_allclose(y, table[column][np.isfinite(table[column]) & (table["n"] > 0)])


def test_pairs_with_the_distance_at_which_half_are_found(run: RunResults, drawn) -> None:
    curves, grid = drawn["pairs"]
    titles = {
        "all pairs": "",
        "two electromagnetic": "_electromagnetic",
        "one of each": "_mixed",
        "two hadrons": "_hadron",
    }
    for axes in curves.axes:
        kind = titles[axes.get_title()]
        shown = points_of(axes)
        for result, (_, y) in zip(run.methods, shown.values(), strict=False):
            table = result.table(f"shower_response.both_found{kind}")
            np.testing.assert_allclose(y, table["value"][table["n"] >= FEW])
        lines = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
        halves = [value["value"] for one in run.methods if (value := one.metric(f"half_separation{kind}"))]
        assert lines == halves
    for axes, one in zip(grid.axes, run.methods, strict=True):
        table = one.table("shower_response.pairs")
        assert [text.split("^")[0] for text in texts_of(axes)] == [f"${100 * value:.0f}" for value in table["value"]]


def test_classes_stand_where_true_and_said_meet(run: RunResults, drawn) -> None:
    (one,) = drawn["shower_kinds"]
    table = run.methods[0].table("shower_response.confusion")
    axes = one.axes[0]
    places = {text.get_position(): text.get_text() for text in axes.texts}
    for true, said, share, count in zip(*(table[name] for name in ("true", "said", "share", "count")), strict=True):
        if said < 2:
            assert places[(said, true)] == f"{100 * share:.1f} %\n{int(count):,}"
            assert axes.images[0].get_array()[int(true), int(said)] == pytest.approx(share)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("found as", "true")


def test_a_method_that_does_not_know_the_class_is_not_in_the_confusion(run: RunResults) -> None:
    table = run.methods[0].table("shower_response.confusion")
    unknown = {**table, "count": np.where(table["said"] == 2, 9, 0)}
    assert draw("shower_response", results([method("a", {"shower_response.confusion": unknown})])) == {}


def test_nothing_measured_draws_nothing() -> None:
    assert draw("shower_response", BARE) == {}


def test_bins_of_several_methods_are_one_grid() -> None:
    tables = [{"low": np.array([0.0, 20.0]), "high": np.array([20.0, 30.0])}, {"low": np.array([10.0]),
              "high": np.array([20.0])}]  # fmt: skip
    assert module._bins(tables, "low", "high") == [(0.0, 20.0), (10.0, 20.0), (20.0, 30.0)]


def test_answer_says_resolution_response_and_the_paired_difference(run: RunResults) -> None:
    text = re.sub("<.*?>", "", section("shower_response").answer(run))
    width = rescaled(run.methods[0].metric("response_sigma68"), 100.0)
    away = rescaled(run.comparisons[0]["values"]["response_sigma68_difference"], -100.0)
    assert text.startswith(
        f"mask $transformer_1 measures the energy of the {width['n']} showers that match a particle with a "
        f"resolution of {measured(width)} %, at a median of {measured(run.methods[0].metric('response_median'))} times"
    )
    swapped = {"value": away["value"], "low": away["high"], "high": away["low"]}
    assert f"beside CLUE3D: {measured(swapped)} percentage points better." in text
    assert section("shower_response").answer(BARE) is None


def test_one_bin_of_energy_is_a_sentence(run: RunResults) -> None:
    tables = {name: {key: values[:1] for key, values in table.items()} if ".response" in name else table
              for name, table in run.methods[0].tables.items()}  # fmt: skip
    alone = results([replace(run.methods[0], tables=tables)])
    assert "shower_response" not in draw("shower_response", alone)
    first = next(iter(section("shower_response").subsections(alone)))
    assert first.note.startswith("Electromagnetic, resolution: enough events for one bin of energy alone: mask")
