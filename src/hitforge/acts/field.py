"""The magnetic field of a coil."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import elliprf, elliprj

from hitforge.core.arrays import Array


def coil_field(r: Array, z: Array, radius: float, length: float) -> tuple[Array, Array]:
    """Return the field of a thin coil about the z axis, over that in its centre: (Br, Bz), of the shape of r and z.

    N. Derby and S. Olbert, Cylindrical magnets and ideal solenoids, arXiv 0909.3880; its generalised complete elliptic
    integral C(kc, p, c, s) is c RF(0, kc^2, 1) + (s - p c) / 3 RJ(0, kc^2, 1, p) in Carlson's forms.

    Args:
        r: Distance from the axis, not that of the turns [mm].
        z: Along the axis, from the middle [mm].
        radius: Of the coil [mm].
        length: Of the coil [mm].
    """
    r, z = np.broadcast_arrays(np.asarray(r, np.float64), np.asarray(z, np.float64))
    gamma = (radius - r) / (radius + r)
    radial, axial = np.zeros(r.shape), np.zeros(r.shape)
    for sign in (1, -1):
        end = z + sign * length / 2
        root = np.hypot(end, r + radius)
        kc = (end**2 + (radius - r) ** 2) / root**2  # squared
        radial += sign * radius / root * _cel(kc, 1.0, 1.0, -1.0)
        axial += sign * radius / (radius + r) * end / root * _cel(kc, gamma**2, 1.0, gamma)
    centre = np.pi * (length / 2) / np.hypot(length / 2, radius)
    return radial / centre, axial / centre


def _cel(kc: Array, p: Any, c: float, s: Any) -> Array:
    """C(sqrt(kc), p, c, s)."""
    result: Array = c * elliprf(0.0, kc, 1.0) + (s - p * c) / 3 * elliprj(0.0, kc, 1.0, p)
    return result
