from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hitforge.events import Events
from hitforge.metrics import METRICS
from hitforge.objects.shower.display_data import ShowerStatus
from hitforge.report.events import _shower as module
from hitforge.report.events._shower import showers_figures, showers_page
from hitforge.report.events._shower_view import EventShowers, stored_showers
from hitforge.report.style import look
from tests.drawn_showers import HGCAL, explain_showers, found_showers, shower_events


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


def test_page_holds_everything_and_loads_nothing(stored: list[EventShowers], tmp_path: Path) -> None:
    text = showers_page(stored, tmp_path / "showers.html").read_text(encoding="utf-8")
    assert not re.search(r"""<(script|link|img|iframe)[^>]*\b(src|href)\s*=""", text)
    assert len(text) < 6e6
    content = text[text.index("Plotly.newPlot(") :]
    for event in stored:
        assert f"<h2>{event.title}</h2>" in text
        for name in (*event.particles.names, event.showers.names[0]):
            assert name.encode("ascii", "backslashreplace").decode() in content or name in content
    for part in ("hits by true particle", "hits by found shower", "right or wrong", "boxes: true and found"):
        assert content.count(part) == 2
    assert "boxes hold 2 to 98 %" in text


def test_buttons_change_only_their_own_traces(stored: list[EventShowers]) -> None:
    figure = module._figure(stored[0])
    colours, boxes, zoom = figure.layout.updatemenus
    hits = colours.buttons[0].args[1]
    edges = boxes.buttons[0].args[1]
    assert sorted([*hits, *edges]) == list(range(len(figure.data)))
    assert all(len(button.args[0]["visible"]) == len(hits) for button in colours.buttons)
    shown = np.array([button.args[0]["visible"] for button in colours.buttons])
    assert (shown.sum(axis=0) == 1).all()
    drawn = sum(len(figure.data[place].x) for place in np.flatnonzero(shown[0]))
    assert drawn == len(stored[0].energy)
    assert [bool(trace.visible) for trace in figure.data[: len(hits)]] == shown[0].tolist()
    assert boxes.buttons[-1].label == "none"
    assert not any(boxes.buttons[-1].args[0]["visible"])
    assert [button.label for button in zoom.buttons] == ["showers", "all hits"]


def test_twelve_edges_of_a_box() -> None:
    corners = np.stack(np.meshgrid([0.0, 1.0], [0.0, 2.0], [0.0, 3.0], indexing="ij"), axis=-1).reshape(8, 3)
    wire = module._wire(corners)
    assert wire.shape == (36, 3)
    assert np.isnan(wire[2::3]).all()
    length = np.linalg.norm(wire[1::3] - wire[::3], axis=1)
    assert sorted(length.tolist()) == [1.0] * 4 + [2.0] * 4 + [3.0] * 4


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
    names = [trace.name for trace in module._figure(stored[0]).data]
    assert "2 more" in names
    assert stored[0].particles.names[2] not in names


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
    text = showers_page(blind, tmp_path / "blind.html").read_text(encoding="utf-8")
    assert "hits by true particle" not in text
