"""How TrackML counts the modules of a layer, where ACTS counts them otherwise."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array

# ACTS counts the modules of an end-cap layer ring after ring, TrackML along the azimuth through all rings. The ring of
# each module in TrackML's order, equal in all layers of a volume and on both sides; within a ring both count alike.
_PIXEL = "011010110110101101101101011011010110110110101101101011011010110110101101101101011011010110110110101101101011"
_SHORT = (
    "0122012012102102102102102102102120120120120120120210210210212012012012012012012012012012201201210210"
    "2102102102102102120120120120120120210210210212012012012012012012012012"
)
_LONG = "01101010101010101010101010101010101010101010101010101010101101010101010101010101010101010101010101"
_RINGS = {7: _PIXEL, 9: _PIXEL, 12: _SHORT, 14: _SHORT, 16: _LONG, 18: _LONG}
_MOST = 4096  # more modules than any layer has


def _tables() -> tuple[Array, Array]:
    """ACTS's module of each TrackML module and the other way round, by volume, two (19, _MOST) int64."""
    to_acts = np.tile(np.arange(_MOST), (19, 1))
    to_trackml = to_acts.copy()
    for volume, text in _RINGS.items():
        ring = np.array(list(text), np.int64)
        order = np.argsort(ring, kind="stable")  # TrackML's modules (from 0) in ACTS's order
        to_trackml[volume, 1 : len(ring) + 1] = order + 1
        to_acts[volume, order + 1] = np.arange(len(ring)) + 1
    return to_acts, to_trackml


_TO_ACTS, _TO_TRACKML = _tables()


def acts_module(volume: Array, module: Array) -> Array:
    """Return ACTS's count of modules that TrackML names, two (N,) int64 -> (N,) int64."""
    return _look_up(_TO_ACTS, volume, module)


def trackml_module(volume: Array, module: Array) -> Array:
    """Return TrackML's module_id of modules that ACTS counts, two (N,) int64 -> (N,) int64."""
    return _look_up(_TO_TRACKML, volume, module)


def _look_up(table: Array, volume: Array, module: Array) -> Array:
    """Entries of a table; what it does not hold stays as it is."""
    known = (volume >= 0) & (volume < len(table)) & (module >= 0) & (module < _MOST)
    return np.where(known, table[np.where(known, volume, 0), np.where(known, module, 0)], module)
