"""What both representations of tracks share: which hits are nodes, and what is true of them."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Collection, Events
from hitforge.representations._tracks import TrackRepresentation, _owners
from hitforge.representations.hits import TRACK_SCALES
from hitforge.representations.hits.track_hits import TrackHits
from tests.targets import tracks
from tests.toy_tracker import ToyTracker, helices


def build(**settings: object) -> TrackRepresentation:
    asked = tracks(settings)
    return TrackHits(TrackHits.Config(azimuth=False, **settings), ToyTracker(), asked)  # type: ignore[arg-type]


def test_features_are_places_in_the_units_of_the_scales() -> None:
    events = helices([10])
    nodes, _ = build().select(events)
    r, z = np.hypot(events.hits["x"], events.hits["y"]), events.hits["z"]
    np.testing.assert_allclose(nodes["features"][:, 0] * TRACK_SCALES[0], r, rtol=1e-5)
    np.testing.assert_allclose(nodes["features"][:, 1] * TRACK_SCALES[1], z, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(np.sinh(2 * nodes["features"][:, 2]) * r, z, rtol=1e-4, atol=1e-2)


def test_pixels_alone_keep_their_places_in_the_event() -> None:
    events = helices([8, 5])
    nodes, tables = build(subsystems="pixel").select(events)
    pixel = events.hits["layer"] < 4
    assert nodes.counts.tolist() == [int(pixel[events.hits.event == i].sum()) for i in range(2)]
    row = events.hits.offsets[nodes.event] + nodes["index"]
    assert (np.diff(row) > 0).all()
    np.testing.assert_array_equal(nodes["x"], events.hits["x"][row])
    assert not nodes["kind"].any()
    assert build(subsystems="pixel").subsystems == (8,)
    assert build().subsystems is None
    assert (tables["particles"]["hits"] <= 8).all()


def test_lost_hits_are_as_if_never_there() -> None:
    events = helices([6])
    lost = np.arange(events.hits.rows) % 3 == 0
    nodes, tables = build().select(events, lost)
    assert nodes.rows == (~lost).sum()
    assert not np.isin(nodes["index"], np.flatnonzero(lost)).any()
    links = events.links.select_rows(~lost[events.links["hit"]])
    size = np.bincount(links["particle"], minlength=6)
    np.testing.assert_array_equal(tables["particles"]["hits"], size)


def test_the_largest_share_owns_a_hit_and_the_first_of_equal_ones() -> None:
    nodes = Collection(np.array([0, 3]), {"x": np.zeros(3)})
    chain = {"node": [0, 0, 1, 1], "particle": [4, 2, 5, 3], "weight": [0.7, 0.3, 0.5, 0.5], "rank": [1, 8, 7, 2]}
    owners = _owners(nodes, Collection(np.array([0, 4]), {name: np.array(v) for name, v in chain.items()}))
    assert owners["particle"].tolist() == [4, 3, -1]
    assert owners["rank"].tolist() == [1, 2, -1]


def test_particles_to_be_found_pass_all_cuts() -> None:
    events = helices([40])
    pt = np.hypot(events.particles["px"], events.particles["py"])
    _, tables = build(min_pt=2.0, min_hits=6).select(events)
    particles = tables["particles"]
    np.testing.assert_array_equal(particles["reconstructable"], (pt >= 2.0) & (particles["hits"] >= 6))
    assert 0 < particles["reconstructable"].sum() < 40


def test_soft_particles_weigh_less() -> None:
    settings, events = build(soft_pt=2.0, soft_weight=0.25), helices([20])
    truth = settings.truth(settings.prepare(events), np.array([0]), "hit")
    soft = (truth[:, 0] >= 0) & (truth[:, 2] < 2.0)
    assert 0 < soft.sum() < len(truth)
    np.testing.assert_array_equal(truth[:, 6], np.where(soft, 0.25, 1.0).astype(np.float32))


def test_events_without_hits_have_no_nodes() -> None:
    events = helices([4, 4])
    empty = Events({n: table.select_rows(table.event == 1) for n, table in events.collections.items()})
    nodes, tables = build().select(empty)
    assert nodes.counts.tolist() == [0, events.hits.counts[1]]
    assert tables["particles"].counts.tolist() == [0, 4]
    sizes = [len(hits) for hits, _, _ in build().each(empty)]
    assert sizes == nodes.counts.tolist()


def test_layers_beyond_the_detector_and_absent_clusters_are_one_clear_line() -> None:
    events = helices([2, 2])
    events.hits["layer"][-1] = 8
    with pytest.raises(DataError, match=r"hits\.layer must be 0 to 7.*got: 8.*event 1"):
        build().select(events)
    bare = Events({"hits": helices([2]).hits})
    with pytest.raises(DataError, match="need the collection clusters; got: only hits"):
        build(clusters=True).select(bare)
    with pytest.raises(DataError, match="truth must come with the events"):
        build().truth(build().prepare(bare), np.array([0]), "hit")


def test_more_particles_than_float32_tells_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = build()
    prepared = whole.prepare(helices([10, 12]))
    monkeypatch.setattr("hitforge.representations._tracks._EXACT", 22)
    assert len(whole.truth(prepared, np.array([0]), "hit"))
    with pytest.raises(DataError, match=r"fewer than 22 particles.*got: 22.*training\.batch_size"):
        whole.truth(prepared, np.array([0, 1]), "hit")
