"""From the end of the tracker to the face of the calorimeter, in a uniform field along z."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.units import C_LIGHT, CURVATURE


@dataclass(frozen=True)
class Face:
    """Particles where they reach a cylinder; rows of particles that never do hold NaN."""

    reached: Array  # (N,) bool
    position: Array  # (N, 3) mm
    direction: Array  # (N, 3) unit vectors
    time: Array  # (N,) ns


def to_cylinder(
    position: Array, momentum: Array, charge: Array, energy: Array, time: Array, radius: float, field: float
) -> Face:
    """Follow particles to a cylinder around the z axis, charged ones on helices, without energy loss.

    A helix is a circle in the transverse plane, so the crossing is that of two circles: with the centre at distance
    ``d`` and the helix of radius ``r``, the angle between them is ``acos((R^2 - d^2 - r^2) / (2 d r))``. Of both
    crossings the first on the way is taken.

    Args:
        position: Where each particle is, (N, 3) [mm]; particles at or beyond the cylinder do not reach it.
        momentum: (N, 3) [GeV].
        charge: (N,) [e].
        energy: (N,) [GeV], for the speed.
        time: (N,) [ns].
        radius: Radius of the cylinder [mm].
        field: Along +z [T].
    """
    px, py, pz = momentum.T
    pt = np.hypot(px, py)
    straight = (charge == 0) | (field == 0)
    inside = np.hypot(position[:, 0], position[:, 1]) < radius
    with np.errstate(divide="ignore", invalid="ignore"):
        # Straight line: solve |x + s n| = R for the path s in the transverse plane.
        n = np.stack([px, py], axis=1) / pt[:, None]  # (N, 2)
        along = (position[:, :2] * n).sum(1)
        path = -along + np.sqrt(along**2 + radius**2 - (position[:, :2] ** 2).sum(1))
        # Helix: positive charges turn clockwise for a field along +z.
        sense = np.where(straight, 1.0, np.sign(charge))
        bend = np.where(straight, 1.0, pt / (CURVATURE * (field or 1.0) * np.abs(charge)))  # mm
        centre = position[:, :2] + (sense * bend)[:, None] * np.stack([n[:, 1], -n[:, 0]], axis=1)  # (N, 2)
        distance = np.hypot(centre[:, 0], centre[:, 1])
        opening = np.arccos((radius**2 - distance**2 - bend**2) / (2 * distance * bend))
        start = np.arctan2(position[:, 1] - centre[:, 1], position[:, 0] - centre[:, 0])
        out = np.arctan2(centre[:, 1], centre[:, 0])
        turns = np.stack([-sense * (out + sign * opening - start) for sign in (-1, 1)])  # (2, N)
        turn = np.mod(turns, 2 * np.pi).min(axis=0)
        path = np.where(straight, path, bend * turn)
        angle = np.where(straight, 0.0, -sense * turn)
        cosine, sine = np.cos(angle), np.sin(angle)
        direction = np.stack([px * cosine - py * sine, px * sine + py * cosine, pz], axis=1)
        rotated = np.stack([direction[:, 1], -direction[:, 0]], axis=1) / pt[:, None]
        curved = centre - (sense * bend)[:, None] * rotated
        flat = np.where(straight[:, None], position[:, :2] + path[:, None] * n, curved)
        z = position[:, 2] + path * pz / pt
        arrival = time + path * energy / (pt * C_LIGHT)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    reached = inside & np.isfinite(path) & np.isfinite(z)
    place = np.column_stack([flat, z])
    missing = ~reached
    place[missing], direction[missing], arrival[missing] = np.nan, np.nan, np.nan
    return Face(reached, place, direction, arrival)
