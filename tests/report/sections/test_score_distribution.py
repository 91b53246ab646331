from __future__ import annotations

import numpy as np

from tests.report.drawing import BARE, draw, legend_of, method, results


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
