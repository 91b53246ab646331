"""Edges that another network lets through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.progress import Progress
from hitforge.representations.graph.edges.filtered import Filtered
from hitforge.representations.graph.track_graph import TrackGraph
from tests.targets import target
from tests.toy_tracker import ToyTracker, helices, hits_of

DETECTOR = ToyTracker()


@pytest.fixture(scope="module", params=["all", "pixel"])
def other(request: pytest.FixtureRequest) -> TrackGraph:
    graph = TrackGraph(TrackGraph.Config(), DETECTOR, target("track", subsystems=request.param, min_hits=3))
    graph.fit(lambda: [helices([40] * 20)], Progress())
    return graph


def _edges(other: TrackGraph, score: float, network: Any) -> set[tuple[int, int]]:
    builder = Filtered(Filtered.Config(score=score), DETECTOR)
    builder.provide("filter", network, other)
    (hits,) = hits_of(helices([25], seed=2))
    return set(zip(*(part.tolist() for part in builder.build(hits)), strict=True))


def test_edges_above_the_score_stay(other: TrackGraph) -> None:
    prepared = other.prepare(helices([25], seed=2))
    batch, index = other.batch(prepared, np.array([0])), other.hit_index(prepared, np.array([0]))
    logit = batch["edges"][:, 0]
    expected = {
        (int(index[s]), int(index[d]))
        for s, d, value in zip(batch["source"], batch["destination"], logit, strict=True)
        if 1 / (1 + np.exp(-value)) >= 0.5
    }
    assert _edges(other, 0.5, lambda batch: batch["edges"][:, :1]) == expected
    assert 0 < len(expected) < len(logit)


def test_bounds_of_the_score_keep_all_and_none(other: TrackGraph) -> None:
    prepared = other.prepare(helices([25], seed=2))
    assert len(_edges(other, 0.0, lambda batch: batch["edges"][:, :1])) == prepared.tables["edges"].rows
    assert not _edges(other, 1.0, lambda batch: batch["edges"][:, :1])
