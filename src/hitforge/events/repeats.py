"""Events that are given twice, under whatever name, number or label: they hold the same hits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events.events import Events

FEWEST = 3
"""Events with fewer hits may be the same by chance."""
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
            keys: From ``event_keys``, (N,) uint64.
            place: From ``event_places``, (N, 3) int64.

        Raises:
            DataError: Two events hold the same hits; the error says which.
        """
        known = keys != 0
        keys, place = np.concatenate([self._keys, keys[known]]), np.concatenate([self._place, place[known]])
        order = np.argsort(keys, kind="stable")
        keys, place = keys[order], place[order]
        same = keys[1:] == keys[:-1]
        again = np.flatnonzero(same & (place[1:] != place[:-1]).any(axis=1))
        if len(again):
            first, second = sorted(place[again[0] : again[0] + 2].tolist())
            more = f", and {len(again) - 1} more such pairs" if len(again) > 1 else ""
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

    Place, energy and cell of the hits count, of jets without hits the momenta of their constituents. Two different
    events have the same number with a chance of 2^-64.
    """
    if not {"hits", "constituents"} & events.collections.keys():
        return np.zeros(len(events), np.uint64)
    hits = events.measured
    cell = hits["cell"] if "cell" in hits.columns else hits["jet"]
    key = _mixed(cell.astype(np.uint64))  # (hits,)
    for name in ("x", "y", "z", "energy") if "cell" in hits.columns else ("px", "py", "pz", "energy"):
        key = _mixed(key ^ (hits[name] + np.float32(0)).view(np.uint32).astype(np.uint64))  # -0 is 0
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(key, dtype=np.uint64)])
    result: Array = _mixed(sums[hits.offsets[1:]] - sums[hits.offsets[:-1]])
    return np.where(hits.counts < FEWEST, np.uint64(0), result)


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
