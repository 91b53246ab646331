from __future__ import annotations

import numpy as np
import pytest

from hitforge.report.page import _tables
from hitforge.report.results import RunResults, read_run
from tests.report.drawing import BARE, draw, method, points_of, results, section
from tests.report.tracking_run import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("tracks")))


def test_headline_is_in_percent(run: RunResults) -> None:
    (table,) = _tables(run, [section("tracking_efficiency"), section("trackml_score")])
    titles = ["efficiency", "technical efficiency", "fake rate", "duplicate rate", "TrackML score"]
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
        assert one.alt == f"{title} by method against pt, eta, phi"
        assert "pT > 1 GeV" in one.caption
        for axes, variable in zip(one.axes, ("pt", "eta", "phi"), strict=True):
            shown = points_of(axes)
            for method_, (_, y) in zip(run.methods, shown.values(), strict=True):
                table = method_.table(f"tracking_efficiency.{rate}_double_majority.{variable}")
                np.testing.assert_allclose(y, table["value"][table["n"] > 0])
    assert ">= 9 hits" in pictures[1].caption


def test_another_rule_is_drawn_where_the_usual_one_was_not_measured() -> None:
    table = {
        "low": [0.0, 1.0],
        "high": [1.0, 2.0],
        "value": [0.9, 0.8],
        "lo": [0.8, 0.7],
        "hi": [1.0, 0.9],
        "n": [9, 9],
    }
    run = results([method("one", {"tracking_efficiency.efficiency_lhc.pt": table}, efficiency_lhc=0.9)])
    (picture,) = draw("tracking_efficiency", run)["tracks"]
    assert picture.caption == "of a test; 68.3 % intervals."
    assert "lhc" in section("tracking_efficiency").headline(run).note


def test_nothing_measured_draws_nothing() -> None:
    assert draw("tracking_efficiency", BARE) == {}
    assert _tables(BARE, [section("tracking_efficiency")]) == []
