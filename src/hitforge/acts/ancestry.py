"""Who is whose parent among the particles that ACTS's fast simulation makes."""

from __future__ import annotations

import math

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.core.units import CURVATURE

CONVERSION = 2
"""ACTS's process code of a photon conversion."""
_UNKNOWN = -1  # a process that was not told
_SAME_PLACE = 1e-3  # mm; both numbers come from one double


def parents(
    family: Array, generation: Array, charge: Array, vertex: Array, momentum: Array, field: float,
    process: Array | None = None, end: Array | None = None,
) -> Array:  # fmt: skip
    """Find the parent of each particle.

    ACTS tells the family and the generation of a secondary, not its parent. An electron's parent is a photon of the
    generation before, a photon's one a charged particle: the one whose line or circle across the beam passes nearest
    to the vertex. A knocked-out electron has a charged parent too; the nearest of all is taken. Where process and end
    are known, a conversion pair belongs to the photon that ends where the pair begins, and everything else to a charged
    particle.

    Args:
        family: Number of the primary within all events, (N,) int64.
        generation: 0 for the primary, (N,) int64.
        charge: (N,) [e].
        vertex: Where each was made, (N, 3) [mm].
        momentum: There, (N, 3) [GeV].
        field: Along +z [T].
        process: ACTS's code of the process that made the particle, (N,) int64.
        end: Last place, (N, 3) [mm].

    Returns:
        Row of the parent, (N,) int64, -1 for none.
    """
    order = np.lexsort((generation, family))
    begins = np.append(np.flatnonzero(np.diff(family[order], prepend=-1)), len(order))
    parent = np.full(len(family), -1, np.int64)
    if process is None or end is None:
        process, end = np.full(len(family), _UNKNOWN), vertex
    _match(order, begins, generation, process, charge, vertex, end, momentum, CURVATURE * field, parent)
    return parent


def nearest_kept(parent: Array, keep: Array) -> Array:
    """Replace a parent that is left out by its own parent, and so on, (N,) int64 and (N,) bool -> (N,) int64."""
    ancestor = parent.copy()
    while True:
        wrong = np.flatnonzero((ancestor >= 0) & ~keep[ancestor])
        if not len(wrong):
            return ancestor
        ancestor[wrong] = parent[ancestor[wrong]]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _match(
    order: Array, begins: Array, generation: Array, process: Array, charge: Array, vertex: Array, end: Array,
    momentum: Array, bend: float, parent: Array,
) -> None:  # fmt: skip
    for member in range(len(begins) - 1):
        first, last = begins[member], begins[member + 1]
        for at in range(first + 1, last):
            child = order[at]
            nearest = np.inf
            for before in range(first, at):
                other = order[before]
                if generation[other] != generation[child] - 1:
                    continue
                if process[child] == CONVERSION:
                    gap = abs(end[other, 0] - vertex[child, 0]) + abs(end[other, 1] - vertex[child, 1])
                    gap += abs(end[other, 2] - vertex[child, 2])
                    if charge[other] != 0 or gap > _SAME_PLACE:
                        continue
                elif charge[other] == 0 and (charge[child] == 0 or process[child] != _UNKNOWN):
                    continue
                else:
                    gap = _gap(vertex[child], vertex[other], momentum[other], charge[other], bend)
                if gap < nearest:
                    nearest, parent[child] = gap, other


@njit(cache=True)  # type: ignore[untyped-decorator]
def _gap(point: Array, start: Array, momentum: Array, charge: float, bend: float) -> float:
    """Distance of a point from a particle's circle or line across the beam [mm]."""
    pt = max(math.hypot(momentum[0], momentum[1]), 1e-12)
    dx, dy = point[0] - start[0], point[1] - start[1]
    nx, ny = momentum[0] / pt, momentum[1] / pt
    if bend * charge == 0.0:
        return float(abs(dx * ny - dy * nx))
    radius = pt / (bend * charge)  # signed: positive particles turn to the right
    away: float = abs(math.hypot(dx - radius * ny, dy + radius * nx) - abs(radius))
    return away
