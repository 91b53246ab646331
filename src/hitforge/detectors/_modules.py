"""Flat sensors: their corners, and which of a layer lie side by side."""

from __future__ import annotations

import numpy as np

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.detectors import Modules

_GAP = 2.0  # sensors that are farther apart than this do not count as side by side [mm]


def corners(modules: Modules) -> Array:
    """Return the corners of all sensors in order around, (M, 4, 3) [mm]."""
    low, high, v = modules.half_u_low, modules.half_u_high, modules.half_v
    u, w = np.stack([-low, low, high, -high], 1), np.stack([-v, -v, v, v], 1)  # (M, 4)
    around: Array = (
        modules.centre[:, None] + u[..., None] * modules.axes[:, None, 0] + w[..., None] * modules.axes[:, None, 1]
    )
    return around


def adjacent(modules: Modules) -> Array:
    """Return which sensors of the same layer overlap or lie side by side.

    Sensors are compared as intervals in azimuth and in z (barrels) or radius (end caps).

    Args:
        modules: The sensors.

    Returns:
        Rows, (M, K) int64, -1 where there is none.
    """
    corner = corners(modules)
    radius = kinematics.pt(modules.centre[:, 0], modules.centre[:, 1])
    azimuth = kinematics.phi(modules.centre[:, 0], modules.centre[:, 1])
    turn = kinematics.phi(corner[..., 0], corner[..., 1]) - azimuth[:, None]
    half_turn = np.abs(kinematics.wrap_phi(turn)).max(axis=1)  # (M,)
    barrel = np.abs(modules.axes[:, 2, 2]) < 0.5
    across = kinematics.pt(corner[..., 0], corner[..., 1])  # (M, 4)
    along = np.where(barrel[:, None], corner[..., 2], across)
    low, high = along.min(axis=1), along.max(axis=1)
    pairs = []
    for layer in range(int(modules.layer.max()) + 1):
        rows = np.flatnonzero(modules.layer == layer)
        apart = azimuth[rows, None] - azimuth[rows]
        apart = np.abs(kinematics.wrap_phi(apart))
        least = np.minimum(radius[rows, None], radius[rows])
        beside = (apart - half_turn[rows, None] - half_turn[rows]) * least < _GAP
        beside &= (low[rows, None] - high[rows] < _GAP) & (low[rows] - high[rows, None] < _GAP)
        np.fill_diagonal(beside, False)
        first, second = np.nonzero(beside)
        pairs.append(np.stack([rows[first], rows[second]]))
    first, second = np.concatenate(pairs, axis=1)
    count = np.bincount(first, minlength=len(modules))
    table = np.full((len(modules), count.max()), -1, np.int64)
    table[first, np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)] = second
    return table
