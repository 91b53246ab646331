from __future__ import annotations

import numpy as np
import pytest

from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw, points_of


def test_a_picture_a_field_with_areas_of_all_and_scores_of_the_first(whole_run) -> None:
    run = read_run(whole_run)
    drawn = draw("score_profile", run)["profiles"]
    assert [one.alt for one in drawn] == ["AUC and score against pt", "AUC and score against eta"]
    for one, name in zip(drawn, ("pt", "eta"), strict=True):
        left, right = one.axes
        for method, (x, y) in zip(run.methods, points_of(left).values(), strict=True):
            table = method.table(f"score_profile.{name}")
            np.testing.assert_allclose((x, y), (table["centre"], table["auc"]))
        table = run.methods[0].table(f"score_profile.{name}")
        means = [line.get_ydata() for line in right.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(means, [table["mean_photon"], table["mean_electron"]])
        assert right.texts[0].get_text() == run.methods[0].label
    assert drawn[0].axes[0].get_xlabel() == r"$p_\mathrm{T}$ [GeV]"


@pytest.mark.parametrize("run", [BARE])
def test_nothing_measured_draws_nothing(run) -> None:
    assert draw("score_profile", run).get("profiles") is None
