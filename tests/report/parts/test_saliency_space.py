from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.report.page import write_report
from hitforge.report.results import RunResults, read_run
from tests.report.drawing import draw, results


def maps(events: int = 5, rows: int = 40) -> dict[str, np.ndarray]:
    """Rows of some events; the last one has none."""
    random = np.random.default_rng(0)
    event = np.repeat(np.arange(events - 1), rows)
    found = {name: random.normal(0, 1, len(event)) for name in ("x", "y", "depth", "gradient", "integrated")}
    return {"chosen": 10 + np.arange(events), "event": event, "size": random.random(len(event)), **found}


def run(maps: dict[str, np.ndarray]) -> RunResults:
    return results([], saliency_space=maps)


def test_first_middle_and_last_event_that_have_hits_are_drawn() -> None:
    found = maps()
    (one,) = draw("saliency_space", run(found))["saliency_space"]
    panels = [axes for axes in one.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == [f"event {number}" for number in (10, 10, 11, 11, 13, 13)]
    rows = found["event"] == 1
    for axes, name in zip(panels[2:4], ("size", "integrated"), strict=True):
        (points,) = axes.collections
        order = np.argsort(np.abs(found[name][rows]))
        np.testing.assert_allclose(points.get_array(), found[name][rows][order])
        np.testing.assert_allclose(points.get_offsets()[:, 0], found["depth"][rows][order])
        np.testing.assert_allclose(points.get_offsets()[:, 1], found["x"][rows][order])
    assert f"event 11: 40 hits, integrated gradients sum to {found['integrated'][rows].sum():+.2g}" in one.alt
    assert "raise what is explained" in one.caption


def test_constituents_of_a_jet_are_drawn_about_its_axis() -> None:
    found = maps()
    found["deta"], found["dphi"] = found.pop("x"), found.pop("y")
    del found["depth"]
    (one,) = draw("saliency_space", run(found))["saliency_space"]
    panels = [axes for axes in one.axes if axes.get_title()]
    (points,) = panels[0].collections
    rows = found["event"] == 0
    order = np.argsort(np.abs(found["size"][rows]))
    np.testing.assert_allclose(points.get_offsets(), np.stack([found["deta"], found["dphi"]], axis=1)[rows][order])
    assert (panels[-1].get_xlabel(), panels[-1].get_ylabel()) == ("Δη from the axis", "Δφ from the axis")
    assert "event 11: 40 constituents" in one.alt
    assert one.caption.startswith("Red constituents raise")


def test_one_event_and_answers_that_nothing_moves_are_drawn() -> None:
    one = maps(2)
    still = {**one, "chosen": one["chosen"][:1], "integrated": 0 * one["x"], "size": 0 * one["x"]}
    assert len(draw("saliency_space", run(still))["saliency_space"]) == 1


@pytest.mark.parametrize("empty", [{}, {"chosen": np.zeros(0)}, {"chosen": np.array([3]), "event": np.zeros(0)}])
def test_nothing_to_show_is_no_picture(empty: dict[str, np.ndarray]) -> None:
    assert draw("saliency_space", run(empty)) == {}


def test_page_has_the_section_where_the_run_has_the_file(tmp_path: Path) -> None:
    assert 'id="saliency_space"' not in write_report(tmp_path).read_text(encoding="utf-8")
    np.savez(tmp_path / "saliency_space.npz", **maps())
    np.testing.assert_array_equal(read_run(tmp_path).saliency_space["chosen"], 10 + np.arange(5))
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert 'id="saliency_space"' in page
    assert "Saliency in depth" in page
