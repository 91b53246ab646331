"""What is said of an edge."""

from __future__ import annotations

import numpy as np

from hitforge.core.kernels import njit
from hitforge.representations.graph.edges._pairs import safe, turn

EDGE_FEATURES = ("dphi", "slope", "z0", "z0_far", "deta", "dr", "dz", "slope_far", "angle")
MIRRORED = (0, 1, 7)  # those whose sign turns when the event is mirrored
_STEPS = 4095.0  # of a feature of 1: +-8 fills 16 bits


@njit(nogil=True, cache=True)
def edge_features(r, phi, z, eta, layer, layers, source, destination, key, low, high):  # type: ignore[no-untyped-def]
    """Features of edges, (E, 9) float32, clipped to +-8.

    dphi, dphi/dr, z0 and deta in half widths of the window of the two layers about its middle (pairs of layers
    without a window take the widest of all), z0 / 100 mm, dr / 100 mm, dz / 300 mm, dphi/dr * 3000 mm, and the polar
    angle atan2(dr, dz).
    """
    row = np.full(layers * layers, -1, np.int64)
    widest = np.full((2, 4), np.nan)
    for k in range(len(key)):
        row[key[k]] = k
        for q in range(4):
            if k == 0 or low[k, q] < widest[0, q]:
                widest[0, q] = low[k, q]
            if k == 0 or high[k, q] > widest[1, q]:
                widest[1, q] = high[k, q]
    out = np.empty((len(source), 9), np.float32)
    values = np.empty(4)
    for e in range(len(source)):
        s, d = source[e], destination[e]
        step, rise = r[d] - r[s], z[d] - z[s]
        across = safe(step)
        values[0] = turn(phi[d] - phi[s])
        values[1] = values[0] / across
        values[2] = z[s] - r[s] * rise / across
        values[3] = eta[d] - eta[s]
        k = row[layer[s] * layers + layer[d]]
        for q in range(4):
            lowest, highest = (low[k, q], high[k, q]) if k >= 0 else (widest[0, q], widest[1, q])
            half = max(0.5 * (highest - lowest), 1e-9)
            place = q if q < 3 else 4
            out[e, place] = min(max((values[q] - 0.5 * (lowest + highest)) / half, -8.0), 8.0)
        out[e, 3] = min(max(values[2] / 100.0, -8.0), 8.0)
        out[e, 5] = min(max(step / 100.0, -8.0), 8.0)
        out[e, 6] = min(max(rise / 300.0, -8.0), 8.0)
        out[e, 7] = min(max(values[1] * 3000.0, -8.0), 8.0)
        out[e, 8] = np.arctan2(step, rise)
    return out


@njit(nogil=True, cache=True)
def pack(features, more):  # type: ignore[no-untyped-def]
    """Both blocks of features, (E, G1) and (E, G2) within +-8, in steps of 1 / 4095: (E, G1 + G2) int16."""
    own, width = features.shape[1], features.shape[1] + more.shape[1]
    out = np.empty((len(features), width), np.int16)
    for e in range(len(features)):
        for i in range(width):
            value = features[e, i] if i < own else more[e, i - own]
            out[e, i] = np.int16(np.floor(min(max(value, -8.0), 8.0) * _STEPS + 0.5))
    return out


@njit(nogil=True, cache=True)
def unpack(packed, row, mirrored):  # type: ignore[no-untyped-def]
    """Features of some rows, (R, G) float32; of those that are ``mirrored``, (R,) bool, with the signs turned."""
    out = np.empty((len(row), packed.shape[1]), np.float32)
    for e in range(len(row)):
        for i in range(packed.shape[1]):
            out[e, i] = packed[row[e], i] / _STEPS
        if mirrored[e]:
            for i in MIRRORED:
                out[e, i] = -out[e, i]
    return out
