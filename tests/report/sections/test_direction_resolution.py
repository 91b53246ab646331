from __future__ import annotations

import re

import numpy as np

from tests.report.drawing import BARE, draw, legend_of, method, points_of, results, section

TABLE = {"low": [10, 20], "high": [20, 40], "centre": [15, 30], "error": [9.0, 7.0], "error_low": [8.5, 6.8],
         "error_high": [9.4, 7.3]}  # fmt: skip


def test_angle_stands_over_the_energy_with_the_mean_of_all_in_the_legend() -> None:
    methods = [method("far"), method("net", {"direction_resolution.bins": TABLE}, direction_error=8.0)]
    (one,) = draw("direction_resolution", results(methods))["direction"]
    (axes,) = one.axes
    ((label, (x, y)),) = points_of(axes).items()
    np.testing.assert_allclose(x, [15, 30])
    np.testing.assert_allclose(y, [9, 7])
    assert label == legend_of(axes)[0] == "net, all: 8.0000 ± 0.0100 mrad"


def test_nothing_measured_draws_nothing() -> None:
    assert draw("direction_resolution", BARE) == {}
    assert section("direction_resolution").headline(BARE).columns[0][0] == "direction_error"


def test_answer_says_the_angle_and_who_gave_none() -> None:
    run = results([method("net", direction_error=8.0, direction_unanswered=0.25)])
    assert re.sub("<.*?>", "", section("direction_resolution").answer(run)) == (
        "On 7 test events, net finds the direction with a mean angle of 8.0000 ± 0.0100 mrad to the true one; "
        "to 25.0 ± 1.0 % of the events it gives no answer."
    )
    assert section("direction_resolution").answer(BARE) is None
    assert list(draw("direction_resolution", run)) == ["answer"]


def test_one_bin_is_a_sentence() -> None:
    table = {name: values[:1] for name, values in TABLE.items()}
    (part,) = section("direction_resolution").subsections(
        results([method("net", {"direction_resolution.bins": table})])
    )
    assert part.pictures == [None]
    assert part.note == "Enough events for one bin of energy alone: net 9.00 +0.40 −0.50 mrad at 10 to 20 GeV."
    assert part.data == ("direction_resolution.bins",)
