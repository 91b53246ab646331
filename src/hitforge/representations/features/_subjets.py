"""N-subjettiness: how well the constituents of a jet lie along a few axes."""

from __future__ import annotations

import numpy as np

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.events import Collection

_TINY = 1e-12
_ABOVE = 1 + 1e-9  # of abs(pz): an energy that rounding leaves at the momentum has no rapidity


def subjettiness(parts: Collection, max_axes: int) -> Array:
    """Return tau_1, tau_2 and so on of each jet, (N, max_axes).

    tau_n is the sum over constituents of pT times the distance, in rapidity and azimuth, to the nearest of n axes, over
    the sum of pT (arXiv 1011.2268, beta = 1, without the jet's radius). The axes are those of the n subjets that
    clustering by exclusive kt leaves, not moved further. A jet of fewer than n constituents has 0.

    Args:
        parts: Constituents with ``px``, ``py``, ``pz`` and ``energy``, one jet an event.
        max_axes: Largest number of axes.
    """
    momenta = np.stack([parts[name].astype(np.float64) for name in ("px", "py", "pz", "energy")], axis=1)
    place = np.stack([_rapidity(momenta[:, 2], momenta[:, 3]), kinematics.phi(momenta[:, 0], momenta[:, 1])], axis=1)
    result = np.zeros((len(parts), max_axes))
    _fill(result, parts.offsets, momenta, place, kinematics.pt(momenta[:, 0], momenta[:, 1]))
    return result


def _rapidity(pz: Array, energy: Array) -> Array:
    """Rapidities, (rows,)."""
    energy = np.maximum(energy, np.abs(pz) * _ABOVE + _TINY)
    rapidity: Array = np.arctanh(pz / energy)
    return rapidity


@njit(nogil=True, cache=True)
def _apart(here, there):  # type: ignore[no-untyped-def]
    """Squared distance of two places in rapidity and azimuth."""
    turn = abs(here[1] - there[1])
    turn = min(turn, 2 * np.pi - turn)
    return (here[0] - there[0]) ** 2 + turn**2


@njit(nogil=True, cache=True)
def _find(nearest, closest, place, size, alive, i):  # type: ignore[no-untyped-def]
    """Set the nearest other, by the distance of kt, of subjet i."""
    nearest[i], closest[i] = -1, np.inf
    for j in range(len(alive)):
        if alive[j] and j != i:
            distance = min(size[i], size[j]) ** 2 * _apart(place[i], place[j])
            if distance < closest[i]:
                nearest[i], closest[i] = j, distance


@njit(nogil=True, cache=True)
def _tau(of, pt, place, axes, alive, first):  # type: ignore[no-untyped-def]
    """The sum over constituents, with the subjets that are alive as axes."""
    total, norm = 0.0, 0.0
    for i in range(of):
        best = np.inf
        for j in range(of):
            if alive[j]:
                best = min(best, _apart(place[first + i], axes[j]))
        total += pt[first + i] * np.sqrt(best)
        norm += pt[first + i]
    return total / norm if norm > 0 else 0.0


@njit(nogil=True, cache=True)
def _fill(result, offsets, momenta, place, pt):  # type: ignore[no-untyped-def]
    for jet in range(len(result)):
        first, of = offsets[jet], offsets[jet + 1] - offsets[jet]
        four, axes = momenta[first : first + of].copy(), place[first : first + of].copy()
        size, alive = pt[first : first + of].copy(), np.ones(of, np.bool_)
        nearest, closest = np.empty(of, np.int64), np.empty(of)
        for i in range(of):
            _find(nearest, closest, axes, size, alive, i)
        left = of
        while left > 0:
            if left <= result.shape[1]:
                result[jet, left - 1] = _tau(of, pt, place, axes, alive, first)
            if left == 1:
                break
            i, smallest = -1, np.inf
            for k in range(of):
                if alive[k] and closest[k] < smallest:
                    i, smallest = k, closest[k]
            if i < 0:  # momenta that are not finite
                break
            j = nearest[i]
            alive[j] = False
            left -= 1
            four[i] += four[j]
            size[i] = np.hypot(four[i, 0], four[i, 1])
            energy = max(four[i, 3], abs(four[i, 2]) * _ABOVE + _TINY)
            axes[i, 0], axes[i, 1] = np.arctanh(four[i, 2] / energy), np.arctan2(four[i, 1], four[i, 0])
            for k in range(of):
                if alive[k] and (k == i or nearest[k] == i or nearest[k] == j):
                    _find(nearest, closest, axes, size, alive, k)
                elif alive[k]:
                    distance = min(size[k], size[i]) ** 2 * _apart(axes[k], axes[i])
                    if distance < closest[k]:
                        nearest[k], closest[k] = i, distance
