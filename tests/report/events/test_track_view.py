from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Events
from hitforge.objects.track.display_data import TrackStatus
from hitforge.report.events import _track_view as event_tracks
from hitforge.report.events._track_view import EventTracks, stored_events, true_event
from tests.drawn_tracks import RADII, explain_tracks, found_tracks, helices


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    events, _ = helices()
    folder = tmp_path_factory.mktemp("stored")
    explain_tracks(events, found_tracks(events), folder)
    with np.load(folder / "display_track.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _of(event: EventTracks, status: int) -> event_tracks.Lines:
    return next(one for one in event.lines if one.status == status)


def test_each_kind_has_its_lines(arrays: dict[str, np.ndarray]) -> None:
    events = stored_events(arrays)
    assert len(events) == 3
    assert stored_events({}) == []
    for event in events:
        assert [one.status for one in event.lines] == [
            TrackStatus.OTHER,
            TrackStatus.FOUND,
            TrackStatus.DUPLICATE,
            TrackStatus.FAKE,
            TrackStatus.MISSED,
        ]
        assert (
            len(_of(event, TrackStatus.MISSED))
            == len(_of(event, TrackStatus.FAKE))
            == len(_of(event, TrackStatus.DUPLICATE))
            == 1
        )
        found = _of(event, TrackStatus.FOUND)
        assert f"{len(found)} of {len(found) + 1} particles found, fakes: 1, duplicates: 1" in event.title
        assert "double" not in event.note
        assert "more than half" in event.definition


def test_lines_run_outwards_through_hits(arrays: dict[str, np.ndarray]) -> None:
    for event in stored_events(arrays):
        for lines in event.lines:
            for row in range(len(lines)):
                points = lines.points[lines.offsets[row] : lines.offsets[row + 1]]
                radius = np.hypot(points[:, 0], points[:, 1])
                assert (np.diff(radius) > 0).all() or lines.status == TrackStatus.FAKE
                if lines.status == TrackStatus.MISSED:  # begins where the particle did, on the beam line
                    assert radius[0] == 0.0
                    radius = radius[1:]
                if lines.status in (TrackStatus.FOUND, TrackStatus.MISSED):
                    np.testing.assert_allclose(radius, RADII, rtol=1e-5)


def test_text_tells_the_fit_and_the_truth(arrays: dict[str, np.ndarray]) -> None:
    event = stored_events(arrays)[1]
    assert _of(event, TrackStatus.FOUND).text[0].startswith("track: pT ")
    assert "100 % of one particle\ntrue π" in _of(event, TrackStatus.FOUND).text[0]
    assert "33 % of one particle" in _of(event, TrackStatus.FAKE).text[0]
    assert _of(event, TrackStatus.MISSED).text[0].startswith("true π")
    assert "10 hits" in _of(event, TrackStatus.MISSED).text[0]


def test_only_the_hardest_are_kept_of_many(arrays: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = stored_events(arrays)[1]
    monkeypatch.setitem(event_tracks.MAX_LINES, TrackStatus.FOUND, 3)
    few = stored_events(arrays)[1]
    left = len(_of(whole, TrackStatus.FOUND)) - 3
    assert len(_of(few, TrackStatus.FOUND)) == 3
    assert few.title == whole.title
    assert few.note == f"not drawn: {left} of 'found'"
    momentum = [float(text.split()[2]) for text in _of(few, TrackStatus.FOUND).text]
    assert momentum == sorted((float(text.split()[2]) for text in _of(whole, TrackStatus.FOUND).text), reverse=True)[:3]


def test_true_particles_by_momentum() -> None:
    events, detector = helices()
    event = true_event(events, 2, detector)
    pt = np.hypot(events.particles["px"], events.particles["py"])[events.particles.event == 2]
    names = {one.name: len(one) for one in event.lines}
    assert names["true, pT > 5 GeV"] == (pt > 5).sum()
    assert names["true, 0.5 to 1 GeV"] == ((pt > 0.5) & (pt <= 1)).sum()
    assert event.title.startswith("event 2: mu 20, 430 hits, 40 particles")
    assert event.definition == event.note == ""
    assert event.sensors is not None
    across, along = event.sensors
    assert across.shape[1:] == along.shape[1:] == (2, 2)
    assert len(along) == len(RADII)  # the same from all sides


def test_events_without_truth_hits_or_number() -> None:
    events, detector = helices()
    bare = true_event(Events({"hits": events.hits}), 0, detector)
    assert bare.lines == ()
    assert len(bare.position) == 230
    with pytest.raises(DataError, match="between 0 and 3"):
        true_event(events, 4, detector)
    empty = Events({"hits": events.hits.select_rows(events.hits.event > 0)})
    with pytest.raises(DataError, match="must have hits"):
        true_event(empty, 0, detector)


def test_tracks_without_a_fit_are_told_by_their_hits(tmp_path: Path) -> None:
    events, _ = helices()
    explain_tracks(events, found_tracks(events, fitted=False), tmp_path)
    with np.load(tmp_path / "display_track.npz", allow_pickle=False) as file:
        event = stored_events({name: file[name] for name in file.files})[0]
    assert _of(event, TrackStatus.FOUND).text[0].startswith("track: 10 hits, 100 %")
