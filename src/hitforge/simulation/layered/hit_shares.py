"""Which particle gave how much of a hit."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.simulation.layered.readout import CalorimeterHits


def share_hits(hits: CalorimeterHits, event: Array, cell: Array, energy: Array) -> tuple[Array, Array, Array]:
    """Divide the signal's share of each hit among the deposits in its cell, each by its energy.

    Args:
        hits: What was read out of these deposits as its signal.
        event: Of each deposit, (K,) int64.
        cell: A cell may stand once for each particle of an event, (K,) int64.
        energy: Active energy, (K,) [GeV].

    Returns:
        Row among all hits, rising, (L,) int64; row of the deposit, (L,) int64; part of the hit's energy, (L,) float32.
        The parts of a hit sum to its share of the signal. Deposits without a hit have no row.
    """
    hit_event = np.repeat(np.arange(len(hits.counts)), hits.counts)  # (H,)
    number, asked = hits.cell, np.asarray(cell, np.int64)
    if not len(number) or not len(asked):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    lowest, highest = min(number.min(), asked.min()), max(number.max(), asked.max())
    span = int(highest) - int(lowest) + 1
    if span * len(hits.counts) < 2**63:
        number, asked = number - lowest, asked - lowest
    else:  # numbers too far apart for one key with the event: their ranks are not
        distinct, rank = np.unique(np.concatenate([number, asked]), return_inverse=True)
        number, asked, span = rank[: len(number)], rank[len(number) :], len(distinct)
    key, own = hit_event * span + number, np.asarray(event, np.int64) * span + asked  # keys of hits rise
    at = np.minimum(np.searchsorted(key, own), len(key) - 1)
    deposit = np.flatnonzero((key[at] == own) & (np.asarray(energy) > 0) & (hits.share[at] > 0))
    deposit = deposit[np.argsort(at[deposit], kind="stable")]
    row, part = at[deposit], np.asarray(energy, np.float64)[deposit]
    total = np.bincount(row, part, minlength=len(key))  # (H,)
    return row, deposit, (hits.share[row] * part / total[row]).astype(np.float32)


def count_cells(event: Array, cell: Array, events: int) -> Array:
    """Return the number of different cells of each event, (K,) and (K,) int64 -> (events,) int64."""
    order = np.lexsort((cell, event))
    event, cell = event[order], cell[order]
    new = np.ones(len(cell), bool)
    new[1:] = (event[1:] != event[:-1]) | (cell[1:] != cell[:-1])
    return np.bincount(event[new], minlength=events)
