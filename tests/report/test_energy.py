"""What figures of energies share: points with bars, shares of events, an axis that suits its range."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from hitforge.report._energy import ENERGY, REGRESSION_ANSWERS, energy_axis, energy_points, histograms, without_answer
from hitforge.report.sections import SECTIONS
from tests.report.drawing import method

TABLE = {"low": np.array([10.0, 20.0]), "high": np.array([20.0, 50.0]), "centre": np.array([14.0, 30.0])}


def test_points_have_the_bins_and_intervals_as_bars() -> None:
    axes = Figure().subplots()
    table = {**TABLE, "a": np.array([0.5, 0.25]), "a_low": np.array([0.4, 0.3]), "a_high": np.array([0.7, 0.5])}
    energy_points(axes, 0, table, "a", 100.0, "one")
    (bars,) = [one for one in axes.containers if isinstance(one, ErrorbarContainer)]
    x, y = bars.lines[0].get_data()
    assert (x.tolist(), y.tolist(), bars.get_label()) == ([14.0, 30.0], [50.0, 25.0], "one")
    across, along = ([segment.tolist() for segment in one.get_segments()] for one in bars.lines[2])
    assert [[point[0] for point in segment] for segment in across] == [[10.0, 20.0], [20.0, 50.0]]
    ends = [[point[1] for point in segment] for segment in along]
    assert ends == [pytest.approx([40.0, 70.0]), pytest.approx([25.0, 50.0])]  # no bar to the wrong side


def test_histograms_are_shares_and_cut_where_nearly_all_events_lie() -> None:
    axes = Figure().subplots()
    edges = np.linspace(-1, 1, 21)
    count = np.zeros(20)
    count[9:11], count[0] = 490, 20
    table = {"low": edges[:-1], "high": edges[1:], "count": count}
    found: Any = [(0, SimpleNamespace(label="one"), table)]
    histograms(axes, found, 100.0)
    (step,) = [patch for patch in axes.patches if hasattr(patch, "get_data")]
    assert step.get_data().values.sum() == pytest.approx(100.0)
    assert step.get_data().edges[-1] == pytest.approx(100.0)
    assert axes.get_xlim() == pytest.approx((-6.25, 6.25))  # 98 % lie in the two bins about 0


@pytest.mark.parametrize(
    ("low", "high", "scale"), [(10.0, 100.0, "linear"), (5.0, 101.0, "log"), (0.0, 100.0, "linear")]
)
def test_the_axis_is_logarithmic_over_a_factor_of_20(low: float, high: float, scale: str) -> None:
    panels = Figure().subplots(1, 2)
    tables = [{"low": np.array([low, 20.0]), "high": np.array([20.0, 30.0])}]
    tables.append({"low": np.array([20.0]), "high": np.array([high])})
    energy_axis(panels, tables)
    for axes in panels:
        assert axes.get_xscale() == scale
        assert axes.get_xlabel() == ENERGY


def test_fine_bins_are_put_together_and_zero_stays_an_edge() -> None:
    axes = Figure().subplots()
    edges, count = np.linspace(-1, 1, 401), np.ones(400)
    table = {"low": edges[:-1], "high": edges[1:], "count": count}
    found: Any = [(0, SimpleNamespace(label="one"), table)]
    histograms(axes, found, 1.0)
    (step,) = [patch for patch in axes.patches if hasattr(patch, "get_data")]
    data = step.get_data()
    assert len(data.values) < 70
    assert data.values.sum() == pytest.approx(100.0)
    assert np.abs(data.edges).min() == pytest.approx(0.0)
    assert (data.edges[0], data.edges[-1]) == (-1.0, 1.0)


def test_events_without_answer_are_said() -> None:
    assert without_answer(method("a"), "energy") == ""
    assert without_answer(method("a", energy_unanswered=0.0), "energy") == ""
    text = without_answer(method("a", energy_unanswered=0.5), "energy")
    assert text == "; to 50.0 ± 1.0 % of the events it gives no answer"


def test_each_answer_has_its_section() -> None:
    assert set(REGRESSION_ANSWERS) <= set(SECTIONS.names())
