"""Tiles of whole events: nothing is lost or found twice, and an event that fits into one tile is seen as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.methods.stopwatch import Stopwatch
from hitforge.methods.tiles import require_tiles, tiles_of, without_doubles
from hitforge.methods.whole_events import find_objects
from hitforge.representations.hits.shower_hits import ShowerHits
from hitforge.representations.hits.track_hits import TrackHits
from hitforge.tasks import Objects

HGCAL = DETECTORS.build("hgcal", where="test")
PLANE = 3221.0
SIZE = 300.0


class Groups:
    """A task that joins hits within 30 mm, as if a network had said so."""

    name, kind, per, outputs = "groups", "shower", "hit", 1

    def objects(self, outputs: Any, inputs: dict[str, np.ndarray]) -> Objects:
        place = inputs["place"][:, 1:].astype(np.float64) * 100
        near = cKDTree(place).sparse_distance_matrix(cKDTree(place), 30.0)
        count, number = connected_components(near, directed=False)
        raw = np.bincount(number, inputs["energy"], count).astype(np.float32)
        score = (raw / (1 + raw)).astype(np.float32)
        hit = np.arange(len(number), dtype=np.int32)
        half = np.full(len(hit), 0.5, np.float32)
        told = {"score": score, "hadron": 0 * score, "energy": 2 * raw}
        return Objects(number.astype(np.int32), hit, count, told, half)

    def nothing(self, inputs: dict[str, np.ndarray]) -> Objects:
        none = np.zeros(0, np.int32)
        names = ("score", "hadron", "energy")
        return Objects(none, none, 0, {name: np.zeros(0, np.float32) for name in names}, np.zeros(0, np.float32))


class Silent:
    """A network that says nothing."""

    def infer(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        return np.zeros((len(inputs["nodes"]), 1), np.float32)


def blobs(centres: np.ndarray, side: int = 1, seed: int = 1, spread: float = 6.0) -> Events:
    """One event with forty hits of 1 GeV about each point of the plane, (K, 2) [mm]."""
    random = np.random.default_rng(seed)
    at = np.repeat(centres, 40, axis=0) + random.normal(0, spread, (40 * len(centres), 2)).clip(-15, 15)
    layer = random.integers(0, 20, len(at))
    z = HGCAL.layers.z[layer]
    place = at * z[:, None] / PLANE
    columns = {
        "x": place[:, 0], "y": place[:, 1], "z": side * z, "energy": np.ones(len(at)), "time": np.zeros(len(at)),
        "cell": np.arange(len(at)), "layer": layer, "subsystem": np.zeros(len(at)),
    }  # fmt: skip
    return Events({"hits": Collection.from_counts(np.array([len(at)]), columns)})


def seen(events: Events, tile: float) -> tuple[list[frozenset[int]], dict[str, np.ndarray]]:
    """Sets of hits of each object, in order, and what is said of them."""
    looks = ShowerHits(ShowerHits.Config(size=SIZE), HGCAL)
    found = find_objects(Silent(), looks, Groups(), events, Stopwatch(), tile)  # type: ignore[arg-type]
    assert found.parameters is not None
    members = found.members
    sets = [frozenset(members["hit"][members["shower"] == k].tolist()) for k in range(found.parameters.rows)]
    return sets, found.parameters.columns


def test_an_event_that_fits_is_seen_as_it_is() -> None:
    events = blobs(np.array([[600.0, 500.0], [660.0, 460.0], [560.0, 420.0]]))
    (whole, told), (tiled, again) = seen(events, 0), seen(events, 280.0)
    assert len(whole) == 3
    assert tiled == whole
    for name, values in told.items():
        np.testing.assert_array_equal(again[name], values)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("edge", [150.0, 200.0, 239.0])
def test_each_object_of_a_large_event_is_found_once(seed: int, edge: float) -> None:
    random = np.random.default_rng(seed)
    lattice = np.stack(np.meshgrid(np.arange(-900, 901, 90.0), np.arange(-900, 901, 90.0)), -1).reshape(-1, 2)
    radius = np.hypot(*lattice.T)
    centres = lattice[(radius > 400) & (radius < 1100)][::2] + random.uniform(-8, 8, 2)
    sets, _ = seen(blobs(centres, seed=seed), edge)
    assert sorted(map(min, sets)) == [40 * k for k in range(len(centres))]
    assert all(len(one) == 40 for one in sets)


def test_times_are_those_of_whole_events() -> None:
    events, watch = blobs(np.random.default_rng(1).uniform(400, 900, (12, 2))), Stopwatch()
    looks = ShowerHits(ShowerHits.Config(size=SIZE), HGCAL)
    find_objects(Silent(), looks, Groups(), events, watch, 150.0)  # type: ignore[arg-type]
    assert {name: len(seconds) for name, seconds in watch.seconds.items()} == dict.fromkeys(
        ("tiles", "representation", "network", "building"), 1
    )


def test_both_sides_are_covered() -> None:
    there, here = blobs(np.array([[600.0, 500.0]])), blobs(np.array([[600.0, 500.0]]), side=-1)
    hits = {name: np.concatenate([there.hits[name], here.hits[name]]) for name in there.hits.columns}
    both = Events({"hits": Collection.from_counts(np.array([80]), hits)})
    sets, _ = seen(both, 200.0)
    assert sorted(map(sorted, sets)) == [list(range(40)), list(range(40, 80))]


def test_tiles_cover_every_hit_once() -> None:
    events = blobs(np.random.default_rng(3).uniform(500, 900, (60, 2)), spread=60.0)
    looks = ShowerHits(ShowerHits.Config(size=SIZE), HGCAL)
    tiles = list(tiles_of(events, looks, 170.0))
    inner = [(np.floor(tile.place + 0.5) == tile.number).all(1) for tile in tiles]
    hits = np.concatenate([tile.hit[inside] for tile, inside in zip(tiles, inner, strict=True)])
    assert sorted(hits.tolist()) == list(range(events.hits.rows))
    for tile, inside in zip(tiles, inner, strict=True):
        seen_hits = looks.hit_index(looks.prepare(tile.event), np.zeros(1, int))
        assert set(np.flatnonzero(inside)) <= set(seen_hits)  # all of a tile's inside is in the region


def test_an_event_of_nothing_has_no_tiles() -> None:
    empty = blobs(np.zeros((0, 2)))
    assert seen(empty, 200.0)[0] == []


def test_wrong_tiles_are_refused() -> None:
    looks = ShowerHits(ShowerHits.Config(size=SIZE), HGCAL)
    with pytest.raises(ConfigError, match="smaller than the region of interest, 300 mm"):
        require_tiles(looks, 300.0)
    tracks: Any = TrackHits.__new__(TrackHits)
    tracks.config = TrackHits.Config()
    with pytest.raises(ConfigError, match="only representations of showers"):
        require_tiles(tracks, 100.0)


def of_tile(*showers: tuple[float, dict[int, float]]) -> Objects:
    """Showers of a tile: score, and the share of each hit."""
    member = np.array([k for k, (_, shares) in enumerate(showers) for _ in shares], np.int32)
    hit = np.array([h for _, shares in showers for h in shares], np.int64)
    weight = np.array([w for _, shares in showers for w in shares.values()], np.float32)
    score = np.array([score for score, _ in showers], np.float32)
    return Objects(member, hit, len(showers), {"score": score}, weight)


def test_what_two_tiles_found_is_kept_once_the_better_one() -> None:
    energy = np.array([5.0, 5.0, 2.0, 8.0, 1.0])
    first = of_tile((0.5, {0: 1.0, 1: 0.9}), (0.9, {2: 1.0}))
    second = of_tile((0.7, {0: 0.8, 1: 1.0}), (0.8, {2: 0.4, 3: 1.0}), (0.6, {3: 0.1, 4: 1.0}))
    third = of_tile((0.6, {0: 0.9, 1: 0.9}), (0.1, {3: 1.0}), (0.3, {}))
    left = without_doubles([first, second, third], energy)
    score = [[round(float(value), 1) for value in one.parameters["score"]] for one in left]
    assert score == [[0.9], [0.7, 0.8, 0.6], [0.3]]
    assert (left[0].member.tolist(), left[0].hit.tolist()) == ([0], [2])
    assert left[1].hit.tolist() == second.hit.tolist()
    within = of_tile((0.9, {0: 0.5}), (0.8, {0: 0.5}))  # of one tile: that is for the task to say
    assert [one.count for one in without_doubles([within, of_tile()], energy)] == [2, 0]
    assert [one.count for one in without_doubles([of_tile(), of_tile()], energy)] == [0, 0]
