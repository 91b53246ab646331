from __future__ import annotations

import numpy as np
import pytest

from hitforge.report.results import RunResults, read_run
from tests.report.drawing import BARE, draw, legend_of, points_of, section
from tests.report.regression_run import LABELS, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("regression")))


@pytest.fixture(scope="module")
def drawn(run: RunResults):
    return draw("energy_resolution", run)


def test_nothing_measured_draws_nothing() -> None:
    assert draw("energy_resolution", BARE) == {}


def test_width_and_rms_in_percent_stand_beside_each_other(run: RunResults, drawn) -> None:
    (one,) = drawn["resolution"]
    for axes, column in zip(one.axes, ("sigma68", "rms"), strict=True):
        shown = points_of(axes)
        assert len(shown) == len(LABELS)
        for method, (x, y) in zip(run.methods, shown.values(), strict=True):
            table = method.table("energy_resolution.bins")
            np.testing.assert_allclose(y, 100 * table[column])
            np.testing.assert_allclose(x, table["centre"])


def test_legend_of_the_resolution_has_the_terms_of_the_fit(run: RunResults, drawn) -> None:
    labels = legend_of(drawn["resolution"][0].axes[0])
    for method, label in zip(run.methods, labels, strict=True):
        stochastic = method.metric("energy_stochastic")["value"]
        constant = method.metric("energy_constant")["value"]
        assert f"S = {100 * stochastic:.1f} % √GeV" in label
        assert f"C = {100 * constant:.2f} %" in label


def test_response_and_its_distance_from_the_mean(run: RunResults, drawn) -> None:
    (one,) = drawn["response"]
    table = run.methods[0].table("energy_resolution.bins")
    left, right = (next(iter(points_of(axes).values()))[1] for axes in one.axes)
    np.testing.assert_allclose(left, table["response"])
    np.testing.assert_allclose(right, 100 * (table["response"] / table["response"].mean() - 1))


def test_errors_are_shares_of_all_events(run: RunResults, drawn) -> None:
    (one,) = drawn["errors"]
    steps = [patch for patch in one.axes[0].patches if hasattr(patch, "get_data")]
    for method, step in zip(run.methods, steps, strict=True):
        count = method.table("energy_resolution.histogram")["count"]
        np.testing.assert_allclose(step.get_data().values, 100 * count / count.sum())
        assert step.get_data().values.sum() == pytest.approx(100.0)


def test_true_energies_rise_and_the_lower_panel_is_the_relative_error(run: RunResults, drawn) -> None:
    (one,) = drawn["predictions"]
    upper, lower = one.axes
    true, *answers = (line.get_ydata() for line in upper.lines)
    assert (np.diff(true) >= 0).all()
    table = run.methods[0].table("energy_resolution.examples")
    np.testing.assert_allclose(answers[0], table["predicted"][np.argsort(table["true"])])
    np.testing.assert_allclose(lower.lines[1].get_ydata(), 100 * (answers[0] / true - 1))


def test_numbers_at_the_top_are_in_percent(run: RunResults) -> None:
    told = section("energy_resolution").headline(run)
    assert told.columns == (
        ("energy_error", "energy, relative error [%]", 100.0),
        ("energy_sigma68", "energy, σ68 [%]", 100.0),
    )
    assert told.counted
