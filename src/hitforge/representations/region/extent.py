"""Where an object of hits stands, and the box that holds most of its energy."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit

QUANTILES = (0.02, 0.98)
"""Shares of a shower's energy that lie before the lower and before the upper side of its box."""


def extents(offsets: Array, place: Array, energy: Array, cell: Array) -> Array:
    """Return the energy-weighted mean place and the box of objects, (K, 9) float32: mean, low and high side.

    The box lies between the ``QUANTILES`` of the energy along each axis, and is at least a cell wide.

    Args:
        offsets: Hits of object ``k`` stand at ``offsets[k]:offsets[k + 1]``, one at least, (K + 1,) int64.
        place: Of the hits, (H, 3) float64.
        energy: What the object has of each, above 0, (H,) [GeV].
        cell: Least size along each axis, (3,).
    """
    boxes: Array = _extent(offsets, place, energy, cell, np.array(QUANTILES))
    return boxes


@njit(nogil=True, cache=True)
def _extent(offsets, place, energy, cell, quantiles):  # type: ignore[no-untyped-def]
    """Mean place and box of objects whose hits follow each other: mean, low and high, (K, 9) float32."""
    out = np.empty((len(offsets) - 1, 9), np.float32)
    for k in range(len(offsets) - 1):
        part = energy[offsets[k] : offsets[k + 1]]
        whole = part.sum()
        for c in range(3):
            values = place[offsets[k] : offsets[k + 1], c].copy()
            order = np.argsort(values)
            running, mean, low, high = 0.0, 0.0, values[order[0]], values[order[-1]]
            for i in order:
                if running < quantiles[0] * whole <= running + part[i]:
                    low = values[i]
                if running < quantiles[1] * whole <= running + part[i]:
                    high = values[i]
                running += part[i]
                mean += part[i] * values[i]
            middle, width = (low + high) / 2, max(high - low, cell[c])
            out[k, c] = mean / whole
            out[k, 3 + c], out[k, 6 + c] = middle - width / 2, middle + width / 2
    return out
