"""Edges between neighbours in a learned space."""

from __future__ import annotations

from typing import Any

import numpy as np

from hitforge.representations.graph.edges.embedding import Embedding
from hitforge.representations.hits.track_hits import TrackHits
from tests.targets import target
from tests.toy_tracker import ToyTracker, helices, hits_of

DETECTOR = ToyTracker()


def _edges(max_neighbours: int, subsystems: str, network: Any) -> tuple[Any, Any]:
    builder = Embedding(Embedding.Config(radius=0.05, max_neighbours=max_neighbours), DETECTOR)
    builder.provide(
        "embedding", network, TrackHits(TrackHits.Config(), DETECTOR, target("track", subsystems=subsystems))
    )
    (hits,) = hits_of(helices([25], seed=2))
    return hits, set(zip(*(part.tolist() for part in builder.build(hits)), strict=True))


def test_edges_are_all_near_pairs_of_different_layers_from_the_inside_out() -> None:
    hits, found = _edges(1000, "all", lambda batch: batch["nodes"][:, 2:5])
    place = np.stack([hits.eta / 2, np.cos(hits.phi), np.sin(hits.phi)], axis=1).astype(np.float32)
    expected = set()
    for i in range(len(hits)):
        for j in range(len(hits)):
            near = ((place[i] - place[j]) ** 2).sum() < 0.05**2
            if near and hits.layer[i] != hits.layer[j] and hits.r[i] < hits.r[j]:
                expected.add((i, j))
    assert found == expected
    assert found


def test_fewer_neighbours_give_fewer_edges_and_unknown_hits_none() -> None:
    _, every = _edges(1000, "all", lambda batch: batch["nodes"][:, 2:5])
    _, few = _edges(1, "all", lambda batch: batch["nodes"][:, 2:5])
    assert few < every
    hits, pixels = _edges(1000, "pixel", lambda batch: batch["nodes"][:, 2:5])
    assert pixels == {(i, j) for i, j in every if hits.kind[i] == hits.kind[j] == 0}
