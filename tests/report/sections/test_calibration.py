from __future__ import annotations

import numpy as np

from tests.report.drawing import BARE, draw, method, points_of, results, section


def test_observed_share_and_its_distance_from_the_score() -> None:
    table = {"score": [0.2, 0.7], "observed": [0.3, 0.6], "low": [0.25, 0.5], "high": [0.4, 0.7]}
    (one,) = draw("calibration", results([method("net", {"calibration": table})]))["calibration"]
    left, right = one.axes
    np.testing.assert_allclose(points_of(left)["net"], ([0.2, 0.7], [0.3, 0.6]))
    (below,) = points_of(right).values()
    np.testing.assert_allclose(below, ([0.2, 0.7], [0.1, -0.1]))


def test_nothing_measured_draws_nothing() -> None:
    assert draw("calibration", BARE) == {}


def test_bins_of_few_events_are_left_out_and_said() -> None:
    table = {"score": [0.2, 0.5, 0.7], "observed": [0.3, 1.0, 0.6], "low": [0.25, 0.2, 0.5], "high": [0.4, 1.0, 0.7],
             "n": [50, 1, 50]}  # fmt: skip
    run = results([method("net", {"calibration": table}, **{"calibration.error": 0.1})])
    (one,) = draw("calibration", run)["calibration"]
    np.testing.assert_allclose(points_of(one.axes[0])["net"][0], [0.2, 0.7])
    assert one.caption.endswith(" Left out: 1 bin with fewer than 10 events.")
    assert (
        "net: farthest from the diagonal by +0.1 at a score of 0.2, calibration error less chance 0.100 ± 0.010."
        in one.alt
    )
    (part,) = section("calibration").subsections(run)
    assert part.data == ("calibration",)


def test_one_bin_is_no_curve() -> None:
    table = {"score": [0.2, 0.5], "observed": [0.3, 1.0], "low": [0.25, 0.2], "high": [0.4, 1.0], "n": [50, 1]}
    assert draw("calibration", results([method("net", {"calibration": table})])) == {}
