"""What tasks that find tracks do last: short tracks may be cut, and the others are fitted."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.objects import Candidates
from hitforge.tasks.classify_edges import ClassifyEdges
from hitforge.tasks.track_fitting.quality_cut import QualityCut
from tests.targets import target
from tests.toy_tracker import ToyTracker, helices
from tests.track_events import event, members

TRACKER = ToyTracker()


def build(**settings: object) -> ClassifyEdges:
    return ClassifyEdges(ClassifyEdges.Config(**settings))


def true_tracks(events: Events) -> Collection:
    """The hits of each particle."""
    links = events.links
    return Collection(links.offsets, {"track": links["particle"], "hit": links["hit"]})


def test_without_cut_and_fit_nothing_changes() -> None:
    found = Candidates(members([[0, 1, 2]]))
    assert build().refine(event([[0]] * 3), found, TRACKER) is found


def test_parameters_of_the_fit_stand_beside_what_was_told() -> None:
    events = helices([9, 9], noise=0)
    tracks = true_tracks(events)
    count = events.particles.counts
    told = Collection.from_counts(count, {"pt": np.arange(count.sum(), dtype=np.float32)})
    task = build(fit={"name": "helix"})
    refined = task.refine(events, Candidates(tracks, told), TRACKER)
    assert refined.parameters is not None
    assert {"pt", "q_over_p", "phi", "theta"} <= refined.parameters.columns.keys()
    assert refined.parameters["pt"].tolist() == told["pt"].tolist()
    assert np.isfinite(refined.parameters["q_over_p"]).all()
    assert refined.seconds["fit"].shape == (len(events),)
    alone = task.refine(events, Candidates(tracks), TRACKER).parameters
    assert alone is not None
    assert "pt" not in alone.columns
    np.testing.assert_array_equal(alone["q_over_p"], refined.parameters["q_over_p"])


def test_what_stays_is_numbered_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    tracks = [[[5 * k + i for i in range(5)] for k in range(12)]] * 3
    events = Events.concatenate([event([[k] for k in range(12) for _ in range(5)])] * 3)
    found = members(*tracks)
    stay = np.arange(36) % 3 != 1
    monkeypatch.setattr(QualityCut, "keep", lambda *_: stay)
    told = Collection.from_counts(np.full(3, 12), {"pt": np.arange(36, dtype=np.float32)})
    refined = build(quality_cut=QualityCut()).refine(events, Candidates(found, told), TRACKER)
    assert refined.parameters is not None
    assert refined.parameters["pt"].tolist() == np.flatnonzero(stay).tolist()
    assert len(refined.seconds["quality_cut"]) == 3
    for one in range(3):
        old, new = found.slice(one, one + 1), refined.members.slice(one, one + 1)
        for number, before in enumerate(np.flatnonzero(stay[12 * one : 12 * one + 12])):
            assert set(new["hit"][new["track"] == number]) == set(old["hit"][old["track"] == before])
        assert new["track"].max() == 7


def test_tracks_are_fitted_in_trackers_alone() -> None:
    hgcal = DETECTORS.build("hgcal", where="test")
    with pytest.raises(ConfigError, match="a fit of tracks"):
        build(fit={"name": "helix"}).refine(event([[0]] * 3), Candidates(members([[0, 1, 2]])), hgcal)


def test_the_target_says_which_tracks_are_too_short() -> None:
    assert build().min_track_hits == 3
    assert ClassifyEdges(ClassifyEdges.Config(), object_kind=target("track", min_track_hits=7)).min_track_hits == 7
