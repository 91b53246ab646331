from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw, points_of, section


def test_a_picture_a_field_with_areas_of_all_and_scores_of_the_first(whole_run) -> None:
    run = read_run(whole_run)
    drawn = draw("score_profile", run)["profiles"]
    names = [f"AUC and score against {name}" for name in ("transverse momentum", "pseudorapidity")]
    assert [one.alt.partition(". ")[0] for one in drawn] == names
    table = run.methods[0].table("score_profile.pt")
    assert f"AUC: residual network {table['auc'][0]:.3g} at {table['low'][0]:.4g} to" in drawn[0].alt
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


def test_a_field_with_one_bin_is_named_and_has_no_picture(whole_run) -> None:
    run = read_run(whole_run)
    tables = {name: {key: values[:1] for key, values in table.items()} if name == "score_profile.pt" else table
              for name, table in run.methods[0].tables.items()}  # fmt: skip
    run = replace(run, methods=(replace(run.methods[0], tables=tables),))
    (one,) = draw("score_profile", run)["profiles"]
    assert "pseudorapidity" in one.alt
    (part,) = section("score_profile").subsections(run)
    assert part.note == "Against transverse momentum there is one bin alone, and no picture."
    assert part.data == ("score_profile.pt", "score_profile.eta")
