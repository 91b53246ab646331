"""Pairs and triplets of modules that simulated tracks have crossed, with what their hits' places allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError, RunError
from hitforge.core.kernels import njit
from hitforge.detectors import TrackerDetector
from hitforge.representations.graph.edges import EdgeBuilder, Hits, Margins, sort_edges
from hitforge.representations.graph.edges._pairs import grown, quantities, safe, true_pairs, turn
from hitforge.representations.graph.edges._triplets import directions


class _Map(NamedTuple):
    """Doublets and triplets of modules, sorted by their keys.

    Attributes:
        doublet: Row of the first module times the number of modules plus that of the second, (K,) int64.
        low: Lower bounds of dphi, slope, z0 and deta, (K, 4).
        high: Upper bounds, (K, 4).
        triplet: Row of the first doublet times K plus that of the second, (T,) int64.
        bend_low: Lower bounds on the change of polar angle and slope, (T, 2).
        bend_high: Upper bounds, (T, 2).
    """

    doublet: Array
    low: Array
    high: Array
    triplet: Array
    bend_low: Array
    bend_high: Array


class ModuleMap(EdgeBuilder):
    """Pairs of hits on modules that true tracks crossed one after the other in simulation, inside what was seen there.

    Each pair of modules has the smallest and largest dphi, dphi/dr, z0 and deta of its true pairs of hits, each triplet
    those of the change of polar angle and dphi/dr. With ``triplets`` an edge stays only if it is part of a triplet of
    hits on a known triplet of modules that bends as the true ones did, so a track needs three hits.

    Extremes of a few examples are too narrow. Windows are widened by ``grow``, and to at least the median half width
    of the pairs (triplets) of the same layers. A map is as complete as its training sample: with some 19,000 modules,
    hundreds of thousands of tracks are needed before nearly all pairs have been seen.
    """

    class Config(Margins):
        """Whose tracks make the map."""

        grow: float = Field(1.2, ge=1, le=10, description="factor on the width of each window")
        triplets: bool = Field(True, description="an edge must be part of a known triplet of modules")
        hits_margin: int = Field(1, ge=0, le=100, description="with so many hits fewer than target.min_hits")

    def __init__(self, config: Config, detector: TrackerDetector, target: Any = None) -> None:
        super().__init__(config, detector, target)
        self._map: _Map | None = None

    def fit(self, sample: Iterable[Hits]) -> None:
        """Make the map.

        Raises:
            DataError: The events have no truth, a hit lies on no module, or no particle passes the cuts.
        """
        settings, layers, modules = self.config, self.detector.layers, len(self.detector.modules)
        cuts = settings.cuts(self.target)
        keys, values, steps, bends = [], [], [], []
        for hits in sample:
            source, destination, _ = true_pairs(hits, layers, *cuts)
            source, destination = sort_edges(source, destination, len(hits))
            row = self._rows(hits)
            key = row[source] * modules + row[destination]
            keys.append(key)
            values.append(quantities(hits.r, hits.phi, hits.z, hits.eta, source, destination)[:, :4])
            first = np.searchsorted(source, np.arange(len(hits) + 1))
            angle, slope = directions(hits.r, hits.phi, hits.z, source, destination)
            e, f = _continued(destination, first)
            steps.append(np.stack([key[e], key[f]], axis=1))
            bends.append(np.stack([angle[f] - angle[e], slope[f] - slope[e]], axis=1))
        if not sum(len(key) for key in keys):
            raise DataError("the training events must have true pairs of hits", came="none", do="widen the cuts")
        layer = self.detector.modules.layer.astype(np.int64)
        doublet, low, high = _extremes(np.concatenate(keys), np.concatenate(values))
        family = layer[doublet // modules] * layers + layer[doublet % modules]
        low, high = _widened(low, high, family, settings.grow)
        step = np.searchsorted(doublet, np.concatenate(steps))  # (S, 2)
        triplet, bend_low, bend_high = _extremes(step[:, 0] * len(doublet) + step[:, 1], np.concatenate(bends))
        family = family[triplet // len(doublet)] * layers + family[triplet % len(doublet)] % layers
        self._map = _Map(doublet, low, high, triplet, *_widened(bend_low, bend_high, family, settings.grow))

    def build(self, hits: Hits) -> tuple[Array, Array]:
        """Return the pairs that the map allows.

        Raises:
            RunError: Nothing was learned yet.
            DataError: A hit lies on no module.
        """
        if self._map is None:
            raise RunError("the edge builder 'module_map' must be fitted first", do="call fit, or load a fitted one")
        found, modules = self._map, len(self.detector.modules)
        row = self._rows(hits)
        order = np.argsort(row, kind="stable")
        first = np.searchsorted(row[order], np.arange(modules + 1))
        begin = np.searchsorted(found.doublet, np.arange(modules + 1) * modules)
        source, destination, which = _doublets(
            hits.r, hits.phi, hits.z, hits.eta, row, order, first, begin, found.doublet % modules, found.low, found.high
        )
        if self.config.triplets:
            angle, slope = directions(hits.r, hits.phi, hits.z, source, destination)
            start = np.searchsorted(source, np.arange(len(hits) + 1))  # made source by source
            keep = _in_triplets(
                destination, which, start, angle, slope, found.triplet, found.bend_low, found.bend_high,
                len(found.doublet),
            )  # fmt: skip
            source, destination = source[keep], destination[keep]
        return sort_edges(source, destination, len(hits))  # type: ignore[no-any-return]

    def _rows(self, hits: Hits) -> Array:
        row = self.detector.row(hits.cell)
        if len(row) and row.min() < 0:
            raise DataError(
                "each hit must lie on a module of the detector", came=f"cell {hits.cell[int(row.argmin())]}"
            )
        return row

    def state(self) -> dict[str, Array]:
        """Return the map's arrays."""
        return {} if self._map is None else dict(self._map._asdict())

    def set_state(self, state: dict[str, Array]) -> None:
        """Take what ``state`` returned."""
        self._map = _Map(**state) if state else None


def _extremes(key: Array, values: Array) -> tuple[Array, Array, Array]:
    """Distinct keys, rising, with the smallest and largest of each value."""
    if not len(key):
        return key.astype(np.int64), np.empty((0, values.shape[1])), np.empty((0, values.shape[1]))
    order = np.argsort(key, kind="stable")
    key, values = key[order], values[order]
    start = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return key[start], np.minimum.reduceat(values, start), np.maximum.reduceat(values, start)


def _widened(low: Array, high: Array, family: Array, grow: float) -> tuple[Array, Array]:
    """Windows ``grow`` times as wide, and at least as wide as the median of their family."""
    half = 0.5 * (high - low)
    least = np.zeros_like(half)
    seen, member, count = np.unique(family, return_inverse=True, return_counts=True)
    start = np.concatenate([[0], np.cumsum(count)])[:-1]
    for i in range(half.shape[1]):
        ordered = half[np.lexsort((half[:, i], family)), i]
        least[:, i] = ordered[start + count // 2][member] if len(seen) else 0
    half = np.maximum(half, least) * grow
    middle = 0.5 * (low + high)
    return middle - half, middle + half


@njit(nogil=True, cache=True)
def _continued(destination, first):  # type: ignore[no-untyped-def]
    """Pairs of edges of which the second begins where the first ends."""
    total = 0
    for e in range(len(destination)):
        total += first[destination[e] + 1] - first[destination[e]]
    before, after, t = np.empty(total, np.int64), np.empty(total, np.int64), 0
    for e in range(len(destination)):
        for f in range(first[destination[e]], first[destination[e] + 1]):
            before[t], after[t] = e, f
            t += 1
    return before, after


@njit(nogil=True, cache=True)
def _doublets(r, phi, z, eta, row, order, first, begin, second, low, high):  # type: ignore[no-untyped-def]
    """Pairs of hits on known pairs of modules inside their windows, source by source, with the pair's row."""
    room, found = 1 << 14, 0
    source, destination = np.empty(room, np.int32), np.empty(room, np.int32)
    which = np.empty(room, np.int64)
    for s in range(len(r)):
        for k in range(begin[row[s]], begin[row[s] + 1]):
            start, stop = first[second[k]], first[second[k] + 1]
            if found + stop - start > room:
                room = 2 * (room + stop - start)
                source, destination, which = grown(source, room), grown(destination, room), grown(which, room)
            for i in range(start, stop):
                d = order[i]
                across, dphi = safe(r[d] - r[s]), turn(phi[d] - phi[s])
                if not low[k, 0] <= dphi <= high[k, 0] or not low[k, 1] <= dphi / across <= high[k, 1]:
                    continue
                z0, rise = z[s] - r[s] * (z[d] - z[s]) / across, eta[d] - eta[s]
                if low[k, 2] <= z0 <= high[k, 2] and low[k, 3] <= rise <= high[k, 3]:
                    source[found], destination[found], which[found] = s, d, k
                    found += 1
    return source[:found].copy(), destination[:found].copy(), which[:found].copy()


@njit(nogil=True, cache=True)
def _in_triplets(destination, which, start, angle, slope, triplet, low, high, doublets):  # type: ignore[no-untyped-def]
    """Which edges are part of an allowed triplet."""
    keep = np.zeros(len(destination), np.bool_)
    for e in range(len(destination)):
        for f in range(start[destination[e]], start[destination[e] + 1]):
            key = which[e] * doublets + which[f]
            t = np.searchsorted(triplet, key)
            if t == len(triplet) or triplet[t] != key:
                continue
            bend, twist = angle[f] - angle[e], slope[f] - slope[e]
            if low[t, 0] <= bend <= high[t, 0] and low[t, 1] <= twist <= high[t, 1]:
                keep[e] = keep[f] = True
    return keep
