from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError, DataError
from hitforge.tasks.track_building import BUILDERS, TrackBuilder
from tests.tasks.track_building.scored_graphs import Graph, random_graph


def build(**values: object) -> TrackBuilder:
    return BUILDERS.build({"name": "connected_components", **values}, where="test")


def test_edges_at_the_threshold_are_kept() -> None:
    graph = Graph()
    first, second = graph.chain(4, score=0.5), graph.chain(4, score=0.875)
    graph.edge(first[1], second[2], 0.25)
    assert graph.build(build(threshold=0.5), 3) == [set(first), set(second)]
    assert graph.build(build(threshold=0.75), 3) == [set(second)]
    assert graph.build(build(threshold=0.2), 3) == [set(first) | set(second)]


def test_short_tracks_are_dropped() -> None:
    graph = Graph()
    graph.chain(3)
    long = graph.chain(5)
    assert graph.build(build(), 4) == [set(long)]


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_true_edges_alone_give_the_particles(seed: int) -> None:
    graph, truth = random_graph(seed, layers=8, particles=6, wrong=0)
    found = graph.build(build(), 1)
    assert {frozenset(track) for track in found} == {frozenset(hits) for hits in truth if hits}


def test_inner_hits_stand_first() -> None:
    xyz = np.array([[50.0, 0, 0], [0, 30.0, 0], [0, 40.0, 0]])
    member, hit, count = build().build(np.array([1, 2]), np.array([2, 0]), np.ones(2), np.arange(3), 3, xyz, 3)
    assert (member.tolist(), hit.tolist(), count) == ([0, 0, 0], [1, 2, 0], 1)


def test_an_event_without_hits_has_no_tracks() -> None:
    none = np.zeros(0)
    member, hit, count = build().build(none.astype(int), none.astype(int), none, none, 0, np.zeros((0, 3)), 3)
    assert (len(member), len(hit), count) == (0, 0, 0)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="join hits"):
        build().build(np.array([0]), np.array([5]), np.ones(1), np.zeros(2), 2, np.zeros((2, 3)), 3)
    with pytest.raises(ConfigError, match="threshold"):
        build(threshold=1.5)
