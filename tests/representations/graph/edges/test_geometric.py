"""Geometric edges against all pairs of hits."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.representations.graph.edges import Hits
from hitforge.representations.graph.edges._pairs import quantities
from hitforge.representations.graph.edges.geometric import Geometric
from tests.toy_tracker import ToyTracker, helices, hits_of, true_set

DETECTOR = ToyTracker()


def _brute_force(hits: Hits, builder: Geometric) -> set[tuple[int, int]]:
    windows = builder.windows
    assert windows is not None
    source, destination = (part.ravel() for part in np.meshgrid(*[np.arange(len(hits))] * 2, indexing="ij"))
    key = hits.layer[source] * DETECTOR.layers + hits.layer[destination]
    row = np.searchsorted(windows.key, key).clip(max=len(windows.key) - 1)
    values = quantities(hits.r, hits.phi, hits.z, hits.eta, source, destination)
    low, high = windows.low[row], windows.high[row]
    inside = (windows.key[row] == key) & (np.abs(values[:, :2]) <= high[:, :2]).all(1)
    inside &= ((values[:, 2:] > low[:, 2:]) & (values[:, 2:] < high[:, 2:])).all(1)
    return set(zip(source[inside].tolist(), destination[inside].tolist(), strict=True))


@pytest.mark.parametrize("grow", [1.0, 3.0])
def test_edges_are_all_pairs_in_the_windows(grow: float) -> None:
    builder = Geometric(Geometric.Config(grow=grow, quantile=0.01), DETECTOR)
    builder.fit(hits_of(helices([40] * 20)))
    for hits in hits_of(helices([30, 60, 1], seed=4)):
        found = set(zip(*(part.tolist() for part in builder.build(hits)), strict=True))
        assert found == _brute_force(hits, builder)


def test_widest_window_reaches_around_the_beam_line() -> None:
    builder = Geometric(Geometric.Config(), DETECTOR)
    builder.fit(hits_of(helices([40] * 5)))
    assert builder.windows is not None
    builder.windows.high[:, :2], builder.windows.low[:, :2] = [4.0, 1.0], [-4.0, -1.0]
    (hits,) = hits_of(helices([25], seed=4))
    found = set(zip(*(part.tolist() for part in builder.build(hits)), strict=True))
    assert found == _brute_force(hits, builder)


def test_graph_holds_the_tracks_it_was_learned_from() -> None:
    sample = hits_of(helices([30] * 30))
    builder = Geometric(Geometric.Config(quantile=0.0, share=0.0), DETECTOR)
    builder.fit(sample)
    for hits in sample[:5]:
        assert hits.truth is not None
        found = set(zip(*(part.tolist() for part in builder.build(hits)), strict=True))
        assert true_set(hits.truth) <= found
