"""The cells around an event's seed."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.detectors import GridDetector
from hitforge.events import Collection, Events


def seed_cells(events: Events, detector: GridDetector) -> Array:
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


def crop(
    events: Events, detector: GridDetector, half: tuple[int, int], *, subtract_seed_time: bool = False
) -> Collection:
    """Return the lit cells at most ``half`` rows and columns from the seed.

    Hits in one cell are merged: energies add, and the time is that of the most energetic.

    Args:
        events: Events with hits.
        detector: Geometry of the cells.
        half: Rows and columns on each side of the seed.
        subtract_seed_time: Count times from the seed cell's, where that is lit.

    Returns:
        Columns ``pixel`` (uint16: (row offset + half) * (2 * half column + 1) + column offset + half), ``energy`` [GeV]
        and ``time`` [ns] (float32).

    Raises:
        DataError: The events have no hits, or a cell is not one of the detector's.
    """
    hits = events.hits
    seed = seed_cells(events, detector)  # (N,)
    seed_row, seed_column = detector.grid(np.maximum(seed, 0))
    row, column = detector.grid(hits["cell"])
    period = detector.grid_shape[1] if detector.periodic_columns else 0
    where = (hits.offsets, row, column, seed_row, seed_column, seed >= 0)
    counts, pixel, energy, time = _crop(*where, hits["energy"], hits["time"], half, period, subtract_seed_time)
    return Collection.from_counts(counts, {"pixel": pixel, "energy": energy, "time": time})


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


@njit(nogil=True, cache=True)
def _crop(offsets, row, column, seed_row, seed_column, has_seed, energy, time, half, period, subtract):  # type: ignore[no-untyped-def]
    """Keep the hits near the seeds and merge those of one cell; counts (N,) and three (kept,) columns."""
    events, rows = len(offsets) - 1, len(row)
    height, width = 2 * half[0] + 1, 2 * half[1] + 1
    counts = np.zeros(events, np.int64)
    pixel, out_energy, out_time = np.empty(rows, np.uint16), np.empty(rows, np.float32), np.empty(rows, np.float32)
    best = np.empty(rows, np.float32)  # largest single energy merged into a pixel: its time is kept
    place = np.full(height * width, -1, np.int64)  # where a pixel of this event was written
    kept = 0
    for event in range(events):
        first = kept
        if not has_seed[event]:
            continue
        for hit in range(offsets[event], offsets[event + 1]):
            i, j = row[hit] - seed_row[event], column[hit] - seed_column[event]
            if period > 0:
                j = (j + period // 2) % period - period // 2
            if abs(i) > half[0] or abs(j) > half[1]:
                continue
            cell = (i + half[0]) * width + j + half[1]
            at = place[cell]
            if at < first:
                place[cell] = kept
                pixel[kept], out_energy[kept], out_time[kept] = cell, energy[hit], time[hit]
                best[kept] = energy[hit]
                kept += 1
            else:
                out_energy[at] += energy[hit]
                if energy[hit] > best[at]:
                    best[at], out_time[at] = energy[hit], time[hit]
        counts[event] = kept - first
        if subtract:
            at = place[half[0] * width + half[1]]
            reference = out_time[at] if at >= first else np.float32(0)
            for at in range(first, kept):
                out_time[at] -= reference
    return counts, pixel[:kept].copy(), out_energy[:kept].copy(), out_time[:kept].copy()
