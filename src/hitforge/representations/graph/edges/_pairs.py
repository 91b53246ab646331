"""Numbers about a pair of hits, windows on them learned for pairs of layers, and true pairs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.representations.graph.edges import Hits

QUANTITIES = 5  # dphi, slope, z0, deta, dr
_BOTH = 2.0 * np.pi


class PairWindows(NamedTuple):
    """Windows for ordered pairs of layers.

    Attributes:
        key: Layer of the source times the number of layers plus that of the destination, (K,) int64, rising.
        low: Lower bounds of dphi [rad], slope [rad / mm], z0 [mm], deta, dr [mm], (K, 5).
        high: Upper bounds, (K, 5).
        support: True pairs that each was learned from, (K,) int64.
    """

    key: Array
    low: Array
    high: Array
    support: Array


@njit(nogil=True, cache=True, inline="always")
def turn(angle):  # type: ignore[no-untyped-def]
    """An azimuth difference in -pi to pi; the difference of two angles in that range comes in."""
    if angle > np.pi:
        return angle - _BOTH
    if angle < -np.pi:
        return angle + _BOTH
    return angle


@njit(nogil=True, cache=True, inline="always")
def safe(step):  # type: ignore[no-untyped-def]
    """A radial step that can be divided by: at least 1 mm, with its sign."""
    if abs(step) < 1.0:
        return -1.0 if step < 0 else 1.0
    return step


@njit(nogil=True, cache=True)
def quantities(r, phi, z, eta, source, destination):  # type: ignore[no-untyped-def]
    """Dphi, its slope dphi/dr, z0 of the straight line in (r, z), deta and dr of pairs, (E, 5) float64."""
    out = np.empty((len(source), QUANTITIES))
    for e in range(len(source)):
        s, d = source[e], destination[e]
        step = r[d] - r[s]
        across = safe(step)
        out[e, 0] = turn(phi[d] - phi[s])
        out[e, 1] = out[e, 0] / across
        out[e, 2] = z[s] - r[s] * (z[d] - z[s]) / across
        out[e, 3] = eta[d] - eta[s]
        out[e, 4] = step
    return out


def learn(
    sample: Iterable[tuple[Array, Array]], layers: int, quantile: float, grow: float, margin: float, share: float
) -> PairWindows:
    """Learn windows that hold all but ``quantile`` of the true pairs at either end.

    Bounds on dphi and slope are the same on both sides: charges are.

    Args:
        sample: Keys (T,) and quantities (T, 5) of the true pairs of each event.
        layers: Number of layers.
        quantile: Share that is left out at each end.
        grow: Factor on the width of each window.
        margin: What is added to dr on both sides [mm].
        share: Smallest share of all true pairs that a pair of layers must have.

    Raises:
        DataError: There are no true pairs at all.
    """
    parts = list(sample)
    key = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.int64)
    values = np.concatenate([part[1] for part in parts]) if parts else np.zeros((0, QUANTITIES))
    if not len(key):
        raise DataError(
            "the training events must have true pairs of hits",
            came="none",
            do="give events with links and particles, or widen the cuts of the edge builder",
        )
    found, count = np.unique(key, return_counts=True)
    swapped = found % layers * layers + found // layers
    back = np.minimum(np.searchsorted(found, swapped), len(found) - 1)
    against = np.where(found[back] == swapped, count[back], 0)  # the same two layers the other way round
    enough = (count >= max(4, share * len(key))) & ((count > against) | ((count == against) & (found < swapped)))
    if not enough.any():
        enough = count == count.max()
    found, count = found[enough], count[enough]
    keep = np.isin(key, found)
    key, values = key[keep], values[keep]
    values = np.concatenate([np.abs(values[:, :2]), values[:, 2:]], axis=1)
    low, high = np.empty((len(found), QUANTITIES)), np.empty((len(found), QUANTITIES))
    start = np.concatenate([[0], np.cumsum(count)])[:-1]
    for i in range(QUANTITIES):
        ordered = values[np.lexsort((values[:, i], key)), i]
        low[:, i] = _at(ordered, start, count, quantile)
        high[:, i] = _at(ordered, start, count, 1 - quantile)
    middle, half = 0.5 * (low + high), 0.5 * (high - low) * grow
    low[:, 2:4], high[:, 2:4] = (middle - half)[:, 2:4], (middle + half)[:, 2:4]
    low[:, 4] -= margin
    high[:, 4] += margin
    high[:, :2] = np.maximum(high[:, :2] * grow, 1e-9)
    low[:, :2] = -high[:, :2]
    return PairWindows(found, low, high, count)


def _at(ordered: Array, start: Array, count: Array, quantile: float) -> Array:
    """Quantile of each group of sorted values, between the two nearest."""
    place = quantile * (count - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, count - 1)
    lower = ordered[start + below]
    return np.asarray(lower + (place - below) * (ordered[start + above] - lower))


def true_pairs(hits: Hits, layers: int, min_pt: float, max_eta: float, min_hits: int) -> tuple[Array, Array, Array]:
    """Return source, destination and key of the true pairs of the particles that pass the cuts, (T,) each.

    Raises:
        DataError: The event has no truth.
    """
    truth = hits.truth
    if truth is None:
        raise DataError("events must have links and particles where windows are learned", came="no truth")
    keep = truth.reconstructable(min_pt, max_eta, min_hits)[truth.particle]
    source, destination = truth.source[keep], truth.destination[keep]
    key = hits.layer[source].astype(np.int64) * layers + hits.layer[destination]
    return source, destination, key


@njit(nogil=True, cache=True)
def grown(array, room):  # type: ignore[no-untyped-def]
    """The array with more room behind."""
    larger = np.empty(room, array.dtype)
    larger[: len(array)] = array
    return larger
