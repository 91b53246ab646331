"""Order of hits along particles, true pairs and labels against loops."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.events import Collection
from hitforge.representations.graph.edges._truth import along, label, pairs
from tests.toy_tracker import helices, hits_of, true_set


def test_true_pairs_of_a_helix_join_neighbouring_layers_with_overlaps() -> None:
    events = helices([20, 0, 35], overlap=0.3)
    for number, hits in enumerate(hits_of(events)):
        one = events.take(np.array([number]))
        expected = set()
        for particle in range(one.particles.rows):
            own = one.links["hit"][one.links["particle"] == particle]
            layers = np.unique(one.hits["layer"][own])
            for a, b in pairwise(layers):
                low, high = (own[one.hits["layer"][own] == layer] for layer in (a, b))
                expected |= {(int(i), int(j)) for i in low for j in high}
        assert hits.truth is not None
        assert true_set(hits.truth) == expected


def test_hits_are_counted_from_the_vertex_and_a_shared_hit_is_on_both_tracks() -> None:
    table = {"x": np.array([40.0, 10.0, 25.0, 30.0]), "y": np.zeros(4), "z": np.zeros(4)}
    hits = Collection(np.array([0, 4]), table | {"layer": np.array([3, 0, 1, 2]), "node": np.array([0, 1, -1, 2])})
    particles = Collection(np.array([0, 2]), {"vx": np.array([0.0, 50.0]), "vy": np.zeros(2), "vz": np.zeros(2)})
    link = {"hit": np.array([0, 1, 2, 0, 1, 3, 3]), "particle": np.array([0, 0, 0, 1, 1, 1, 1]), "weight": np.ones(7)}
    chain, _ = along(hits, Collection(np.array([0, 7]), link), particles)
    assert chain["particle"].tolist() == [0, 0, 1, 1, 1]
    assert chain["node"].tolist() == [1, 0, 0, 2, 1]  # the second particle comes from outside; its double link is one
    assert chain["rank"].tolist() == [0, 1, 0, 1, 2]
    source, destination, owner = pairs(chain["node"], chain["particle"], chain["rank"])
    assert list(zip(source, destination, owner, strict=True)) == [(1, 0, 0), (0, 2, 1), (2, 1, 1)]


@given(st.integers(0, 2**31), st.integers(2, 30))
@settings(max_examples=40, deadline=None)
def test_labels_are_those_of_a_loop(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    owner = np.sort(random.integers(0, 4, 25)).astype(np.int32)
    true = random.integers(0, count, (2, 25)).astype(np.int32)
    true[1] = np.where(true[0] == true[1], (true[1] + 1) % count, true[1])
    edges = np.unique(random.integers(0, count, (60, 2)), axis=0)
    edges = edges[edges[:, 0] < edges[:, 1]].astype(np.int32)
    grade = random.integers(1, 3, 4).astype(np.uint8)
    source, destination = np.ascontiguousarray(edges[:, 0]), np.ascontiguousarray(edges[:, 1])
    found, have, held, largest = label(source, destination, *true, owner, grade, count, 4)
    there = {tuple(edge): i for i, edge in enumerate(edges.tolist())}
    expected = np.zeros(len(edges), int)
    for p in range(4):
        mine = [tuple(sorted(pair)) for pair in true[:, owner == p].T.tolist()]
        assert have[p] == len(mine)
        assert held[p] == sum(pair in there for pair in mine)
        pieces = [{i} for i in range(count)]
        for pair in mine:
            if pair in there:
                expected[there[pair]] = max(expected[there[pair]], grade[p])
                a, b = (next(piece for piece in pieces if i in piece) for i in pair)
                if a is not b:
                    pieces.remove(b)
                    a |= b
        most = max(len(piece) for piece in pieces)
        assert largest[p] == (most if most > 1 else 0)
    assert found.tolist() == expected.tolist()
