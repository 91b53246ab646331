"""Events that are given twice, under whatever name, number or label: they hold the same hits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events.events import Events

FEWEST = 3
"""Events with fewer hits may be the same by chance."""
_SOME, _SEVERAL, _TURNS, _SUMS = 16, 12, 4, 8
"""Hits that a number is made of, bins in which their energies must lie at least, numbers and sums of each event."""
_SHARE, _PITCH = 0.005, 0.006
"""Width of the bins of energy, relative, and of place [mm]."""
_AXIS = {"x": 0.48, "y": 0.64, "z": 0.6}
"""Direction along which the place is told."""
_PLACE = ("file", "event", "part")
_GOLDEN = 0x9E37_79B9_7F4A_7C15


class Repeats:
    """Remembers the hits of the events that it is shown and refuses those that come again from another place.

    Args:
        files: Those that the field ``file`` counts, for the error.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        self._keys, self._place = np.empty(0, np.uint64), np.empty((0, len(_PLACE)), np.int64)

    def add(self, keys: Array, place: Array) -> None:
        """Note events; the same ones from the same place may come as often as they are read.

        Args:
            keys: From ``event_keys`` or ``all_keys``, (N,) or (N, K) uint64; one of them that is the same is enough.
            place: From ``event_places``, (N, 3) int64.

        Raises:
            DataError: Two events hold the same hits; the error says which.
        """
        keys = keys.reshape(len(place), -1)
        place, keys = np.repeat(place, keys.shape[1], axis=0), keys.ravel()
        known = keys != 0
        keys, place = np.concatenate([self._keys, keys[known]]), np.concatenate([self._place, place[known]])
        order = np.argsort(keys, kind="stable")
        keys, place = keys[order], place[order]
        same = keys[1:] == keys[:-1]
        again = np.flatnonzero(same & (place[1:] != place[:-1]).any(axis=1))
        if len(again):
            first, second = sorted(place[again[0] : again[0] + 2].tolist())
            pairs = len({frozenset(map(tuple, place[at : at + 2].tolist())) for at in again})
            more = f", and {pairs - 1} more such pairs" if pairs > 1 else ""
            raise DataError(
                "each event must be given once: it would stand in training and test",
                came=f"{self._name(first)} and {self._name(second)}, which hold the same hits{more}",
                do="leave one of them out, or set 'repeated: keep' if they are different events",
            )
        new = np.ones(len(keys), np.bool_)
        new[1:] = ~same
        self._keys, self._place = keys[new], place[new]

    def _name(self, place: list[int]) -> str:
        file, event, part = place
        where = f" of '{self._files[file]}'" if 0 <= file < len(self._files) else ""
        return f"event {event}{f' (part {part})' if part else ''}{where}"


def event_keys(events: Events) -> Array:
    """Return a number that tells the hits of each event, in any order, (N,) uint64; 0 where there are few.

    Place, energy and cell of the hits count. Two different events have the same number with a chance of 2^-64.
    """
    if "hits" not in events.collections:
        return np.zeros(len(events), np.uint64)
    hits = events.hits
    key = _mixed(hits["cell"].astype(np.uint64))  # (hits,)
    for name in ("x", "y", "z", "energy"):
        key = _mixed(key ^ (hits[name] + np.float32(0)).view(np.uint32).astype(np.uint64))  # -0 is 0
    result: Array = _mixed(_summed(key, hits.offsets))
    return np.where(hits.counts < FEWEST, np.uint64(0), result)


def all_keys(events: Events) -> Array:
    """Return ``event_keys`` and numbers that a copy of an event in less digits shares with it, (N, 1 + 4) uint64.

    Such a number is of the cells of all hits and, for some hits alone in their cells, of place and energy in bins: 16
    of them seldom lie at the border of one, and one of the four numbers is the same in 8 of 10 copies with half
    precision or three decimals. It is 0 for events of fewer hits, and where the energies lie in few bins and are not
    all the same: these would be the same in other events, too. Two different events share one only if they have hits in
    the same cells, with 16 energies and 8 sums of half of them that agree to 0.5 %, and places to 0.006 mm.
    """
    exact = event_keys(events)
    if "hits" not in events.collections or not events.hits.rows:
        return exact[:, None]
    hits, energy = events.hits, events.hits["energy"].astype(np.float64)
    bins, along = _bins(energy, _SHARE), sum(hits[name].astype(np.float64) * part for name, part in _AXIS.items())
    value = _mixed(bins) + np.floor(along / _PITCH).astype(np.int64).view(np.uint64)
    cell = _mixed(hits["cell"].astype(np.uint64))
    whole = _mixed(_summed(cell, hits.offsets))
    for bit in range(_SUMS):
        half = np.where(cell >> np.uint64(bit) & np.uint64(1), energy, 0.0)
        whole = _mixed(whole ^ _bins(hits.sum(half), _SHARE))
    low, high = np.full(len(events), np.inf), np.full(len(events), -np.inf)
    np.minimum.at(low, hits.event, energy)
    np.maximum.at(high, hits.event, energy)
    result = [exact]
    for turn in range(_TURNS):
        rank = _mixed(cell + np.uint64(turn + 1))
        full, chosen = _alone(rank, hits.counts, hits.event)
        told = (np.diff(np.sort(bins[chosen], axis=1), axis=1) != 0).sum(axis=1) + 1 >= _SEVERAL
        mine = _mixed(rank[chosen] ^ value[chosen]).sum(axis=1, dtype=np.uint64)
        key = np.zeros(len(events), np.uint64)
        key[full] = np.where(told | (low == high)[full], _mixed(mine + whole[full]), np.uint64(0))
        result.append(key)
    return np.stack(result, axis=1)


def _alone(rank: Array, counts: Array, event: Array) -> tuple[Array, Array]:
    """Return events and, of each, the hits of least rank among those whose rank no other hit has, (n,) and (n, 16)."""
    share = np.minimum(3 * _SOME / np.maximum(counts, 1), 1.0) * (2.0**64 - 2**11)  # so that few need be sorted
    at = np.flatnonzero(rank <= share.astype(np.uint64)[event])
    at = at[np.lexsort((rank[at], event[at]))]
    new = np.ones(len(at) + 1, np.bool_)
    new[1:-1] = (np.diff(event[at]) != 0) | (rank[at][1:] != rank[at][:-1])
    at = at[new[1:] & new[:-1]]
    number = np.bincount(event[at], minlength=len(counts))
    full = np.flatnonzero(number >= _SOME)
    return full, at[(np.cumsum(number) - number)[full][:, None] + np.arange(_SOME)]


def _summed(values: Array, offsets: Array) -> Array:
    """Sum of each event, which wraps around."""
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)])
    result: Array = sums[offsets[1:]] - sums[offsets[:-1]]
    return result


def _bins(values: Array, width: float) -> Array:
    """Numbers, as uint64, of bins of equal relative width; all that is not positive is in one."""
    return np.floor(np.log(np.where(values > 0, values, 1.0)) / width).astype(np.int64).view(np.uint64)


def event_places(events: Events) -> Array:
    """Return file, number and part of each event, 0 where it does not say, (N, 3) int64."""
    none = np.zeros(len(events), np.int64)
    return np.stack([events.fields.get(name, none).astype(np.int64) for name in _PLACE], axis=1)


def _mixed(key: Array) -> Array:
    """SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): one bit of the number changes half of the result's."""
    key = key + np.uint64(_GOLDEN)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    result: Array = key ^ (key >> np.uint64(31))
    return result
