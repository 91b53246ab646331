from __future__ import annotations

import numpy as np

from tests.report.drawing import BARE, draw, legend_of, method, results, section


def test_each_class_is_a_density() -> None:
    table = {"low": [0.0, 0.25], "high": [0.25, 1.0], "count_cat": [3, 1], "count_dog": [1, 4], "count_none": [0, 0]}
    run = results([method("one", {"score_distribution": table}), method("without")])
    assert run.classes == ("cat", "dog", "none")
    (drawn,) = draw("score_distribution", run)["scores"]
    (axes,) = drawn.axes
    assert axes.get_title() == "one"
    assert axes.get_xlabel() == "score (none)"
    densities = [patch.get_data().values for patch in axes.patches][::2]  # a line and its filling
    np.testing.assert_allclose(densities, [[3 / 4 / 0.25, 1 / 4 / 0.75], [1 / 5 / 0.25, 4 / 5 / 0.75]])
    assert legend_of(axes) == ["true cat", "true dog"]


def test_nothing_measured_draws_nothing() -> None:
    assert draw("score_distribution", BARE) == {}


def test_means_stand_in_the_alternative_text_and_a_method_without_counts_has_no_panel() -> None:
    table = {"low": [0.0, 0.5], "high": [0.5, 1.0], "count_cat": [3, 1], "count_dog": [0, 4]}
    none = {**table, "count_cat": [0, 0], "count_dog": [0, 0]}
    run = results([method("one", {"score_distribution": table}), method("none", {"score_distribution": none})])
    (drawn,) = draw("score_distribution", run)["scores"]
    assert len(drawn.axes) == 1
    assert drawn.alt.endswith("one, true cat: mean 0.38; one, true dog: mean 0.75.")
    (part,) = section("score_distribution").subsections(run)
    assert part.data == ("score_distribution",)
