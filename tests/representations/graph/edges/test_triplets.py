"""Features of triplets against loops over all pairs of edges."""

from __future__ import annotations

import numpy as np

from hitforge.representations.graph.edges._triplets import directions, spreads, triplet_features, true_triplets
from hitforge.representations.graph.edges.geometric import Geometric
from tests.toy_tracker import ToyTracker, helices, hits_of

DETECTOR = ToyTracker()
LAYERS = DETECTOR.layers


def test_features_are_those_of_a_loop_and_true_edges_have_the_smaller_chi() -> None:
    sample = hits_of(helices([40] * 20))
    builder = Geometric(Geometric.Config(), DETECTOR)
    builder.fit(sample)
    spread = spreads([true_triplets(hits, LAYERS, 0.8, 4.0, 3) for hits in sample], LAYERS)
    (hits,) = hits_of(helices([40], seed=6))
    source, destination = builder.build(hits)
    found = triplet_features(hits.r, hits.phi, hits.z, hits.layer, LAYERS, source, destination, spread)
    angle, slope = directions(hits.r, hits.phi, hits.z, source, destination)
    chis: list[tuple[list[float], list[float]]] = [([], []) for _ in source]
    for e in range(len(source)):
        for f in np.flatnonzero(source == destination[e]):
            key = (hits.layer[source[e]] * LAYERS + hits.layer[destination[e]]) * LAYERS + hits.layer[destination[f]]
            if spread[key, 0] > 0:
                chi = np.hypot((angle[f] - angle[e]) / spread[key, 0], (slope[f] - slope[e]) / spread[key, 1])
                chis[e][1].append(chi)
                chis[f][0].append(chi)
    for e, sides in enumerate(chis):
        expected = [
            value
            for side in sides
            for value in (
                np.log(min([50.0, *side]) + 0.3),
                np.log1p(sum(chi < 3 for chi in side)),
                np.log1p(sum(chi < 10 for chi in side)),
            )
        ]
        np.testing.assert_allclose(found[e], expected, rtol=1e-4, atol=1e-6)
    assert hits.truth is not None
    true = {*zip(hits.truth.source.tolist(), hits.truth.destination.tolist(), strict=True)}
    good = np.array([edge in true for edge in zip(source.tolist(), destination.tolist(), strict=True)])
    assert np.median(found[good][:, 0]) < np.median(found[~good][:, 0]) - 0.5


def test_spread_is_the_scaled_median_of_triplets_seen_often() -> None:
    bends = np.stack([np.arange(-4.0, 5.0), np.arange(9.0)], axis=1)
    table = spreads([(np.full(9, 11), bends), (np.full(4, 12), bends[:4])], 3)
    np.testing.assert_allclose(table[11], [1.5 * 2 + 1e-5, 1.5 * 4 + 1e-7])
    assert not table[12].any()
    assert not spreads([], 3).any()


def test_a_graph_without_edges_has_no_features() -> None:
    nothing = np.zeros(0)
    none = np.zeros(0, np.int32)
    out = triplet_features(nothing, nothing, nothing, none, LAYERS, none, none, np.zeros((LAYERS**3, 2), np.float32))
    assert out.shape == (0, 6)
