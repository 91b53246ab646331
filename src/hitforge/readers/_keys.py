"""Keys that join tables of numbers, and what their columns must not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError


def finite(table: Mapping[str, Array], names: Iterable[str], path: Path, low: float | None = None) -> None:
    """Refuse numbers that are not finite, or below a limit.

    Raises:
        DataError: With column, value and row.
    """
    for name in names:
        bad = np.flatnonzero(~np.isfinite(table[name]) | (False if low is None else table[name] < low))
        if len(bad):
            must = f"'{name}' must be finite" if low is None else f"'{name}' must be finite and >= {low:g}"
            came = f"{table[name][bad[0]]} in row {bad[0]}, and {len(bad) - 1} more such rows"
            raise DataError(must, came=came, where=path)


def unique_ids(ids: Array, name: str, path: Path) -> Array:
    """Return the order that sorts ids, (rows,) -> (rows,) int64.

    Raises:
        DataError: An id stands twice.
    """
    order = np.argsort(ids, kind="stable")
    same = np.flatnonzero(np.diff(ids[order]) == 0)
    if len(same):
        came = f"{ids[order[same[0]]]} twice, and {len(same) - 1} more such rows"
        raise DataError(f"each '{name}' must stand once", came=came, where=path)
    return order


def find_ids(keys: Array, ids: Array, order: Array) -> Array:
    """Return the row of each key in a table, (N,) -> (N,) int64, -1 where it has none.

    Args:
        keys: (N,) int64.
        ids: Ids of the table, (rows,) int64.
        order: What ``unique_ids`` gave for them.
    """
    if not len(ids):
        return np.full(len(keys), -1)
    place = order[np.minimum(np.searchsorted(ids, keys, sorter=order), len(ids) - 1)]
    return np.where(ids[place] == keys, place, -1)


def refuse_unknown(row: Array, keys: Array, must: str, path: Path) -> None:
    """Refuse ids that were not found.

    Raises:
        DataError: With the first such id and the number of rows.
    """
    lost = np.flatnonzero(row < 0)
    if len(lost):
        raise DataError(must, came=f"{keys[lost[0]]} and {len(lost) - 1} more such rows", where=path)


def refuse_zero(ids: Array, name: str, why: str, path: Path) -> None:
    """Refuse an id 0 where 0 has a meaning of its own.

    Raises:
        DataError: With the row.
    """
    rows = np.flatnonzero(ids == 0)
    if len(rows):
        do = "number them from 1, here and where they are named"
        raise DataError(f"no '{name}' may be 0: {why}", came=f"0 in row {rows[0]}", where=path, do=do)
