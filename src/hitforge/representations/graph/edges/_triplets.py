"""How well edges continue each other: bends of triplets of hits, in units of the spread of true ones."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.representations.graph.edges import Hits
from hitforge.representations.graph.edges._pairs import safe, turn

TRIPLET_FEATURES = ("inner_chi", "inner_near", "inner_far", "outer_chi", "outer_near", "outer_far")
_WORST = 50.0  # chi of an edge that nothing continues
_NEAR, _FAR = 3.0, 10.0  # chi below which a neighbour counts as compatible


@njit(nogil=True, cache=True)
def directions(r, phi, z, source, destination):  # type: ignore[no-untyped-def]
    """Polar angle [rad] and dphi/dr [rad / mm] of edges, two (E,) float64."""
    angle, slope = np.empty(len(source)), np.empty(len(source))
    for e in range(len(source)):
        s, d = source[e], destination[e]
        step = r[d] - r[s]
        angle[e] = np.arctan2(step, z[d] - z[s])
        slope[e] = turn(phi[d] - phi[s]) / safe(step)
    return angle, slope


def spreads(sample: Iterable[tuple[Array, Array]], layers: int) -> Array:
    """Return the spread of the bends of true triplets for each three layers, (layers ** 3, 2) float32.

    The two numbers are 1.5 times the median of the change of the polar angle [rad] and of dphi/dr [rad / mm], which is
    near one standard deviation; 0 where fewer than 5 true triplets were seen.

    Args:
        sample: Keys (T,) and bends (T, 2) of the true triplets of each event, as ``true_triplets`` gives them.
        layers: Number of layers.
    """
    table = np.zeros((layers**3, 2), np.float32)
    parts = list(sample)
    if not parts:
        return table
    key, bends = np.concatenate([part[0] for part in parts]), np.abs(np.concatenate([part[1] for part in parts]))
    found, count = np.unique(key, return_counts=True)
    start = np.concatenate([[0], np.cumsum(count)])[:-1]
    for i, floor in enumerate((1e-5, 1e-7)):
        ordered = bends[np.lexsort((bends[:, i], key)), i]
        middle = 0.5 * (ordered[start + (count - 1) // 2] + ordered[start + count // 2])
        table[found, i] = np.where(count >= 5, 1.5 * middle + floor, 0)
    return table


def true_triplets(hits: Hits, layers: int, min_pt: float, max_eta: float, min_hits: int) -> tuple[Array, Array]:
    """Return keys (T,) and bends (T, 2) of the true triplets of the particles that pass the cuts."""
    truth = hits.truth
    assert truth is not None  # the windows were learned from it before
    keep = np.flatnonzero(truth.reconstructable(min_pt, max_eta, min_hits)[truth.particle])
    source, destination = truth.source[keep], truth.destination[keep]
    order = np.lexsort((destination, source))
    source, destination, particle = source[order], destination[order], truth.particle[keep][order]
    first = np.searchsorted(source, np.arange(len(hits) + 1))
    angle, slope = directions(hits.r, hits.phi, hits.z, source, destination)
    return _bends(source, destination, particle, first, hits.layer, layers, angle, slope)  # type: ignore[no-any-return]


@njit(nogil=True, cache=True)
def _bends(source, destination, particle, first, layer, layers, angle, slope):  # type: ignore[no-untyped-def]
    total = 0
    for e in range(len(source)):
        for f in range(first[destination[e]], first[destination[e] + 1]):
            total += particle[e] == particle[f]
    key, bends, t = np.empty(total, np.int64), np.empty((total, 2)), 0
    for e in range(len(source)):
        for f in range(first[destination[e]], first[destination[e] + 1]):
            if particle[e] == particle[f]:
                key[t] = (layer[source[e]] * layers + layer[destination[e]]) * layers + layer[destination[f]]
                bends[t, 0], bends[t, 1] = angle[f] - angle[e], slope[f] - slope[e]
                t += 1
    return key, bends


@njit(nogil=True, cache=True)
def triplet_features(r, phi, z, layer, layers, source, destination, spread):  # type: ignore[no-untyped-def]
    """What continues each edge, (E, 6) float32; edges must be sorted by source.

    With chi = hypot(change of angle / spread, change of slope / spread) of an edge and one that follows it: on the
    inner and on the outer side log(smallest chi + 0.3), and log(1 + n) of the edges with chi below 3 and below 10.
    """
    edges, count = len(source), len(r)
    first, into = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)  # edges out of and into each hit
    for e in range(edges):
        first[source[e] + 1] += 1
        into[destination[e] + 1] += 1
    for i in range(count):
        first[i + 1] += first[i]
        into[i + 1] += into[i]
    coming, place = np.empty(edges, np.int64), into[:-1].copy()
    for e in range(edges):
        coming[place[destination[e]]] = e
        place[destination[e]] += 1
    angle, slope = directions(r, phi, z, source, destination)
    last = np.empty(edges, np.int32)
    for e in range(edges):
        last[e] = layer[destination[e]]
    sharp = np.zeros_like(spread)  # 1 / spread
    for t in range(len(spread)):
        if spread[t, 0] > 0:
            sharp[t, 0], sharp[t, 1] = 1 / spread[t, 0], 1 / spread[t, 1]
    best = np.full((edges, 2), _WORST * _WORST)
    near, far = np.zeros((edges, 2), np.int32), np.zeros((edges, 2), np.int32)
    for middle in range(count):
        for i in range(into[middle], into[middle + 1]):
            e = coming[i]
            stem = (np.int64(layer[source[e]]) * layers + layer[middle]) * layers
            theta, turned, least, close, loose = angle[e], slope[e], best[e, 1], 0, 0
            for f in range(first[middle], first[middle + 1]):
                key = stem + last[f]
                bend, twist = (angle[f] - theta) * sharp[key, 0], (slope[f] - turned) * sharp[key, 1]
                square = bend * bend + twist * twist
                if square >= _WORST * _WORST or sharp[key, 0] == 0:
                    continue
                least, best[f, 0] = min(least, square), min(best[f, 0], square)
                if square < _FAR * _FAR:
                    loose += 1
                    far[f, 0] += 1
                    if square < _NEAR * _NEAR:
                        close += 1
                        near[f, 0] += 1
            best[e, 1], near[e, 1], far[e, 1] = least, close, loose
    out = np.empty((edges, 6), np.float32)
    for e in range(edges):
        for side in range(2):
            out[e, 3 * side] = np.log(np.sqrt(best[e, side]) + 0.3)
            out[e, 3 * side + 1] = np.log1p(near[e, side])
            out[e, 3 * side + 2] = np.log1p(far[e, side])
    return out


def best_chi(features: Array) -> Array:
    """Return the smaller of the smallest chi on the inner and on the outer side of each edge, (E,).

    Args:
        features: What ``triplet_features`` gave, (E, 6).
    """
    return np.asarray(np.exp(np.minimum(features[:, 0], features[:, 3])) - 0.3)
