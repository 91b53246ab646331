"""Every edge builder keeps the contract of its room."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.representations import REPRESENTATIONS
from hitforge.representations.graph.edges import EDGES, EdgeBuilder
from tests.toy_tracker import ToyTracker, helices, hits_of, shuffled

DETECTOR = ToyTracker()


def _ready(name: str) -> EdgeBuilder:
    builder = EDGES.build(name, DETECTOR, where="test")
    if builder.depends_on == ("embedding",):  # places beside each other where the direction is the same
        other = REPRESENTATIONS.build("track_hits", DETECTOR, where="test")
        builder.provide("embedding", lambda batch: batch["nodes"][:, [2, 3, 4]], other)
    elif builder.depends_on == ("filter",):
        other = REPRESENTATIONS.build("track_graph", DETECTOR, where="test")
        from hitforge.core.progress import Progress

        other.fit(lambda: [helices([40] * 6)], Progress())
        builder.provide("filter", lambda batch: 1 - np.abs(batch["edges"][:, :1]), other)
    builder.fit(hits_of(helices([60] * 40, seed=9)))
    return builder


@pytest.fixture(scope="module", params=EDGES.names())
def builder(request: pytest.FixtureRequest) -> EdgeBuilder:
    return _ready(request.param)


def test_edges_are_sorted_distinct_and_join_layers(builder: EdgeBuilder) -> None:
    for hits in hits_of(helices([30, 5, 60])):
        source, destination = builder.build(hits)
        assert source.dtype == destination.dtype == np.int32
        key = source.astype(np.int64) * len(hits) + destination
        assert (np.diff(key) > 0).all()
        assert (hits.layer[source] != hits.layer[destination]).all()
        assert (hits.r[source] < hits.r[destination]).all()
        assert len(source) > 0.3 * len(hits)


def test_no_hits_and_one_hit_give_no_edges(builder: EdgeBuilder) -> None:
    for noise in (0, 1):
        (hits,) = hits_of(helices([0], noise=noise))
        assert len(hits) == noise
        source, destination = builder.build(hits)
        assert len(source) == len(destination) == 0


def test_order_of_hits_does_not_matter(builder: EdgeBuilder) -> None:
    events = helices([40])
    other, order = shuffled(events)
    (hits,), (moved,) = hits_of(events), hits_of(other)
    first, second = builder.build(hits), builder.build(moved)
    there = sorted(zip(order[second[0]].tolist(), order[second[1]].tolist(), strict=True))
    assert there == sorted(zip(first[0].tolist(), first[1].tolist(), strict=True))


def test_state_makes_the_same_builder_again(builder: EdgeBuilder) -> None:
    (hits,) = hits_of(helices([50], seed=3))
    if builder.depends_on:
        assert builder.state() == {}
        return
    fresh = EDGES.build(builder.name, DETECTOR, where="test")
    fresh.set_state(builder.state())
    for a, b in zip(fresh.build(hits), builder.build(hits), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", EDGES.names())
def test_unready_builder_and_wrong_network_are_refused(name: str) -> None:
    builder = EDGES.build(name, DETECTOR, where="test")
    (hits,) = hits_of(helices([3]))
    with pytest.raises(RunError, match=r"must be fitted first|needs the network"):
        builder.build(hits)
    with pytest.raises(ConfigError, match="uses no other network"):
        builder.provide(
            "nonsense", lambda batch: batch["nodes"], REPRESENTATIONS.build("track_hits", DETECTOR, where="test")
        )


@pytest.mark.parametrize("name", ["geometric", "module_map"])
def test_events_without_particles_teach_nothing(name: str) -> None:
    builder = EDGES.build(name, DETECTOR, where="test")
    with pytest.raises(DataError, match="true pairs"):
        builder.fit(hits_of(helices([0, 0])))
    with pytest.raises(DataError, match="true pairs"):
        builder.fit([])
