"""Pairs of layers with windows on how far apart two hits of a track may lie."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import RunError
from hitforge.core.kernels import njit
from hitforge.detectors import TrackerDetector
from hitforge.representations.graph.edges import EdgeBuilder, Hits, Margins, sort_edges
from hitforge.representations.graph.edges._pairs import (
    PairWindows,
    grown,
    learn,
    quantities,
    safe,
    true_pairs,
    turn,
)


class Geometric(EdgeBuilder):
    """All pairs of hits on two layers whose dphi, dphi/dr, z0, deta and dr lie in windows learned from simulation.

    Which layers follow each other, over a layer that was missed too, and how wide the windows are is what true tracks
    of the training events do: a window holds all but ``quantile`` of them at either end and is then widened.
    """

    class Config(Margins):
        """Whose tracks are learned, and how much of them a window must hold."""

        quantile: float = Field(0.002, ge=0, lt=0.25, description="share of true pairs beyond a window at either end")
        grow: float = Field(1.6, ge=1, le=3, description="factor on the width of each window")
        margin: float = Field(3.0, ge=0, le=100, description="added to the window of dr at either end [mm]")
        share: float = Field(5e-5, ge=0, le=0.1, description="smallest share of true pairs that two layers must have")

    def __init__(self, config: Config, detector: TrackerDetector, target: Any = None) -> None:
        super().__init__(config, detector, target)
        self.windows: PairWindows | None = None

    def fit(self, sample: Iterable[Hits]) -> None:
        """Learn the windows.

        Raises:
            DataError: The events have no truth, or no particle passes the cuts.
        """
        settings, layers = self.config, self.detector.layers
        cuts = settings.cuts(self.target)

        def pairs() -> Iterable[tuple[Array, Array]]:
            for hits in sample:
                source, destination, key = true_pairs(hits, layers, *cuts)
                yield key, quantities(hits.r, hits.phi, hits.z, hits.eta, source, destination)

        self.windows = learn(pairs(), layers, settings.quantile, settings.grow, settings.margin, settings.share)

    def build(self, hits: Hits) -> tuple[Array, Array]:
        """Return the pairs in the windows.

        Raises:
            RunError: Nothing was learned yet.
        """
        if self.windows is None:
            raise RunError("the edge builder 'geometric' must be fitted first", do="call fit, or load a fitted one")
        key, low, high, _ = self.windows
        order = np.lexsort((hits.phi, hits.layer))  # by layer, in it by phi
        layers = self.detector.layers
        first = np.searchsorted(hits.layer[order], np.arange(layers + 1))
        source, destination = _pairs_in(
            hits.r[order], hits.phi[order], hits.z[order], hits.eta[order], order.astype(np.int32), first,
            key // layers, key % layers, low, high,
        )  # fmt: skip
        return sort_edges(source, destination, len(hits))  # type: ignore[no-any-return]

    def state(self) -> dict[str, Array]:
        """Return keys, bounds and support of the windows."""
        return {} if self.windows is None else dict(self.windows._asdict())

    def set_state(self, state: dict[str, Array]) -> None:
        """Take what ``state`` returned."""
        self.windows = PairWindows(**state) if state else None


@njit(nogil=True, cache=True)
def _pairs_in(r, phi, z, eta, order, first, inner, outer, low, high):  # type: ignore[no-untyped-def]
    """Edges of all pairs of layers; hits are sorted by layer and phi, the result names them as ``order`` does."""
    room, found = 1 << 16, 0
    source, destination = np.empty(room, np.int32), np.empty(room, np.int32)
    for k in range(len(inner)):
        begin, end = first[outer[k]], first[outer[k] + 1]
        size = end - begin
        if size == 0:
            continue
        width = min(high[k, 0], np.pi)
        bound, z_low, z_high = high[k, 1], low[k, 2], high[k, 2]
        eta_low, eta_high, r_low, r_high = low[k, 3], high[k, 3], low[k, 4], high[k, 4]
        start = begin
        for s in range(first[inner[k]], first[inner[k] + 1]):
            phi_s, r_s, z_s, eta_s = phi[s], r[s], z[s], eta[s]
            while start < end and phi[start] < phi_s - width:
                start += 1
            if found + size > room:  # room for all that this hit can have
                room = 2 * (room + size)
                source, destination = grown(source, room), grown(destination, room)
            # three stretches: the window itself, and what of it reaches over -pi or +pi
            for part in range(3):
                if part == 0:
                    here = start
                elif part == 1:
                    if phi_s - width >= -np.pi:
                        continue
                    here = begin + np.searchsorted(phi[begin:end], phi_s - width + 2 * np.pi)
                else:
                    if phi_s + width <= np.pi:
                        continue
                    here = begin
                upper = phi_s + width if part == 0 else (np.inf if part == 1 else phi_s + width - 2 * np.pi)
                lower = start if part == 2 else end  # a full turn meets no hit twice
                while here < end and phi[here] <= upper:
                    if part == 2 and here >= lower:
                        break
                    step, rise = r[here] - r_s, eta[here] - eta_s
                    if step > r_low and step < r_high and rise > eta_low and rise < eta_high:
                        across = safe(step)
                        z0 = z_s - r_s * (z[here] - z_s) / across
                        if z0 > z_low and z0 < z_high and abs(turn(phi[here] - phi_s)) <= bound * abs(across):
                            source[found], destination[found] = order[s], order[here]
                            found += 1
                    here += 1
    return source[:found].copy(), destination[:found].copy()
