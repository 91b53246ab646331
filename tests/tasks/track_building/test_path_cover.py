from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError
from hitforge.tasks.track_building import BUILDERS, TrackBuilder
from tests.tasks.track_building.scored_graphs import Graph, random_graph


def build(**values: object) -> TrackBuilder:
    return BUILDERS.build({"name": "path_cover", **values}, where="test")


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_true_edges_alone_give_the_particles(seed: int) -> None:
    graph, truth = random_graph(seed, layers=9, particles=5, wrong=0)
    graph.score = [0.99] * len(graph.score)
    tracks = graph.build(build(), 2)
    assert {frozenset(track) for track in tracks} == {frozenset(hits) for hits in truth if len(hits) > 1}


@given(st.integers(0, 10_000), st.integers(0, 100))
@settings(max_examples=40)
def test_no_hit_is_in_two_tracks_unless_it_may_be_shared(seed: int, wrong: int) -> None:
    graph, _ = random_graph(seed, layers=7, particles=6, wrong=wrong)
    tracks = graph.build(build(threshold=0.05), 3)
    assert sum(len(track) for track in tracks) == len(set().union(*tracks))
    shared = graph.build(build(threshold=0.05, sharing=14.0), 3)
    uses = np.bincount([hit for track in shared for hit in track], minlength=len(graph.layer))
    assert uses.max(initial=0) <= 2


def test_with_competition_a_longer_stranger_is_no_gain() -> None:
    graph = Graph()
    first, second = graph.chain(8), graph.chain(12, first=2)
    graph.edge(first[4], second[3], 0.5)  # five hits of the first and nine of the second
    assert sorted(map(sorted, graph.build(build(competition=2.0)))) == [first, second]
    assert graph.build(build(competition=0.0))[0] == {*first[:5], *second[3:]}


def test_hits_on_overlapping_modules_stay_together() -> None:
    graph = Graph()
    hits = graph.chain(6)
    twin = graph.hit(3)
    graph.edge(hits[2], twin, 0.93)
    graph.edge(twin, hits[4], 0.96)
    assert graph.build(build()) == [{*hits, twin}]


def test_a_shared_hit_joins_the_halves_of_the_second_track() -> None:
    graph = Graph()
    first = graph.chain(9, score=0.99)
    inner, outer = graph.chain(4), graph.chain(4, first=5)
    graph.edge(inner[-1], first[4], 0.95)
    graph.edge(first[4], outer[0], 0.95)
    assert graph.build(build(sharing=8.0)) == [set(first), {*inner, first[4], *outer}]
    assert graph.build(build()) == [set(first)]


def test_scores_of_nought_and_one_are_no_trouble() -> None:
    graph = Graph()
    hits = graph.chain(7, score=1.0)
    graph.edge(hits[1], hits[3], 0.0)
    assert graph.build(build()) == [set(hits)]
    with pytest.raises(ConfigError, match="threshold"):
        build(threshold=0.0)
