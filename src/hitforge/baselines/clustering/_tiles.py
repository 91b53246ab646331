"""Points of each group sorted into square tiles, so that what lies near a point is found in few of them."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit

_MOST = 8  # tiles for each point, so that a small group in a wide plane costs little
_SLACK = 1.0 + 1e-6  # distances in float32 may be rounded down to the limit


def checked_points(x: Array, y: Array, group: Array | None, **others: Array) -> Array:
    """Return the groups of points as integers, (N,) int64; without groups all are in one.

    Raises:
        DataError: Lengths differ, a number is not finite, or a group is negative or far beyond the number of points.
    """
    if group is None:
        group = np.zeros(len(x), np.int64)
    columns = {"x": x, "y": y, "group": np.asarray(group), **others}
    lengths = {name: np.shape(column) for name, column in columns.items()}
    if set(lengths.values()) != {(len(x),)}:
        raise DataError("all columns of points must have one length", came=lengths)
    for name, column in columns.items():
        if len(column) and not np.isfinite(column).all():
            raise DataError(f"'{name}' of points must be finite", came=column[~np.isfinite(column)][0])
    result = columns["group"].astype(np.int64)
    if len(result) and (result.min() < 0 or result.max() > 1000 * len(result) + 2**20):
        raise DataError("groups of points must be numbered from 0", came=f"{result.min()} to {result.max()}")
    return result


@njit(nogil=True, cache=True)
def by_group(group):  # type: ignore[no-untyped-def]
    """Return the points sorted by group, (N,), and the begin of each group in them, (G + 1,); order within stays."""
    groups = 0
    for i in range(len(group)):
        groups = max(groups, group[i] + 1)
    begin = np.zeros(groups + 1, np.int64)
    for i in range(len(group)):
        begin[group[i] + 1] += 1
    for g in range(groups):
        begin[g + 1] += begin[g]
    place, order = begin[:-1].copy(), np.empty(len(group), np.int64)
    for i in range(len(group)):
        order[place[group[i]]] = i
        place[group[i]] += 1
    return order, begin


@njit(nogil=True, cache=True)
def sort_into_tiles(x, y, order, first, last, min_edge, begin):  # type: ignore[no-untyped-def]
    """Sort one group's points by tile, row after row, in place; for use inside compiled code.

    Args:
        x: Of all points, (N,).
        y: (N,).
        order: Points, of which ``first:last`` are those of the group; sorted in place.
        first: See ``order``.
        last: See ``order``.
        min_edge: Smallest edge of a tile.
        begin: Room for the begin of each tile in ``first:last``; a longer one is made where it is too short.

    Returns:
        Edge of a tile, lowest x and y, rows, columns, and ``begin``, of which rows * columns + 1 are filled.
    """
    number = last - first
    low_x, low_y, high_x, high_y = np.inf, np.inf, -np.inf, -np.inf
    for k in range(first, last):
        i = order[k]
        low_x, high_x = min(low_x, np.float64(x[i])), max(high_x, np.float64(x[i]))
        low_y, high_y = min(low_y, np.float64(y[i])), max(high_y, np.float64(y[i]))
    wide, high = high_x - low_x, high_y - low_y
    most = np.float64(_MOST * number + 64)
    edge = np.float64(min_edge) * _SLACK
    if (wide / edge + 1.0) * (high / edge + 1.0) > most:
        half = 0.5 * (wide + high)  # the root of (wide / edge + 1) (high / edge + 1) = most
        edge = max(edge, (half + np.sqrt(half * half + (most - 1.0) * wide * high)) / (most - 1.0))
    rows, columns = np.int64(high / edge) + 1, np.int64(wide / edge) + 1
    tiles = rows * columns
    if len(begin) < tiles + 1:
        begin = np.empty(2 * tiles + 1, np.int64)
    for t in range(tiles + 1):
        begin[t] = 0
    tile, before = np.empty(number, np.int64), np.empty(number, np.int64)
    for k in range(number):
        i = order[first + k]
        before[k] = i
        tile[k] = np.int64((y[i] - low_y) / edge) * columns + np.int64((x[i] - low_x) / edge)
        begin[tile[k] + 1] += 1
    for t in range(tiles):
        begin[t + 1] += begin[t]
    for k in range(number - 1, -1, -1):  # from behind, so that ``begin`` ends where it must and the order stays
        begin[tile[k] + 1] -= 1
        order[first + begin[tile[k] + 1]] = before[k]
    for t in range(tiles):  # begin[t + 1] is now the begin of tile t
        begin[t] = begin[t + 1]
    begin[tiles] = number
    return edge, low_x, low_y, rows, columns, begin
