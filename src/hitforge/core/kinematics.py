"""Direction and transverse size of momenta and places: pt, azimuth, pseudorapidity, and turns between azimuths."""

from __future__ import annotations

import math

import numpy as np

from hitforge.core.arrays import Array

_LEAST = 1e-9  # of pt or radius: on the z axis the pseudorapidity has no end


def pt(x: Array, y: Array) -> Array:
    """Return the part across the z axis of momenta or places, two (N,) -> (N,) in their unit."""
    across: Array = np.hypot(x, y)
    return across


def phi(x: Array, y: Array) -> Array:
    """Return azimuths, two (N,) -> (N,) in -pi to pi [rad]."""
    azimuth: Array = np.arctan2(y, x)
    return azimuth


def eta(x: Array, y: Array, z: Array) -> Array:
    """Return pseudorapidities of momenta or of lines from the origin to places, three (N,) -> (N,)."""
    rapidity: Array = np.arcsinh(z / np.maximum(np.hypot(x, y), _LEAST))
    return rapidity


def wrap_phi(angle: Array) -> Array:
    """Return angles or differences of azimuths brought to -pi to pi, (N,) -> (N,) [rad]."""
    wrapped: Array = (angle + math.pi) % (2 * math.pi) - math.pi
    return wrapped


def mass(px: Array, py: Array, pz: Array, energy: Array) -> Array:
    """Return invariant masses, 0 where the energy is below the momentum, four (N,) -> (N,) float64.

    Args:
        px: [GeV].
        py: [GeV].
        pz: [GeV].
        energy: [GeV].
    """
    x, y, z, e = (np.asarray(of, np.float64) for of in (px, py, pz, energy))
    square: Array = e**2 - x**2 - y**2 - z**2
    return np.sqrt(np.maximum(square, 0.0))
