"""What figures of showers share: a panel for each variable, with the shares in its bins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hitforge.metrics.shower_efficiency import ShowerEfficiency
from hitforge.metrics.shower_response import ShowerResponse
from hitforge.report import _showers as module
from hitforge.report._binned import Panel
from hitforge.report._showers import OF_PARTICLE, SHOWER_ANSWERS, curves
from tests.report.drawing import Drawn, points_of


def table(*shares: float) -> dict[str, np.ndarray]:
    rate, edges = np.array(shares), np.arange(len(shares) + 1.0)
    return {
        "low": edges[:-1], "high": edges[1:], "centre": edges[:-1] + 0.5, "value": rate, "lo": rate - 0.05,
        "hi": rate + 0.05, "n": np.full(len(rate), 9),
    }  # fmt: skip


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Drawn]:
    kept: list[Drawn] = []
    monkeypatch.setattr(module, "picture", lambda *parts: kept.append(Drawn(*parts)))
    return kept


def panel(axis: str, *rows: dict[str, np.ndarray]) -> Panel:
    found: Any = [(index, SimpleNamespace(label=f"method {index}"), one) for index, one in enumerate(rows)]
    return Panel(axis, found)


def test_each_variable_has_its_panel_and_each_method_its_points(drawn: list[Drawn]) -> None:
    curves([panel("energy", table(0.5, 0.75), table(0.25, 0.5)), panel("eta", table(0.9)), panel("depth", table(0.1))],
           "efficiency", "efficiency", "; shares of particles.")  # fmt: skip
    (one,) = drawn
    assert len(one.axes) == 3
    assert [axes.get_xlabel() for axes in one.axes] == [OF_PARTICLE[name] for name in ("energy", "eta", "depth")]
    assert {axes.get_ylabel() for axes in one.axes} == {"efficiency"}
    values = points_of(one.axes[0])
    assert [values[f"method {index}"][1].tolist() for index in (0, 1)] == [[0.5, 0.75], [0.25, 0.5]]
    assert one.caption == "shares of particles; 68.3 % intervals."
    assert one.alt.startswith(
        "efficiency by method. Against energy: method 0 50 % at 0 to 1 GeV, 75 % at 1 to 2 GeV; m"
    )
    assert "Against mean layer: method 0 10 % at 0 to 1." in one.alt


def test_efficiencies_are_cut_out_and_other_shares_begin_at_nothing(drawn: list[Drawn]) -> None:
    for title, whole in (("efficiency", False), ("fakes", False), ("fakes", True)):
        curves([panel("energy", table(0.8, 0.9))], title, title, "", whole=whole)
    lows = [one.axes[0].get_ylim()[0] for one in drawn]
    assert lows[0] > 0.5
    assert -0.1 < lows[1] < 0
    assert lows[2] == lows[0]
    assert all(one.axes[0].get_ylim()[1] <= 1.02 for one in drawn)


def test_fake_showers_stand_at_their_own_energy(drawn: list[Drawn]) -> None:
    curves([panel("energy", table(0.1, 0.2))], "fakes", "fakes", "", of_showers=True)
    assert drawn[0].axes[0].get_xlabel() == "energy of the shower [GeV]"


def test_what_is_left_out_stands_behind_the_caption(drawn: list[Drawn]) -> None:
    curves([panel("energy", table(0.1, 0.2))], "fakes", "Fakes", "of showers", " Left out: 3 bins.")
    assert drawn[0].caption == "of showers; 68.3 % intervals. Left out: 3 bins."


def test_numbers_that_answer_say_whether_more_is_better() -> None:
    better = {told.name: told.better for numbers in SHOWER_ANSWERS.values() for told in numbers}
    for name, metric in {**ShowerEfficiency.better, **ShowerResponse.better}.items():
        assert better.get(name, metric) == metric
    assert set(better) <= {*ShowerEfficiency.better, *ShowerResponse.better}
