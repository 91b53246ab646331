from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from hitforge.report._binned import FEW
from hitforge.report.numbers import measured, rescaled
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
    titles = ["Efficiency", "Merged particles", "Split particles", "Showers without match", "Showers that merge"]
    assert [one.alt.partition(". ")[0] for one in pictures] == [f"{title} by method" for title in titles]
    assert all("energy-weighted IoU" in one.caption for one in pictures)
    for one, rate in zip(pictures, RATES[:3] + RATES[4:], strict=True):
        of_showers = rate in RATES[3:]
        assert one.axes[0].get_xlabel() == ("energy of the shower [GeV]" if of_showers else "true energy [GeV]")
        variables = ("energy",) if of_showers else ("energy", "nearest", "eta", "depth")
        tables = [[one.table(f"shower_efficiency.{rate}.{name}") for one in run.methods] for name in variables]
        drawn = [name for name, every in zip(variables, tables, strict=True)
                 if any((table["n"] >= FEW).sum() > 1 for table in every)]  # fmt: skip
        for axes, variable in zip(one.axes, drawn, strict=True):
            for method, (_, y) in zip(run.methods, points_of(axes).values(), strict=True):
                table = method.table(f"shower_efficiency.{rate}.{variable}")
                np.testing.assert_allclose(y, table["value"][table["n"] >= FEW])


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


def test_a_rate_that_is_nothing_everywhere_is_said(run: RunResults) -> None:
    (part,) = section("shower_efficiency").subsections(run)
    assert part.note == "Fake showers: 0 in every bin of every method, and no picture."  # nobody found noise
    assert "shower_efficiency.fake_rate.energy" in part.data
    assert all(any(one.table(name) for one in run.methods) for name in part.data)


def test_answer_says_what_is_found_and_false_beside_the_other_method(run: RunResults) -> None:
    text = re.sub("<.*?>", "", section("shower_efficiency").answer(run))
    own = {name: rescaled(run.methods[0].metric(name), 100.0) for name in ("efficiency", "fake_rate", "unmatched_rate")}
    away, fakes = (
        rescaled(run.comparisons[0]["values"][f"{name}_difference"], 100.0) for name in ("efficiency", "fake_rate")
    )
    assert text.startswith(
        f"Of {own['efficiency']['n']} particles to be found, mask $transformer_1 finds {measured(own['efficiency'])} %"
        f"; of its {own['fake_rate']['n']} showers {measured(own['fake_rate'])} % are fakes and "
        f"{measured(own['unmatched_rate'])} % match no particle. On the same events, beside CLUE3D: "
        f"{measured(away)} percentage points better in efficiency, not told apart in fakes "
        f"({measured(fakes)} percentage points) and "
    )
    assert section("shower_efficiency").answer(BARE) is None


def test_a_better_classical_algorithm_is_named(run: RunResults) -> None:
    turned = [{"first": pair["first"], "second": pair["second"], "values": {
        name: {**value, "value": -value["value"], "low": -value["high"], "high": -value["low"]}
        for name, value in pair["values"].items()}} for pair in run.comparisons]  # fmt: skip
    text = section("shower_efficiency").answer(replace(run, comparisons=tuple(turned)))
    assert "The classical algorithm <b>CLUE3D</b> is better in efficiency and showers without match." in text


def test_answers_of_showers_share_one_picture(run: RunResults) -> None:
    (one,) = draw("shower_efficiency", run)["answer"]
    labels = [axes.get_xlabel().partition(" [")[0] for axes in one.axes]
    assert labels == ["efficiency", "fake showers", "showers without match", "energy resolution"]
    assert "answer" not in draw("shower_response", run)
