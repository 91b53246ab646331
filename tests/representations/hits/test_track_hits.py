"""Nodes of tracks and their truth."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.representations.hits.track_hits import TrackHits
from tests.targets import tracks
from tests.toy_tracker import ToyTracker, helices, shuffled

DETECTOR = ToyTracker()


def _made(**settings: object) -> TrackHits:
    asked = tracks(settings)
    return TrackHits(TrackHits.Config(**settings), DETECTOR, asked)


def test_batch_has_the_promised_shapes_and_features() -> None:
    representation, events = _made(clusters=True), helices([20, 0, 5], noise=7)
    batch = representation.batch(representation.prepare(events), np.array([2, 0]))
    shapes, labels = representation.shapes(), representation.labels()
    hits = events.take(np.array([2, 0])).hits
    assert batch.keys() == shapes.keys()
    for name, values in batch.items():
        assert values.shape == (hits.rows, *shapes[name])
        assert values.dtype == (np.float32 if name in ("nodes", "place") else np.int32)
    assert labels["nodes"] == ["r", "z", "eta", "size_u", "size_v", "charge", "cos_phi", "sin_phi"]
    r = np.hypot(hits["x"], hits["y"])
    expected = [r / 500, hits["z"] / 1500, np.arcsinh(hits["z"] / r) / 2, *[np.full(hits.rows, np.log(3))] * 3]
    expected += [hits["x"] / r, hits["y"] / r]
    np.testing.assert_allclose(batch["nodes"], np.stack(expected, axis=1), atol=1e-5)
    assert labels["place"] == ["cos_phi", "sin_phi", "r", "z"]
    for column, name in enumerate(labels["place"]):
        np.testing.assert_array_equal(batch["place"][:, column], batch["nodes"][:, labels["nodes"].index(name)])
    np.testing.assert_array_equal(batch["layer"], hits["layer"])
    np.testing.assert_array_equal(batch["kind"], hits["layer"] >= 4)
    np.testing.assert_array_equal(batch["event"], hits.event)


def test_truth_of_hits_is_that_of_their_particle() -> None:
    representation, events = (
        _made(min_pt=1.0, soft_pt=0.8, soft_weight=0.25, min_hits=6),
        helices([20, 30], overlap=0.3),
    )
    prepared = representation.prepare(events)
    order = np.array([1, 0])
    truth, turned = representation.truth(prepared, order, "hit"), events.take(order)
    hits, links, particles = turned.hits, turned.links, turned.particles
    owner = np.full(hits.rows, -1)
    owner[hits.offsets[links.event] + links["hit"]] = particles.offsets[links.event] + links["particle"]
    np.testing.assert_array_equal(truth[:, 0], owner)
    real = owner >= 0
    pt = np.hypot(particles["px"], particles["py"])
    count = np.bincount(owner[real], minlength=particles.rows)
    np.testing.assert_allclose(truth[real, 2], pt[owner[real]], rtol=1e-5)
    np.testing.assert_allclose(truth[real, 4], np.arctan2(particles["py"], particles["px"])[owner[real]], rtol=1e-4)
    np.testing.assert_array_equal(truth[real, 5], count[owner[real]])
    np.testing.assert_array_equal(truth[real, 7], ((pt >= 1) & (count >= 6))[owner[real]])
    np.testing.assert_allclose(truth[:, 6], np.where(real & (truth[:, 2] < 0.8), 0.25, 1))
    for p in np.unique(owner[real]):  # hits on one layer have one rank, and ranks count layers
        layers, rank = hits["layer"][owner == p], truth[owner == p, 1]
        np.testing.assert_array_equal(rank, np.searchsorted(np.unique(layers), layers))
    assert (truth[~real, 1:6] == np.array([-1, 0, 0, 0, 0])).all()


def test_shared_hit_belongs_to_the_larger_share() -> None:
    events = helices([2], noise=0, overlap=0)
    links = {name: values.copy() for name, values in events.links.columns.items()}
    shared = int(links["hit"][links["particle"] == 0][0])
    links["weight"][(links["hit"] == shared)] = 0.4
    links = {
        "hit": np.append(links["hit"], shared),
        "particle": np.append(links["particle"], 1),
        "weight": np.append(links["weight"], 0.6),
    }
    parts = dict(events.collections) | {"links": Collection.from_counts(np.array([len(links["hit"])]), links)}
    representation = _made()
    truth = representation.truth(representation.prepare(Events(parts)), np.array([0]), "hit")
    assert truth[shared, 0] == 1


def test_pixels_alone_leave_out_strips_and_name_the_hits() -> None:
    representation, events = _made(subsystems="pixel"), helices([20, 10])
    assert representation.subsystems == representation.tracker.pixel_volumes
    assert _made().subsystems is None
    prepared = representation.prepare(events)
    index = representation.hit_index(prepared, np.array([1]))
    hits = events.take(np.array([1])).hits
    np.testing.assert_array_equal(index, np.flatnonzero(hits["layer"] < 4))
    assert not representation.batch(prepared, np.array([0, 1]))["kind"].any()
    assert representation.truth(prepared, np.array([0]), "hit")[:, 5].max() < 9  # hits in the pixels


def test_augmentation_turns_and_takes_wedges_and_truth_follows() -> None:
    representation, events = _made(wedges=4, wedge_margin=0.05), helices([60, 60])
    prepared, index = representation.prepare(events), np.array([0, 1])
    whole = representation.batch(prepared, index)
    part = representation.batch(prepared, index, np.random.default_rng(3))
    truth = representation.truth(prepared, index, "hit", np.random.default_rng(3))
    assert 0.15 < len(part["nodes"]) / len(whole["nodes"]) < 0.4
    assert len(truth) == len(part["nodes"])
    np.testing.assert_allclose(np.hypot(*part["nodes"][:, 3:].T), 1, atol=1e-5)
    again = representation.batch(prepared, index, np.random.default_rng(3))
    for name in part:
        np.testing.assert_array_equal(part[name], again[name])


@pytest.mark.parametrize("wedges", [1, 3])
def test_azimuth_of_the_particles_is_turned_and_mirrored_with_their_hits(wedges: int) -> None:
    representation = _made(wedges=wedges)
    prepared, index = representation.prepare(helices([40] * 6)), np.arange(6)

    def away(seed: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        first, second = (None if seed is None else np.random.default_rng(seed) for _ in range(2))
        batch = representation.batch(prepared, index, first)
        truth = representation.truth(prepared, index, "hit", second)
        real = truth[:, 0] >= 0
        assert not truth[~real, 4].any()
        assert np.abs(truth[:, 4]).max() <= np.float32(np.pi)
        turned = np.arctan2(batch["nodes"][real, 4], batch["nodes"][real, 3]) - truth[real, 4]
        return np.arctan2(np.sin(turned), np.cos(turned)), batch["event"][real], truth[real, 4]

    before, _, whole = away(None)
    keep = np.ones(len(before), bool)
    if wedges > 1:
        nodes = prepared.ragged.take(index)
        kept = representation._draw(nodes, index, np.random.default_rng(5))[1]
        keep = kept[nodes["particle"] >= 0]
    after, event, phi = away(5)
    signs = set()
    for number in range(6):
        own = event == number
        sign = np.sign(np.dot(after[own], before[keep][own]))
        np.testing.assert_allclose(after[own], sign * before[keep][own], atol=1e-5)
        assert np.abs(phi[own] - whole[keep][own]).max() > 0.1
        signs.add(float(sign))
    assert signs == {-1.0, 1.0}
    plain = _made(azimuth=False)  # where nothing says the azimuth of a hit, none is turned
    truth = plain.truth(prepared, index, "hit", np.random.default_rng(5))
    np.testing.assert_array_equal(truth, plain.truth(prepared, index, "hit"))


def test_events_without_hits_and_without_truth() -> None:
    representation, events = _made(), helices([0, 4], noise=0)
    prepared = representation.prepare(events)
    assert representation.batch(prepared, np.array([0]))["nodes"].shape == (0, 5)
    assert representation.truth(prepared, np.array([0]), "hit").shape == (0, 9)
    bare = Events({"hits": events.hits})
    with pytest.raises(DataError, match="truth must come"):
        representation.truth(representation.prepare(bare), np.array([0]), "hit")


def test_order_of_hits_only_orders_nodes() -> None:
    representation, events = _made(), helices([20])
    other, order = shuffled(events)
    first, second = (representation.batch(representation.prepare(e), np.array([0])) for e in (events, other))
    np.testing.assert_array_equal(first["nodes"][order], second["nodes"])
    truth = [representation.truth(representation.prepare(e), np.array([0]), "hit") for e in (events, other)]
    np.testing.assert_array_equal(truth[0][order], truth[1])


def test_wrong_detector_layer_and_missing_clusters_are_refused() -> None:
    with pytest.raises(ConfigError, match="track_hits"):
        TrackHits(TrackHits.Config(), DETECTORS.build("pixel_grid", where="test"))
    events = helices([3])
    with pytest.raises(DataError, match="clusters"):
        _made(clusters=True).prepare(Events({"hits": events.hits}))
    with pytest.raises(ConfigError, match="edge"):
        _made().truth(_made().prepare(events), np.array([0]), "edge")
    events.hits["layer"][2] = 8
    with pytest.raises(DataError, match="0 to 7"):
        _made().prepare(events)


def test_places_are_turned_with_the_features_and_absent_without_azimuth() -> None:
    representation, events = _made(wedges=4), helices([20, 5], noise=7)
    batch = representation.batch(representation.prepare(events), np.arange(2), np.random.default_rng(1))
    names = representation.labels()["nodes"]
    columns = [names.index(name) for name in representation.labels()["place"]]
    assert 0 < len(batch["place"]) < events.hits.rows
    np.testing.assert_array_equal(batch["place"], batch["nodes"][:, columns])
    plain = _made(azimuth=False)
    assert "place" not in plain.batch(plain.prepare(events), np.arange(2))
    assert "place" not in plain.shapes().keys() | plain.labels().keys()
