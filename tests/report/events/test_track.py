from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest

from hitforge.objects.track.display_data import TrackStatus
from hitforge.report.events import _track as display_tracks
from hitforge.report.events import pictures_for
from hitforge.report.events._track import tracks_figures, tracks_page, tracks_picture
from hitforge.report.events._track_view import EventTracks, stored_events
from hitforge.report.style import look
from tests.drawn_tracks import explain_tracks, found_tracks, helices

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> list[EventTracks]:
    events, _ = helices()
    folder = tmp_path_factory.mktemp("stored")
    explain_tracks(events, found_tracks(events), folder)
    with np.load(folder / "display_track.npz", allow_pickle=False) as file:
        return stored_events({name: file[name] for name in file.files})


def test_page_of_several_events_carries_the_library_once(stored: list[EventTracks], tmp_path: Path) -> None:
    text = tracks_page(stored, tmp_path / "tracks.html").read_text(encoding="utf-8")
    assert not re.search(r"""<(script|link|img|iframe)[^>]*\b(src|href)\s*=""", text)
    assert len(text) < 6e6
    assert text.count('<div id="event_') == 3
    content = text[text.index("Plotly.newPlot(") :]
    for event in stored:
        assert f"<h2>{event.title}</h2>" in text
    for part in ("missed particle (1)", "fake (1)", "duplicate (1)", "what went wrong", "around the beam"):
        assert content.count(part) >= 3
    assert "|eta| \\u003c" not in text
    assert "|eta| &lt; 2.5" in text  # told in words, and no tag


def test_page_of_true_particles(tmp_path: Path) -> None:
    events, detector = helices()
    text = pictures_for(detector).event_page(events, 0, detector, tmp_path / "event.html").read_text(encoding="utf-8")
    content = text[text.index("Plotly.newPlot(") :]
    for part in ("volume 8", "volume 13", "true, 1 to 5 GeV", "layer %{customdata[1]}"):
        assert part in content
    assert "what went wrong" not in content
    assert (
        pictures_for(detector).event_picture(events, 0, detector, tmp_path / "event.png").read_bytes().startswith(PNG)
    )


def test_many_hits_are_thinned_and_that_is_told(
    stored: list[EventTracks], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display_tracks, "MAX_POINTS", 100)
    text = tracks_page(stored[1:2], tmp_path / "tracks.html").read_text(encoding="utf-8")
    assert "hits, one in 5" in text


def test_gaps_part_the_lines(stored: list[EventTracks]) -> None:
    lines = stored[1].lines[1]
    flat = display_tracks._broken(lines)
    assert len(flat) == len(lines.points) + len(lines)
    assert np.isnan(flat[:, 0]).sum() == len(lines)
    assert np.isnan(flat[-1]).all()
    np.testing.assert_array_equal(flat[~np.isnan(flat[:, 0])], lines.points)


def test_panels_name_every_kind(stored: list[EventTracks], tmp_path: Path) -> None:
    assert tracks_picture(stored[0], tmp_path / "a.png").read_bytes().startswith(PNG)
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
