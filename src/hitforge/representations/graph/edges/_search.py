"""Exact neighbours within a radius, the nearest first, among up to millions of points in some 2 to 16 dimensions.

A balanced tree halves the points at the median of the widest coordinate until ``_LEAF`` of them are left. The points of
a leaf are served together: leaves whose box is within the radius of theirs are visited in order of the boxes' distance,
and the comparison of one point with a leaf runs over coordinates stored one behind the other, so that it vectorises. A
point's own bound falls to its farthest kept neighbour, which ends the search early where the number is limited.

Distances and distances of boxes are sums of squared float32 differences in the same order of coordinates. Rounded
subtraction, squaring and summing never fall as their arguments rise, so no neighbour is lost to rounding: results are
those of brute force in float32, bit by bit.
"""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.representations._halving import halve

_LEAF = 48
_FARTHEST = 1e15  # coordinates beyond have no float32 square


def within(points: Array, group: Array, radius: float, max_neighbours: int) -> Array:
    """Return the ``max_neighbours`` nearest of other groups within ``radius`` of each point, (N, K) int32, in order.

    Places that are left hold -1. Of points equally far away the lower one comes first.

    Args:
        points: (N, D), taken as float32.
        group: (N,) int; points of one group are no neighbours of each other.
        radius: Largest distance, in units of the coordinates.
        max_neighbours: Neighbours of a point at most.

    Raises:
        DataError: A coordinate is not finite.
    """
    place = np.asarray(points, np.float32)
    usable = (np.abs(place) < _FARTHEST).all(1)  # False for NaN
    if not usable.all():
        row = int(np.argmin(usable))
        raise DataError("coordinates of points must be finite", came=place[row], where=f"row {row}")
    if not len(place):
        return np.empty((0, max_neighbours), np.int32)
    limit = np.float32(min(float(radius), _FARTHEST)) ** 2
    order, start, low, high = _tree(place)
    return np.asarray(
        _search(
            np.ascontiguousarray(place[order].T), np.asarray(group)[order].astype(np.int64), order.astype(np.int32),
            start, low, high, limit, int(max_neighbours),
        )
    )  # fmt: skip


@njit(nogil=True, cache=True)
def _tree(place):  # type: ignore[no-untyped-def]
    """Order of the points by leaf, bounds of each node's points (nodes + levels..., as start and stop), and boxes.

    Node i has the children 2 i + 1 and 2 i + 2; leaves are the last level.
    """
    count, width = place.shape
    levels = 0
    while (count - 1) >> levels >= _LEAF:
        levels += 1
    nodes = (2 << levels) - 1
    start, low, high = (
        np.zeros((nodes, 2), np.int64),
        np.empty((nodes, width), np.float32),
        np.empty((nodes, width), np.float32),
    )
    order = np.arange(count)
    start[0, 1] = count
    for node in range(nodes):
        first, last = start[node]
        for axis in range(width):
            low[node, axis], high[node, axis] = np.inf, -np.inf
        for i in range(first, last):
            for axis in range(width):
                value = place[order[i], axis]
                low[node, axis], high[node, axis] = min(low[node, axis], value), max(high[node, axis], value)
        if 2 * node + 2 >= nodes:
            continue
        axis = int(np.argmax(high[node] - low[node])) if last > first else 0
        middle = (first + last) // 2
        halve(place[:, axis], order, first, last, middle)
        start[2 * node + 1, 0], start[2 * node + 1, 1] = first, middle
        start[2 * node + 2, 0], start[2 * node + 2, 1] = middle, last
    return order, start, low, high


@njit(nogil=True, cache=True)
def _search(place, group, name, start, low, high, limit, max_neighbours):  # type: ignore[no-untyped-def]
    """Neighbours of all points, leaf by leaf; ``place`` is (D, N) in the tree's order."""
    width, count = place.shape
    nodes = len(start)
    first_leaf = nodes // 2
    out = np.full((count, max_neighbours), -1, np.int32)
    stack, leaves = np.empty(64, np.int64), np.empty(nodes - first_leaf, np.int64)
    away = np.empty(nodes - first_leaf, np.float32)
    square = np.empty(_LEAF + 1, np.float32)
    best, who = np.empty((_LEAF + 1, max_neighbours), np.float32), np.empty((_LEAF + 1, max_neighbours), np.int32)
    filled, bound = np.zeros(_LEAF + 1, np.int64), np.empty(_LEAF + 1, np.float32)
    for leaf in range(first_leaf, nodes):
        first, last = start[leaf]
        stack[0], depth, found = 0, 1, 0
        while depth:
            depth -= 1
            node = stack[depth]
            gap = np.float32(0)
            for axis in range(width):
                step = max(low[node, axis] - high[leaf, axis], low[leaf, axis] - high[node, axis], np.float32(0))
                gap += step * step
            if not gap <= limit:
                continue
            if node >= first_leaf:
                leaves[found], away[found] = node, gap
                found += 1
            else:
                stack[depth], stack[depth + 1] = 2 * node + 1, 2 * node + 2
                depth += 2
        filled[:] = 0
        bound[:] = limit
        for turn in np.argsort(away[:found]):
            other = leaves[turn]
            begin, end = start[other]
            size = end - begin
            for q in range(last - first):
                point = first + q
                if away[turn] > bound[q]:
                    continue
                gap = np.float32(0)
                for axis in range(width):
                    value = place[axis, point]
                    step = max(low[other, axis] - value, value - high[other, axis], np.float32(0))
                    gap += step * step
                if gap > bound[q]:
                    continue
                square[:size] = 0
                for axis in range(width):
                    value = place[axis, point]
                    for c in range(size):
                        step = value - place[axis, begin + c]
                        square[c] += step * step
                for c in range(size):
                    if square[c] > bound[q] or group[begin + c] == group[point]:
                        continue
                    n, label = filled[q], name[begin + c]
                    if n == max_neighbours:
                        if square[c] == best[q, n - 1] and label > who[q, n - 1]:
                            continue
                        n -= 1
                    else:
                        filled[q] += 1
                    while n > 0 and (
                        best[q, n - 1] > square[c] or (best[q, n - 1] == square[c] and who[q, n - 1] > label)
                    ):
                        best[q, n], who[q, n] = best[q, n - 1], who[q, n - 1]
                        n -= 1
                    best[q, n], who[q, n] = square[c], label
                    if filled[q] == max_neighbours:
                        bound[q] = best[q, max_neighbours - 1]
        for q in range(last - first):
            row = name[first + q]
            for n in range(filled[q]):
                out[row, n] = who[q, n]
    return out


@njit(nogil=True, cache=True)
def sort_edges(source, destination, count):  # type: ignore[no-untyped-def]
    """Sort edges by source, then destination, without those that stand twice: two passes of counting."""
    for turn_of in range(2):
        by = destination if turn_of == 0 else source
        first = np.zeros(count + 1, np.int64)
        for e in range(len(by)):
            first[by[e] + 1] += 1
        for i in range(count):
            first[i + 1] += first[i]
        new_source, new_destination = np.empty_like(source), np.empty_like(destination)
        for e in range(len(by)):
            place = first[by[e]]
            first[by[e]] += 1
            new_source[place], new_destination[place] = source[e], destination[e]
        source, destination = new_source, new_destination
    kept = 0
    for e in range(len(source)):
        if e and source[e] == source[kept - 1] and destination[e] == destination[kept - 1]:
            continue
        source[kept], destination[kept] = source[e], destination[e]
        kept += 1
    return source[:kept].copy(), destination[:kept].copy()
