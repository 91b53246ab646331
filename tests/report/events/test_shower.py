from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hitforge.events import Events
from hitforge.metrics import METRICS
from hitforge.objects.shower.display_data import ShowerStatus
from hitforge.report.events import _shower as module
from hitforge.report.events import events_page
from hitforge.report.events._shower import shower_scenes, showers_figures
from hitforge.report.events._shower_view import EventShowers, stored_showers
from hitforge.report.style import look
from tests.drawn_showers import HGCAL, explain_showers, found_showers, shower_events
from tests.held import all_of


def _stored(folder: Path, truth: bool = True) -> list[EventShowers]:
    events = shower_events((4, 2))
    efficiency = METRICS.build({"name": "shower_efficiency", "min_score": 0.5}, where="test")
    shown = events if truth else Events({"hits": events.hits})
    explain_showers(shown, found_showers(events), folder, HGCAL, [efficiency])
    with np.load(folder / "display_shower.npz", allow_pickle=False) as file:
        return stored_showers({name: file[name] for name in file.files})


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> list[EventShowers]:
    return _stored(tmp_path_factory.mktemp("stored"))


def test_a_scene_names_particles_and_showers_and_holds_all_hits(stored: list[EventShowers]) -> None:
    for event, scene in zip(stored, shower_scenes(stored, HGCAL), strict=True):
        held = all_of(scene)
        assert f"{scene.name}: {scene.title}" == event.title
        assert len(held["points"]["x"]) == len(event.energy)
        for name in event.particles.names:
            assert name in scene.text[0]
        assert event.showers.names[0] in scene.text[1]
        assert [one["name"] for one in held["colours"]] == ["true particle", "found shower", "right or wrong"]
        assert all(len(one["of"]) == len(event.energy) for one in held["colours"])
        assert [one["name"] for one in held["views"]] == ["showers", "all hits", "detector"]
        assert event.definition in scene.notes[0]
        assert "boxes hold 2 to 98 %" in scene.notes[1].lower()
        low, high = np.array(held["views"][2]["box"]).T
        assert (low < 10 * event.position.min(axis=0)).any()
        assert high[2] == pytest.approx(HGCAL.layers.z[-1], abs=0.1)


def test_without_a_detector_there_is_no_outline(stored: list[EventShowers]) -> None:
    held = all_of(shower_scenes(stored[:1], None)[0])
    assert held["outline"] == []
    assert [one["name"] for one in held["views"]] == ["showers", "all hits"]


def test_buttons_show_the_boxes_that_they_name(stored: list[EventShowers]) -> None:
    held = all_of(shower_scenes(stored[:1], None)[0])
    kinds = [line["kind"] for line in held["lines"]]
    event = stored[0]
    proposals = event.showers.status == ShowerStatus.PROPOSAL
    drawn = np.isfinite(event.showers.boxes).all(axis=1) & ~proposals
    assert kinds.count("true") == len(event.particles)
    assert kinds.count("found") == drawn.sum()
    choices = {one["name"]: set(one["kinds"]) for one in held["choices"]}
    assert choices["boxes of both"] == {"true", "found"}
    assert choices["no boxes"] == set()
    assert held["choice"] == "boxes of both"
    keys = {group["key"] for group in held["colours"][0]["groups"]}
    assert {line["key"] for line in held["lines"] if line["kind"] == "true"} <= keys  # hidden together


def test_twelve_edges_of_a_box(stored: list[EventShowers]) -> None:
    edges = np.stack(module._edges(stored[0], stored[0].particles, 0))
    assert edges.shape == (12, 2, 3)
    corners = stored[0].corners(stored[0].particles.boxes[0])
    ends = {tuple(np.round(one, 6)) for one in edges.reshape(-1, 3)}
    assert ends == {tuple(np.round(one, 6)) for one in corners}
    assert all(sum((edge == corner).all() for edge in edges.reshape(-1, 3)) == 3 for corner in corners)


def test_a_page_of_eight_showers_under_pile_up_is_below_three_megabytes(tmp_path: Path) -> None:
    events = shower_events((8, 8, 7, 6), spots=2500, noise=20_000)
    efficiency = METRICS.build({"name": "shower_efficiency", "min_score": 0.5}, where="test")
    explain_showers(events, found_showers(events), tmp_path, HGCAL, [efficiency])
    with np.load(tmp_path / "display_shower.npz", allow_pickle=False) as file:
        kept = stored_showers({name: file[name] for name in file.files})
    assert max(len(event.energy) for event in kept) > 10_000
    page = events_page({"one": shower_scenes(kept, HGCAL)}, tmp_path / "events.html")
    assert 200_000 < page.stat().st_size < 3_000_000


def test_a_wide_fake_does_not_widen_the_picture(stored: list[EventShowers]) -> None:
    event = stored[0]
    boxes = event.showers.boxes.copy()
    wide = int(np.flatnonzero(event.showers.status != ShowerStatus.PROPOSAL)[-1])
    boxes[wide] = [0.0, -900.0, -900.0, 49.0, 900.0, 900.0]
    other = replace(event, showers=replace(event.showers, boxes=boxes))
    assert (np.diff(module._limits(other)[1:]) < 600.0).all()
    assert module._window(other)[:2].max() < 1500.0
    empty = replace(other, particles=replace(event.particles, boxes=np.full_like(event.particles.boxes, np.nan)))
    assert (np.diff(module._limits(empty)[1:]) >= 1800.0).all()


def test_many_objects_share_an_entry(stored: list[EventShowers], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MANY", 2)
    held = all_of(shower_scenes(stored[:1], None)[0])
    names = [group["name"] for group in held["colours"][0]["groups"]]
    assert "2 more" in names
    assert stored[0].particles.names[2] not in names
    assert sum(line["kind"] == "true" for line in held["lines"]) == 3


def test_panels_of_truth_and_found(stored: list[EventShowers], tmp_path: Path) -> None:
    blind = _stored(tmp_path, truth=False)
    with look():
        pictures = showers_figures([stored[0], blind[0]])
        figure = module.new_figure(8.0, 5.0)
        module._panels(figure, stored[0])
    for drawn, event in zip(pictures, (stored[0], blind[0]), strict=True):
        assert base64.b64decode(drawn.source.partition(",")[2]).count(b"<path") > 20
        assert drawn.alt == event.title
        assert len(drawn.source) < 2e6
    assert stored[0].definition in pictures[0].caption
    assert "Found:" not in pictures[1].caption
    assert len(figure.axes) == 6
    assert [len(axes.patches) for axes in figure.axes[:3]] == [4] * 3
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:4] == stored[0].particles.names
    assert labels[-1] == "box of a particle that was not found"
    held = all_of(shower_scenes(blind, None)[0])
    assert [one["name"] for one in held["colours"]] == ["found shower"]
    assert held["choice"] == "found boxes"


def test_sections_of_the_detector_are_parted(stored: list[EventShowers]) -> None:
    with look():
        (drawn,) = showers_figures(stored[:1], HGCAL)
        (bare,) = showers_figures(stored[:1])
        figure = module.new_figure(8.0, 5.0)
        module._panels(figure, stored[0], (27.5, 35.5))
    assert "Grey lines part sections" in drawn.caption
    assert "Grey lines" not in bare.caption
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [27.5, 35.5]
    assert figure.axes[2].lines[:] == []
    assert all(one.get_rasterized() for axes in figure.axes for one in axes.collections)
