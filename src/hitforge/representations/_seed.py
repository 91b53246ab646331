"""The cell that a representation is centred on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hitforge.core.errors import DataError
from hitforge.detectors import Detector
from hitforge.events import Events

Array = NDArray[Any]


def seed_cells(events: Events, detector: Detector) -> Array:
    """Return each event's seed cell, (N,) int64; -1 for an event without hits and without a seed of its own.

    It is the event field ``seed_cell`` where that is present and not negative, else the cell of the hottest hit (the
    first of equal ones).

    Raises:
        DataError: A cell is not one of the detector's.
    """
    hits = events.hits
    cell: Array = hits["cell"]
    outside = np.flatnonzero((cell < 0) | (cell >= detector.cells))
    if len(outside):
        raise DataError(
            f"each hit's cell must be one of the {detector.cells} of the detector '{detector.name}'",
            came=int(cell[outside[0]]),
            where=f"event {int(np.searchsorted(hits.offsets, outside[0], side='right') - 1)}",
            do="name the detector that the events were made with",
        )
    seed: Array = _hottest(hits.offsets, hits["energy"], cell)
    if "seed_cell" in events.fields:
        given = events.fields["seed_cell"].astype(np.int64)
        wrong = np.flatnonzero(given >= detector.cells)
        if len(wrong):
            raise DataError(
                f"the field 'seed_cell' must be below {detector.cells}",
                came=int(given[wrong[0]]),
                where=f"event {int(wrong[0])}",
            )
        seed = np.where(given >= 0, given, seed)
    return seed


@njit(nogil=True, cache=True)
def _hottest(offsets, energy, cell):  # type: ignore[no-untyped-def]
    seed = np.full(len(offsets) - 1, -1, np.int64)
    for event in range(len(seed)):
        best = -np.inf
        for hit in range(offsets[event], offsets[event + 1]):
            if energy[hit] > best:
                best = energy[hit]
                seed[event] = cell[hit]
    return seed
