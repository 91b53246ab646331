"""Truth of tracks: the columns of a tracker's hits by name, and pairs of hits."""

from __future__ import annotations

from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.representations.truth import HitTruth


def hit_truth(target: Any) -> HitTruth:
    """Name the columns of the truth of hits, (H, 9), a tensor or an array; the last is the event's number.

    All columns are float32, so the numbers of particles are exact below 2^24: a batch must have fewer particles.

    Raises:
        DataError: There are not 9 columns.
    """
    columns = (*HitTruth._fields, "event")
    if target.ndim != 2 or target.shape[1] != len(columns):
        raise DataError(f"the truth of hits must have the columns {', '.join(columns)}", came=tuple(target.shape))
    return HitTruth(*(target[:, i] for i in range(len(HitTruth._fields))))


def consecutive(particle: Array, rank: Array) -> tuple[Array, Array]:
    """Return the pairs of hits on consecutive distinct layers of one particle, inner and outer, each (P,) int64.

    Where a particle has several hits at a step (modules that overlap), each is paired with each of the next step.

    Args:
        particle: (H,), negative for noise.
        rank: (H,), step along the particle.
    """
    order = np.lexsort((rank, particle))
    order = order[particle[order] >= 0]
    if not len(order):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    owner, step = particle[order], rank[order]
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(owner) != 0) | (np.diff(step) != 0)
    start = np.flatnonzero(new)  # (G,) first hit of each step
    count = np.diff(start, append=len(order))  # (G,)
    follows = np.zeros(len(start), bool)
    follows[:-1] = (np.diff(owner[start]) == 0) & (np.diff(step[start]) == 1)
    following = np.where(follows, np.append(count[1:], 0), 0)  # (G,) hits of the next step
    each = np.repeat(following, count)  # (H',) partners of each hit
    begin = np.repeat(np.append(start[1:], 0), count)  # (H',)
    inner = np.repeat(np.arange(len(order)), each)  # (P,)
    outer = np.repeat(begin - (np.cumsum(each) - each), each) + np.arange(len(inner))
    return order[inner], order[outer]


__all__ = ["HitTruth", "consecutive", "hit_truth"]
