from __future__ import annotations

import numpy as np

from tests.report.drawing import BARE, draw, method, points_of, results


def test_observed_share_and_its_distance_from_the_score() -> None:
    table = {"score": [0.2, 0.7], "observed": [0.3, 0.6], "low": [0.25, 0.5], "high": [0.4, 0.7]}
    (one,) = draw("calibration", results([method("net", {"calibration": table})]))["calibration"]
    left, right = one.axes
    np.testing.assert_allclose(points_of(left)["net"], ([0.2, 0.7], [0.3, 0.6]))
    (below,) = points_of(right).values()
    np.testing.assert_allclose(below, ([0.2, 0.7], [0.1, -0.1]))


def test_nothing_measured_draws_nothing() -> None:
    assert draw("calibration", BARE) == {}
