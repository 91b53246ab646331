from __future__ import annotations

import numpy as np
import pytest

from hitforge.report._binned import FEW
from hitforge.report.numbers import measured, rescaled
from hitforge.report.results import RunResults, read_run
from tests.report.drawing import BARE, draw, flat, legend_of, method, points_of, results, section
from tests.report.shower_run import make_run

CLASSES = {"": "all particles", "_electromagnetic": "electromagnetic", "_hadron": "hadrons"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("showers"), 40))


@pytest.fixture(scope="module")
def drawn(run: RunResults):
    return draw("average_precision", run)["precision"]


def test_each_class_has_its_own_curve_and_its_own_area_in_the_legend(run: RunResults, drawn) -> None:
    curves = drawn[0]
    areas = set()
    for axes, (kind, title) in zip(curves.axes, CLASSES.items(), strict=True):
        assert axes.get_title() == title
        for one, line, label in zip(run.methods, axes.lines[::2], legend_of(axes), strict=True):  # each with its dot
            table = one.table(f"average_precision.curve_50{kind}")
            np.testing.assert_allclose(line.get_data()[0][1:], table["recall"])
            np.testing.assert_allclose(line.get_data()[1][1:], table["interpolated"])
            area = one.metric(f"ap_50{kind}")["value"]
            assert label.endswith(f": {100 * area:.1f} %")
            areas.add(label.rpartition(":")[2])
    assert len(areas) == 2 * len(CLASSES)  # so that another class's number would be seen
    assert "IoU of 0.5" in curves.caption


def test_bars_are_the_areas_at_each_threshold(run: RunResults, drawn) -> None:
    bars = drawn[1]
    for axes, (kind, title) in zip(bars.axes, CLASSES.items(), strict=True):
        assert axes.get_title() == title
        groups = [one for one in axes.containers if hasattr(one, "patches")]
        for one, group in zip(run.methods, groups, strict=True):
            heights = [patch.get_height() for patch in group.patches]
            assert heights == [one.metric(f"ap_{iou}{kind}")["value"] for iou in (30, 50, 70)]
    assert [label.get_text() for label in bars.axes[0].get_xticklabels()] == ["IoU 0.3", "IoU 0.5", "IoU 0.7"]


def test_areas_over_energy_and_distance(run: RunResults, drawn) -> None:
    for axes, variable in zip(drawn[2].axes, ("energy", "nearest"), strict=True):
        for one, (_, y) in zip(run.methods, points_of(axes).values(), strict=True):
            table = one.table(f"average_precision.ap_50.{variable}")
            np.testing.assert_allclose(y, table["value"][np.isfinite(table["value"]) & (table["n"] >= FEW)])


def test_legends_name_the_methods(run: RunResults, drawn) -> None:
    names = [flat(text.get_text()) for text in drawn[1].figure.legends[0].get_texts()]
    assert names == [one.label.replace("$", r"\$") for one in run.methods]


def test_nothing_measured_draws_nothing() -> None:
    assert draw("average_precision", BARE) == {}
    columns = section("average_precision").headline(BARE).columns
    assert columns[0] == ("ap_30", "AP at IoU 0.3 [%]", 100.0)


def test_answer_says_the_area_and_the_paired_difference(run: RunResults) -> None:
    text = section("average_precision").answer(run)
    area = run.methods[0].metric("ap_50")
    away = rescaled(run.comparisons[0]["values"]["ap_50_difference"], 100.0)
    assert text.startswith(f"On {area['n']} test events, <b>mask $transformer_1</b> has an average precision of")
    assert f"{measured(rescaled(area, 100.0))} %</b> at an energy-weighted IoU of 0.5" in text
    assert f'beside CLUE3D: <b class="number">{measured(away)}</b> percentage points better.' in text
    assert section("average_precision").answer(BARE) is None


def test_an_empty_curve_has_no_panel() -> None:
    empty = {name: [] for name in ("score", "recall", "precision", "interpolated")}
    assert draw("average_precision", results([method("a", {"average_precision.curve_50": empty})])) == {}


def test_alternative_texts_hold_the_numbers(run: RunResults, drawn) -> None:
    area = run.methods[1].metric("ap_30_hadron")["value"]
    assert f"hadrons, CLUE3D: {100 * area:.3g} % at 0.3" in drawn[1].alt
    recall = run.methods[0].table("average_precision.curve_50")["recall"][-1]
    assert f"mask $transformer_1 has recall {recall:.3g} at precision" in drawn[0].alt
