from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw, legend_of, method, points_of, results, section


@pytest.fixture(scope="module")
def run(whole_run):
    return read_run(whole_run)


@pytest.fixture(scope="module")
def drawn(run):
    return draw("roc_auc", run)


def test_curves_are_those_of_the_table_and_the_points_those_that_were_measured(run, drawn) -> None:
    left, right = drawn["roc"][0].axes
    assert len(left.lines) == 1 + len(run.methods)  # and guessing
    rejections = {line.get_label(): line for line in right.lines}
    for one, curve, dots in zip(run.methods, left.lines[1:], points_of(right).values(), strict=True):
        table, seen = one.table("roc"), one.table("roc")["fpr"] > 0
        np.testing.assert_array_equal(curve.get_data(), (table["fpr"], table["tpr"]))
        np.testing.assert_allclose(rejections[one.label].get_data(), (table["tpr"][seen], 1 / table["fpr"][seen]))
        points = one.table("background_efficiency")
        np.testing.assert_allclose(dots[1], 1 / points["background_efficiency"])


def test_areas_are_at_the_top_with_their_numbers(run, drawn) -> None:
    (one,) = drawn["answer"]
    best = sorted(run.methods, key=lambda method: -method.metric("roc_auc")["value"])
    values = [method.metric("roc_auc")["value"] for method in best]
    shown = [container.lines[0].get_data() for container in one.axes[0].containers]
    assert [float(np.squeeze(x)) for x, _ in shown] == values
    assert [int(np.squeeze(y)) for _, y in shown] == [0, 1, 2]
    assert [text.get_text() for text in one.axes[0].get_yticklabels()] == [method.label for method in best]
    assert all(method.label in one.alt for method in run.methods)


def test_each_curve_has_its_own_area_in_the_legend(drawn, run) -> None:
    labels = legend_of(drawn["roc"][0].axes[0])
    for one, label in zip(run.methods, labels, strict=True):
        assert f"AUC {one.metric('roc_auc')['value']:.3f}" in label


def test_nothing_measured_says_nothing() -> None:
    assert draw("roc_auc", BARE) == {}
    assert section("roc_auc").answer(BARE) is None


def test_answer_says_how_far_others_lie_and_escapes_names() -> None:
    values = {"roc_auc_difference": {"value": -0.02, "low": -0.03, "high": -0.01}, "p_value": {"value": 0.03}}
    pair = {"first": "a", "second": "<b>", "values": values}
    run = results([method("a", roc_auc=0.9)], comparisons=(pair,), sample={"classes": ["photon", "electron"]})
    assert section("roc_auc").answer(run) == (
        'On 7 test events, <b>a</b> tells electron from photon with a ROC AUC of <b class="number">0.900 ± 0.010</b>: '
        '<b class="number">0.020 ± 0.010</b> below &lt;b&gt; <span class="number">(p = 0.03)</span>'
        ", on the same events."
    )


def test_perfect_separation_can_be_drawn() -> None:
    points = {"signal_efficiency": [0.8], "background_efficiency": [0.0], "low": [0.0], "high": [0.1]}
    tables = {"roc": {"fpr": [0.0, 0.0, 1.0], "tpr": [0.0, 1.0, 1.0]}, "background_efficiency": points}
    (one,) = draw("roc_auc", results([method("net", tables)]))["roc"]
    assert all(len(x) == 0 for x, _ in points_of(one.axes[1]).values())  # there is no rejection to show


def test_a_better_classical_algorithm_is_named_where_the_difference_is_clear() -> None:
    for low, end in ((-0.021, " The classical algorithm <b>trees</b> is better."), (-0.06, "on the same events.")):
        away = {"value": -0.02, "low": low, "high": -0.02 + (-0.02 - low)}
        pair = {"first": "a", "second": "trees", "values": {"roc_auc_difference": away}}
        run = results([method("a", roc_auc=0.9), replace(method("trees"), kind="baseline")], comparisons=(pair,))
        assert section("roc_auc").answer(run).endswith(end)


def test_more_methods_than_a_sentence_holds_are_counted() -> None:
    away = {"roc_auc_difference": {"value": 0.02, "low": 0.01, "high": 0.03}}
    pairs = [{"first": "a", "second": f"m{place}", "values": away} for place in range(8)]
    text = section("roc_auc").answer(results([method("a", roc_auc=0.9)], comparisons=pairs))
    assert "m4; 3 more under Paired tests, on the same events." in text


def test_working_points_stand_in_the_alternative_text(run, drawn) -> None:
    table = run.methods[0].table("background_efficiency")
    lost, kept = table["background_efficiency"][0], table["signal_efficiency"][0]
    text = f"residual network lets pass {100 * lost:.3g} % of photon at {100 * kept:.3g} % of electron"
    assert text in drawn["roc"][0].alt
