from __future__ import annotations

import numpy as np
import pytest

from hitforge.report.page import _tables
from hitforge.report.results import RunResults, read_run
from tests.report.drawing import BARE, draw, points_of, section
from tests.report.shower_run import make_run

RATES = ("efficiency", "particle_merge_rate", "split_rate", "fake_rate", "unmatched_rate", "merge_rate")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("showers"), 40))


def test_each_rate_is_drawn_with_its_own_numbers_and_definition(run: RunResults) -> None:
    pictures = draw("shower_efficiency", run)["showers"]
    titles = ["Efficiency", "Merged particles", "Split particles", "Fake showers", "Showers without match"]
    assert [one.alt for one in pictures] == [f"{title} by method" for title in [*titles, "Showers that merge"]]
    assert all("energy-weighted IoU" in one.caption for one in pictures)
    for one, rate in zip(pictures, RATES, strict=True):
        of_showers = rate in RATES[3:]
        assert one.axes[0].get_xlabel() == ("energy of the shower [GeV]" if of_showers else "true energy [GeV]")
        variables = ("energy",) if of_showers else ("energy", "nearest", "eta", "depth")
        drawn = [name for name in variables if len(run.methods[0].table(f"shower_efficiency.{rate}.{name}")["low"]) > 1]
        for axes, variable in zip(one.axes, drawn, strict=True):
            for method, (_, y) in zip(run.methods, points_of(axes).values(), strict=True):
                table = method.table(f"shower_efficiency.{rate}.{variable}")
                np.testing.assert_allclose(y, table["value"][table["n"] > 0])


def test_sections_of_showers_share_one_table(run: RunResults) -> None:
    names = ("average_precision", "shower_efficiency", "shower_response")
    (table,) = _tables(run, [section(name) for name in names])
    assert table["columns"][:3] == [f"AP at IoU {iou} [%]" for iou in (0.3, 0.5, 0.7)]
    assert table["columns"][3] == "efficiency [%]"
    assert table["columns"][-1] == "energy resolution [%]"
    assert table["note"] == (
        "AP: average precision over all scores; the rates hold for showers above a cut that stands under Metrics."
    )
    (one, first), (_, second) = table["rows"]
    assert first[1]["value"] == pytest.approx(100 * one.metric("ap_50")["value"])
    assert first[-1]["value"] == pytest.approx(100 * one.metric("response_sigma68")["value"])
    assert first[1]["value"] > second[1]["value"]


def test_nothing_measured_draws_nothing() -> None:
    assert draw("shower_efficiency", BARE) == {}
