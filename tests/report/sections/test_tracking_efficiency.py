from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from hitforge.report._binned import FEW
from hitforge.report.numbers import measured, rescaled
from hitforge.report.page import _tables
from hitforge.report.results import RunResults, read_run
from tests.report.drawing import BARE, draw, method, points_of, results, section
from tests.report.tracking_run import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("tracks")))


def test_headline_is_in_percent(run: RunResults) -> None:
    (table,) = _tables(run, [section("tracking_efficiency"), section("trackml_score")])
    titles = ["efficiency", "technical efficiency", "fake rate", "duplicate rate", "TrackML score, target"]
    assert table["columns"] == [f"{name} [%]" for name in titles]
    assert table["note"] == (
        "Matching: double majority; each number's cuts stand under Metrics, and under the pointer."
    )
    assert table["n"] is None
    for one, values in table["rows"]:
        own = one.metric("efficiency_double_majority")
        assert values[0]["value"] == pytest.approx(100 * own["value"])
        assert values[0]["low"] < values[0]["value"] < values[0]["high"]
    first, second = (values[0]["value"] for _, values in table["rows"])
    assert first > second


def test_each_rate_is_drawn_over_each_variable_with_its_own_numbers(run: RunResults) -> None:
    pictures = draw("tracking_efficiency", run)["tracks"]
    rates = ("efficiency", "technical_efficiency", "fake_rate", "duplicate_rate")
    titles = ("Efficiency", "Technical efficiency", "Fake rate", "Duplicate rate")
    for one, rate, title in zip(pictures, rates, titles, strict=True):
        assert one.alt.startswith(f"{title} by method. Against transverse momentum: graph $network_1 ")
        assert "pT > 1 GeV" in one.caption
        for axes, variable in zip(one.axes, ("pt", "eta", "phi"), strict=True):
            shown = points_of(axes)
            for method_, (_, y) in zip(run.methods, shown.values(), strict=True):
                table = method_.table(f"tracking_efficiency.{rate}_double_majority.{variable}")
                np.testing.assert_allclose(y, table["value"][table["n"] >= FEW])
    assert ">= 9 hits" in pictures[1].caption


def test_another_rule_is_drawn_where_the_usual_one_was_not_measured() -> None:
    table = {
        "low": [0.0, 1.0],
        "high": [1.0, 2.0],
        "value": [0.9, 0.8],
        "lo": [0.8, 0.7],
        "hi": [1.0, 0.9],
        "n": [90, 90],
    }
    run = results([method("one", {"tracking_efficiency.efficiency_lhc.pt": table}, efficiency_lhc=0.9)])
    (picture,) = draw("tracking_efficiency", run)["tracks"]
    assert picture.caption == "of a test; 68.3 % intervals."
    assert "lhc" in section("tracking_efficiency").headline(run).note


def test_nothing_measured_draws_nothing() -> None:
    assert draw("tracking_efficiency", BARE) == {}
    assert _tables(BARE, [section("tracking_efficiency")]) == []


def test_bins_of_few_entries_are_left_out_and_said(run: RunResults) -> None:
    (part,) = section("tracking_efficiency").subsections(run)
    assert "Left out: 1 bin with fewer than 10 entries" in part.pictures[0].caption
    assert "radius of production, where fewer than two bins have 10 entries" in part.pictures[0].caption
    assert part.data[0] == "tracking_efficiency.efficiency_double_majority.pt"
    assert len(part.data) == 16


def test_rates_without_a_bin_of_enough_entries_have_a_sentence() -> None:
    table = {
        "low": [0.0, 1.0],
        "high": [1.0, 2.0],
        "value": [0.9, 0.8],
        "lo": [0.8, 0.7],
        "hi": [1.0, 0.9],
        "n": [3, 4],
    }
    run = results([method("one", {"tracking_efficiency.efficiency_lhc.pt": table}, efficiency_lhc=0.9)])
    (part,) = section("tracking_efficiency").subsections(run)
    assert not part.pictures
    assert part.note == (
        "Efficiency: no picture. Left out: transverse momentum, where fewer than two bins have 10 entries."
    )


def test_answer_says_what_is_found_inside_the_cuts_and_what_is_fake(run: RunResults) -> None:
    text = re.sub("<.*?>", "", section("tracking_efficiency").answer(run))
    found, fakes = (run.methods[0].metric(f"{name}_double_majority") for name in ("efficiency", "fake_rate"))
    away = rescaled(run.comparisons[0]["values"]["efficiency_double_majority_difference"], 100.0)
    assert text.startswith(
        f"Of {found['n']} charged particles with pT &gt; 1 GeV, |η| &lt; 2.5, ≥ 3 hits, graph $network_1 finds "
        f"{measured(rescaled(found, 100.0))} %; {measured(rescaled(fakes, 100.0))} % of its {fakes['n']} tracks are "
        f"fakes. On the same events, beside Kalman filter: {measured(away)} percentage points better in efficiency and "
    )
    (one,) = draw("tracking_efficiency", run)["answer"]
    assert [axes.get_xlabel().partition(" [")[0] for axes in one.axes] == ["efficiency", "fake rate"]
    assert section("tracking_efficiency").answer(BARE) is None


def test_a_better_kalman_filter_is_said_to_be_better(run: RunResults) -> None:
    swapped = [{"first": "Kalman filter", "second": "graph $network_1", "values": run.comparisons[0]["values"]}]
    first, second = run.methods
    methods = (replace(second, kind="network"), replace(first, kind="baseline"))
    values = {name: {**value, "value": -value["value"], "low": -value["high"], "high": -value["low"]}
              for name, value in swapped[0]["values"].items()}  # fmt: skip
    text = section("tracking_efficiency").answer(
        replace(run, methods=methods, comparisons=({**swapped[0], "values": values},))
    )
    assert "The classical algorithm <b>graph $network_1</b> is better in efficiency." in text
