from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Events
from hitforge.metrics import METRICS, Predictions
from hitforge.objects.track.display_data import TrackDisplays, TrackStatus
from hitforge.report.events._track import track_scenes
from hitforge.report.events._track_view import stored_events
from tests.drawn_tracks import explain_tracks, found_tracks, helices


def _read(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "display_track.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_statuses_are_those_that_the_metric_counts(tmp_path: Path) -> None:
    events, _ = helices((12, 40, 5))  # three events: all are kept
    predictions = found_tracks(events)
    explain_tracks(events, predictions, tmp_path)
    arrays = _read(tmp_path)
    assert arrays["chosen"].tolist() == [0, 1, 2]
    values = METRICS.build("tracking_efficiency", where="test").compute(predictions, 0).values
    found, missed = ((arrays["particle_status"] == status).sum() for status in (1, 2))
    share = values["technical_efficiency_double_majority"]
    assert share.n == found + missed
    assert share.value == pytest.approx(found / share.n)
    rate = values["fake_rate_double_majority"]
    assert round(rate.value * rate.n) == (arrays["track_status"] == 3).sum() == 3
    rate = values["duplicate_rate_double_majority"]
    assert round(rate.value * rate.n) == (arrays["track_status"] == 4).sum() == 3
    assert (arrays["track_status"] == 1).sum() == found


def test_cuts_of_the_run_are_used(tmp_path: Path) -> None:
    events, _ = helices((12, 40, 5))
    explain_tracks(events, found_tracks(events), tmp_path, min_pt=2.0)
    arrays = _read(tmp_path)
    asked = arrays["particle_pt"][arrays["particle_status"] != 0]
    assert asked.min() > 2.0
    assert "pT > 2 GeV" in str(arrays["definition"])


def test_events_are_chosen_by_their_hits(tmp_path: Path) -> None:
    events, _ = helices((20, 12, 40, 5, 30))
    explain_tracks(events, found_tracks(events), tmp_path)
    arrays = _read(tmp_path)
    assert arrays["chosen"].tolist() == [0, 2, 3]  # the median, the most and the fewest
    assert np.diff(arrays["hit_offsets"]).tolist() == [230, 430, 80]
    assert np.diff(arrays["particle_offsets"]).tolist() == [20, 40, 5]
    assert np.diff(arrays["track_offsets"]).tolist() == [21, 41, 6]


def test_hits_of_particles_and_tracks_are_the_events_own(tmp_path: Path) -> None:
    events, _ = helices((6, 4))
    predictions = found_tracks(events)
    explain_tracks(events, predictions, tmp_path)
    arrays = _read(tmp_path)
    links, members = events.links, predictions.tables["members"]
    for kind, table, column in (("particle", links, "particle"), ("track", members, "track")):
        offsets, flat = arrays[f"{kind}_hit_offsets"], arrays[f"{kind}_hit"]
        assert len(offsets) == arrays[f"{kind}_offsets"][-1] + 1
        assert offsets[-1] == len(flat) == table.rows
        for event in range(2):
            first, last = arrays[f"{kind}_offsets"][event : event + 2]
            for row in range(last - first):
                own = flat[offsets[first + row] : offsets[first + row + 1]]
                true = table["hit"][(table.event == event) & (table[column] == row)]
                assert sorted(own.tolist()) == sorted(true.tolist())


def test_predictions_of_something_else_are_refused(tmp_path: Path) -> None:
    events, _ = helices((6,))
    tables = found_tracks(events).tables
    with pytest.raises(DataError, match="measures tracks"):
        explain_tracks(events, Predictions({}, tables={"members": tables["members"]}), tmp_path)


def test_events_without_truth_are_kept_without_a_match(tmp_path: Path) -> None:
    events, _ = helices((12, 40))
    predictions = found_tracks(events)
    tables = {name: predictions.tables[name] for name in ("tracks", "members")}
    explain_tracks(Events({"hits": events.hits}), Predictions({}, tables=tables), tmp_path)
    arrays = _read(tmp_path)
    assert set(arrays["track_status"].tolist()) == {5}
    assert arrays["particle_offsets"].tolist() == [0, 0, 0]
    assert np.isnan(arrays["track_purity"]).all()
    assert np.diff(arrays["track_offsets"]).tolist() == tables["tracks"].counts.tolist()
    assert arrays["track_hit_offsets"][-1] == len(arrays["track_hit"]) == tables["members"].rows
    for event in stored_events(arrays):
        (lines,) = event.lines
        assert f"{len(lines)} tracks" in event.title
        assert "particle" not in event.title + "".join(lines.text)
    for scene in track_scenes(stored_events(arrays), None):
        assert "what went wrong" not in str(scene.parts)


def test_arrays_are_read_as_they_were(tmp_path: Path) -> None:
    events, _ = helices((12, 40, 5))
    explain_tracks(events, found_tracks(events), tmp_path)
    arrays = _read(tmp_path)
    displays = TrackDisplays.read(arrays)
    again = displays.arrays()
    assert again.keys() == arrays.keys()
    for name, values in arrays.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)


def test_a_track_knows_the_particle_that_it_is_most_of(tmp_path: Path) -> None:
    events, _ = helices((12, 40, 5))
    explain_tracks(events, found_tracks(events), tmp_path)
    displays = TrackDisplays.read(_read(tmp_path))
    for index in range(3):
        particles, tracks = displays.particles.slice(index, index + 1), displays.tracks.slice(index, index + 1)
        first, last = displays.tracks.offsets[index : index + 2]
        held = displays.track_hits.slice(int(first), int(last))
        begin, end = displays.particles.offsets[index : index + 2]
        own = displays.particle_hits.slice(int(begin), int(end))
        for track in np.flatnonzero(tracks["status"] == TrackStatus.FOUND):
            owner = tracks["particle"][track]
            assert particles["status"][owner] == TrackStatus.FOUND
            mine = held["hit"][held.offsets[track] : held.offsets[track + 1]]
            share = np.isin(mine, own["hit"][own.offsets[owner] : own.offsets[owner + 1]]).mean()
            assert share == pytest.approx(tracks["purity"][track])
