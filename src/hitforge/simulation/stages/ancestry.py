"""Who is whose parent among simulated particles, from places where they begin and end."""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from hitforge.core.units import CURVATURE

Array = NDArray[Any]

CONVERSION = 2
"""ACTS's process code of a photon conversion."""
_SAME_PLACE = 1e-3  # mm; both numbers come from one double
_FAR = 1e300


def parents(
    offsets: Array, generation: Array, process: Array, charge: Array, start: Array, end: Array, momentum: Array,
    field: float,
) -> tuple[Array, Array]:  # fmt: skip
    """Find parents, and photons that converted.

    ACTS keeps a converted photon with its full energy and numbers secondaries by generation only. So an electron pair
    belongs to the photon of the generation before that ends where the pair begins; a radiated photon to the charged
    particle of the generation before whose circle passes nearest to the photon's vertex.

    Args:
        offsets: Rows of each event, (events + 1,) int64; rows of an event in order of generation.
        generation: 0 for the primary, (N,) int64.
        process: ACTS's code of the process that made the particle, (N,) int64.
        charge: (N,) [e].
        start: Production vertex, (N, 3) [mm].
        end: Last place, (N, 3) [mm].
        momentum: At production, (N, 3) [GeV].
        field: Along +z [T].

    Returns:
        Parent of each row, counted from its event's first row, -1 for none (N,) int64; whether it converted, (N,) bool.
    """
    parent = np.full(len(generation), -1, np.int64)
    converted = np.zeros(len(generation), np.bool_)
    _match(offsets, generation, process, charge, start, end, momentum, CURVATURE * field, parent, converted)
    return parent, converted


@nb.njit(cache=True)  # type: ignore[untyped-decorator]
def _match(
    offsets: Array, generation: Array, process: Array, charge: Array, start: Array, end: Array, momentum: Array,
    bend: float, parent: Array, converted: Array,
) -> None:  # fmt: skip
    for event in range(len(offsets) - 1):
        first, last = offsets[event], offsets[event + 1]
        for child in range(first, last):
            if generation[child] == 0:
                continue
            best, nearest = -1, _FAR
            for other in range(first, child):
                if generation[other] != generation[child] - 1:
                    continue
                if process[child] == CONVERSION:
                    if charge[other] != 0:
                        continue
                    gap = abs(end[other, 0] - start[child, 0]) + abs(end[other, 1] - start[child, 1])
                    gap += abs(end[other, 2] - start[child, 2])
                    if gap > _SAME_PLACE:
                        continue
                else:
                    if charge[other] == 0:
                        continue
                    gap = _from_circle(start[child], start[other], momentum[other], charge[other], bend)
                if gap < nearest:
                    best, nearest = other, gap
            if best >= 0:
                parent[child] = best - first
                if process[child] == CONVERSION:
                    converted[best] = True


@nb.njit(cache=True)  # type: ignore[untyped-decorator]
def _from_circle(point: Array, start: Array, momentum: Array, charge: float, bend: float) -> float:
    """Distance of a point from a particle's circle in the transverse plane [mm]."""
    pt = math.hypot(momentum[0], momentum[1])
    dx, dy = point[0] - start[0], point[1] - start[1]
    nx, ny = momentum[0] / pt, momentum[1] / pt
    if bend == 0.0:
        return float(abs(dx * ny - dy * nx))
    radius = pt / (bend * abs(charge))
    sense = 1.0 if charge > 0 else -1.0
    away: float = abs(math.hypot(dx - sense * radius * ny, dy + sense * radius * nx) - radius)
    return away
