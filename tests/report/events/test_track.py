from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hitforge.objects.track.display_data import TrackStatus
from hitforge.report.events import _track as display_tracks
from hitforge.report.events import events_page, pictures_for
from hitforge.report.events._track import track_scenes, tracks_figure, tracks_figures
from hitforge.report.events._track_view import EventTracks, stored_events
from hitforge.report.style import look
from tests.drawn_tracks import explain_tracks, found_tracks, helices
from tests.held import all_of

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> list[EventTracks]:
    events, _ = helices()
    folder = tmp_path_factory.mktemp("stored")
    explain_tracks(events, found_tracks(events), folder)
    with np.load(folder / "display_track.npz", allow_pickle=False) as file:
        return stored_events({name: file[name] for name in file.files})


def test_scenes_name_what_there_is_and_what_went_wrong(stored: list[EventTracks]) -> None:
    _, detector = helices()
    for event, scene in zip(stored, track_scenes(stored, detector), strict=True):
        held = all_of(scene)
        assert f"{scene.name}: {scene.title}" == event.title
        names = [line["name"] for line in held["lines"]]
        for part in ("missed particle (1)", "fake (1)", "duplicate (1)"):
            assert part in names
        assert scene.text[0].startswith("Highest pT: π")
        assert "GeV (missed)" in scene.text[0]  # the hardest is never found
        assert "|eta| < 2.5" in scene.notes[0]
        assert held["choice"] == "asked for"
        wrong = next(one["kinds"] for one in held["choices"] if one["name"] == "what went wrong")
        shown = [line["name"] for line in held["lines"] if line["kind"] in wrong]
        assert shown == ["duplicate (1)", "fake (1)", "missed particle (1)"]
        lines = next(line for line in held["lines"] if line["name"].startswith("found"))
        assert len(lines["ends"]) - 1 == len(lines["text"]) == len(event.lines[1])
        assert len(held["outline"][0]["ends"]) > 20
        assert [one["name"] for one in held["views"]] == ["detector", "hits", "around the beam"]


def test_without_a_detector_the_view_reaches_to_the_hits(stored: list[EventTracks]) -> None:
    held = all_of(track_scenes(stored[:1], None)[0])
    assert held["outline"] == []
    box = np.array(held["views"][0]["box"])
    assert (box[:, 1] >= np.abs(stored[0].position).max(axis=0)).all()


def test_a_scene_of_true_particles() -> None:
    events, detector = helices()
    scene = pictures_for(detector).event_scene(events, 0, detector, "event 40")
    held = all_of(scene)
    assert scene.name == "event 40"
    assert [group["name"] for group in held["colours"][0]["groups"]][:2] == ["volume 8", "volume 13"]
    assert "true, 1 to 5 GeV" in " ".join(line["name"] for line in held["lines"])
    rows = {one["name"]: len(one["kinds"]) for one in held["choices"]}
    assert rows == {"pT > 0.5 GeV": 3, "pT > 1 GeV": 2, "pT > 5 GeV": 1, "no tracks": 0}
    assert held["choice"] == "pT > 0.5 GeV"
    assert scene.text[0].count("GeV") == 6
    assert "(found)" not in scene.text[0]
    assert scene.notes == ()


def test_many_true_particles_begin_with_the_hard_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display_tracks, "_CLEAR", 15)
    events, detector = helices()
    held = all_of(pictures_for(detector).event_scene(events, 0, detector))
    assert held["choice"] == "pT > 1 GeV"


def test_hits_of_a_part_of_the_detector_are_seen_from_nearby(stored: list[EventTracks]) -> None:
    rings = helices()[1]
    near = replace(stored[0], position=0.4 * stored[0].position)
    names = [all_of(scene)["views"][0]["name"] for scene in track_scenes([stored[0], near], rings)]
    assert names == ["detector", "hits"]


def test_a_picture_of_true_particles(tmp_path: Path) -> None:
    events, detector = helices()
    path = pictures_for(detector).event_picture(events, 0, detector, tmp_path / "event.png", "event 40")
    assert path.read_bytes().startswith(PNG)


def test_many_hits_are_thinned_and_that_is_told(stored: list[EventTracks], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display_tracks, "MAX_POINTS", 100)
    (scene,) = track_scenes(stored[1:2], None)
    held = all_of(scene)
    assert held["colours"][0]["groups"][0]["name"] == "hits, one in 5"
    assert len(held["points"]["x"]) <= 100


def test_pages_of_an_event_under_200_collisions_are_below_three_megabytes(tmp_path: Path) -> None:
    events, detector = helices((1500, 2000, 2500), noise=80_000)
    explain_tracks(events, found_tracks(events), tmp_path)
    with np.load(tmp_path / "display_track.npz", allow_pickle=False) as file:
        kept = stored_events({name: file[name] for name in file.files})
    assert max(len(event.position) for event in kept) > 100_000
    page = events_page({"one": track_scenes(kept, detector)}, tmp_path / "events.html")
    assert 200_000 < page.stat().st_size < 3_000_000


def test_gaps_part_the_lines(stored: list[EventTracks]) -> None:
    lines = stored[1].lines[1]
    flat = display_tracks._broken(lines)
    assert len(flat) == len(lines.points) + len(lines)
    assert np.isnan(flat[:, 0]).sum() == len(lines)
    assert np.isnan(flat[-1]).all()
    np.testing.assert_array_equal(flat[~np.isnan(flat[:, 0])], lines.points)


def test_panels_name_every_kind(stored: list[EventTracks]) -> None:
    assert stored[0].title in tracks_figure(stored[0]).get_suptitle()
    with look():
        (drawn,) = tracks_figures(stored[:1])
        figure = display_tracks.new_figure(6.0, 3.0)
        display_tracks._panels(figure, stored[0])
    assert base64.b64decode(drawn.source.partition(",")[2]).count(b"<path") > 20
    assert stored[0].definition in drawn.caption
    assert drawn.alt == stored[0].title
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [f"{one.name} ({len(one)})" for one in stored[0].lines if one.status]
    fakes = [line for line in figure.axes[0].lines if line.get_color() == display_tracks._LOOKS[TrackStatus.FAKE][0]]
    assert len(fakes) == 1
    assert fakes[0].get_linestyle() == "--"
