from __future__ import annotations

import numpy as np

from tests.report.drawing import BARE, draw, legend_of, method, results, section

CURVE = {"false_positive": [0.0, 0.1, 0.5], "true_positive": [0.2, 0.6, 0.9]}


def test_each_class_has_a_panel_with_its_own_curve_and_area() -> None:
    tables = {
        f"class_roc.{name}": {**CURVE, "true_positive": np.array(CURVE["true_positive"]) - i / 10}
        for i, name in enumerate("abc")
    }
    areas = {f"auc_{name}": 0.9 - i / 10 for i, name in enumerate("abc")}
    (one,) = draw("class_roc", results([method("net", tables, **areas)]))["class_roc"]
    for i, axes in enumerate(one.axes):
        assert axes.get_title() == "abc"[i]
        efficiency, rejection = axes.lines[0].get_data()
        np.testing.assert_allclose(efficiency, [0.6 - i / 10, 0.9 - i / 10, 1.0])  # where any of the rest passes
        np.testing.assert_allclose(rejection, [10, 2, 1])
        assert f"AUC {0.9 - i / 10:.3f}" in legend_of(axes)[0]


def test_two_classes_have_one_curve_only_which_is_the_roc() -> None:
    tables = {f"class_roc.{name}": CURVE for name in "ab"}
    assert draw("class_roc", results([method("net", tables)])) == {}
    assert draw("class_roc", BARE) == {}


def test_areas_stand_in_the_alternative_text_and_an_empty_class_has_no_panel() -> None:
    empty = {name: [] for name in CURVE}
    tables = {**{f"class_roc.{name}": CURVE for name in "abc"}, "class_roc.d": empty}
    run = results([method("net", tables, auc_b=0.8)])
    (one,) = draw("class_roc", run)["class_roc"]
    assert len(one.axes) == 3
    assert "b, net: AUC 0.800 ± 0.010" in one.alt
    (part,) = section("class_roc").subsections(run)
    assert part.data == ("class_roc.a", "class_roc.b", "class_roc.c")
