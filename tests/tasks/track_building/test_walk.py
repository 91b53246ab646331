from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError, DataError
from hitforge.tasks.track_building import BUILDERS, TrackBuilder
from tests.tasks.track_building.scored_graphs import Graph, random_graph


def build(**values: object) -> TrackBuilder:
    return BUILDERS.build({"name": "walk", **values}, where="test")


@given(st.integers(0, 10_000), st.integers(0, 60))
@settings(max_examples=40)
def test_true_tracks_are_found_among_weak_wrong_edges(seed: int, wrong: int) -> None:
    graph, truth = random_graph(seed, layers=9, particles=5, wrong=wrong)
    tracks = graph.build(build(threshold=0.45), 2)
    if wrong == 0:
        assert sorted(map(sorted, tracks)) == sorted(map(sorted, graph.build(build(), 2)))
    assert {frozenset(track) for track in tracks} == {frozenset(hits) for hits in truth if len(hits) > 1}


@given(st.integers(0, 10_000), st.integers(0, 100))
@settings(max_examples=40)
def test_no_hit_is_in_two_tracks(seed: int, wrong: int) -> None:
    graph, _ = random_graph(seed, layers=7, particles=6, wrong=wrong)
    tracks = graph.build(build(threshold=0.05, certain=0.3), 3)
    assert sum(len(track) for track in tracks) == len(set().union(*tracks))
    assert all(len(track) >= 3 for track in tracks)


def test_hits_on_overlapping_modules_stay_together() -> None:
    graph = Graph()
    hits = graph.chain(6)
    twins = [graph.hit(0), graph.hit(3), graph.hit(5)]
    for twin, inner, outer in ((twins[0], None, hits[1]), (twins[1], hits[2], hits[4]), (twins[2], hits[4], None)):
        if inner is not None:
            graph.edge(inner, twin, 0.97)  # better than the edges of its partner
        if outer is not None:
            graph.edge(twin, outer, 0.9)
    assert graph.build(build()) == [set(hits) | set(twins)]


def test_a_hit_of_the_same_layer_with_one_good_edge_stays_out() -> None:
    graph = Graph()
    hits = graph.chain(6)
    graph.edge(hits[2], graph.hit(3), 0.9)
    assert graph.build(build()) == [set(hits)]


def test_a_layer_may_be_missing() -> None:
    graph = Graph()
    inner, outer = graph.chain(3), graph.chain(3, first=4)
    graph.edge(inner[-1], outer[0], 0.7)
    assert graph.build(build()) == [set(inner) | set(outer)]


def test_two_joined_tracks_come_apart() -> None:
    graph = Graph()
    first, second = graph.chain(9), graph.chain(9)
    graph.edge(first[3], second[4], 0.5)
    graph.edge(second[6], first[7], 0.5)
    assert sorted(map(sorted, graph.build(build()))) == [first, second]


def test_only_the_best_of_uncertain_edges_is_walked() -> None:
    graph = Graph()
    hits = graph.chain(5, score=0.5)
    longer = graph.chain(6, score=0.5, first=2)
    graph.edge(hits[1], longer[0], 0.45)
    assert sorted(map(sorted, graph.build(build()))) == [hits, longer]
    assert sorted(map(sorted, graph.build(build(certain=0.4)))) == [hits[:2] + longer]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="certain must not be below threshold"):
        build(threshold=0.5, certain=0.4)
    with pytest.raises(DataError, match="probability"):
        build().build(np.array([0]), np.array([1]), np.array([2.0]), np.zeros(2), 2, np.zeros((2, 3)), 5)


def test_an_edge_that_leads_back_is_dropped() -> None:
    graph = Graph()
    hits = graph.chain(8)
    graph.edge(hits[6], hits[2], 0.99)
    assert graph.build(build()) == [set(hits)]


def test_an_event_without_edges_has_no_tracks() -> None:
    none = np.zeros(0, np.int32)
    assert build().build(none, none, np.zeros(0), np.zeros(4), 4, np.zeros((4, 3)), 5)[2] == 0
    assert build().build(none, none, np.zeros(0), none, 0, np.zeros((0, 3)), 5)[2] == 0
