"""Exact nearest neighbours in many small or a few large sets of points, one tree of cells a set.

A set is halved at the median of its widest coordinate until at most ``_LEAF`` points are in a cell, so the work does
not depend on how unevenly points lie (an even grid would hold one shower's core in a single cell when another hit is
far away). The points of a cell are served together: the neighbours of the one in its middle say how far to look, all
points as near as that to the cell are copied side by side, and each point of the cell then compares itself with these
few. A point whose neighbours are farther than that searches the tree by itself. Small sets are one cell.

Boxes bound the points of a cell. A distance to a box is computed with the same rounded operations, in the same order,
as one to a point, and each operation never falls as its argument rises, so rounding loses no point: results are those
of brute force in float64, bit by bit.
"""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.events import Collection
from hitforge.representations._halving import halve

_WHOLE = 256  # sets up to this size are one leaf
_LEAF = 24  # points in a leaf of a larger one
_FARTHER = 2.5  # how far to look for the neighbours of a leaf's points: squared, in those of its middle point
_FARTHEST = 1e150  # coordinates beyond have no square


def scaled(points: Collection, depth: float) -> Array:
    """Return x, y and ``depth`` * z of points, (rows, 3) float64 [mm]."""
    x, y, z = (np.asarray(points[name], np.float64) for name in ("x", "y", "z"))
    return np.stack([x, y, depth * z], axis=1)


def nearest(coordinates: Array, points: Collection, k: int, radius: float = np.inf) -> Array:
    """Return the ``k`` nearest other points of the same event, nearest first, (rows, k) int32.

    Of points equally far away, the one that stands first in the event comes first. Where fewer than ``k`` lie within
    ``radius``, a point repeats itself.

    Args:
        coordinates: (rows, D) with D up to 4; distances are Euclidean in them.
        points: Gives the events that the rows belong to.
        k: Neighbours of a point.
        radius: Largest distance of a neighbour, in units of the coordinates.

    Raises:
        DataError: A coordinate is not finite.
    """
    offsets = points.offsets
    label = (np.arange(points.rows) - np.repeat(offsets[:-1], points.counts)).astype(np.int32)
    own = np.arange(len(points))[None]
    return nearest_in(coordinates, offsets, label, own, np.array([k]), radius)


def nearest_in(
    coordinates: Array, offsets: Array, label: Array, targets: Array, count: Array, radius: float = np.inf
) -> Array:
    """Return, for each point, the nearest other points in each of several sets, (rows, sum of count) int32.

    Args:
        coordinates: (rows, D) with D up to 4.
        offsets: (sets + 1,) int64: points of set i are rows ``offsets[i]:offsets[i + 1]``.
        label: (rows,) int32: how a point is named in the result; of points equally far away, the lower label wins.
        targets: (T, sets) int64: the points of set i look into the sets ``targets[:, i]``; -1 for none.
        count: (T,) int: number of neighbours from each.
        radius: Largest distance of a neighbour.

    Returns:
        Labels, nearest first in each of the T blocks; a point's own where too few were found.

    Raises:
        DataError: A coordinate is not finite.
    """
    place = np.zeros((4, len(coordinates)))
    place[: coordinates.shape[1]] = np.asarray(coordinates, np.float64).T
    usable = (np.abs(place) < _FARTHEST).all(0)
    if not usable.all():
        row = int(np.argmin(usable))
        raise DataError("coordinates of points must be finite", came=coordinates[row], where=f"row {row}")
    out = np.repeat(label.astype(np.int32)[:, None], int(count.sum()), axis=1)
    limit = min(radius, _FARTHEST) ** 2
    _search(place, offsets, label.astype(np.int32), targets, count.astype(np.int64), limit, out)
    return out


def count_within(coordinates: Array, points: Collection, radius: float) -> Array:
    """Return how many other points of the same event lie within ``radius``, (rows,) int64.

    Args:
        coordinates: (rows, 3).
        points: Gives the events that the rows belong to.
        radius: In units of the coordinates.
    """
    out = np.zeros(points.rows, np.int64)
    _count(np.ascontiguousarray(coordinates.T, np.float64), points.offsets, float(radius) ** 2, out)
    return out


@njit(nogil=True, cache=True)
def _search(place, offsets, label, targets, count, limit, out):  # type: ignore[no-untyped-def]
    sets, rows = len(offsets) - 1, place.shape[1]
    levels, first, largest = np.zeros(sets, np.int64), np.zeros(sets + 1, np.int64), 0
    for s in range(sets):
        size = offsets[s + 1] - offsets[s]
        largest = max(largest, size)
        while size > _WHOLE and (size - 1) >> levels[s] >= _LEAF:
            levels[s] += 1
        first[s + 1] = first[s] + (2 << levels[s]) - 1
    order = np.arange(rows)
    box, start = np.empty((first[-1], 8)), np.empty((first[-1], 2), np.int64)
    used = 2
    for axis in range(2, 4):  # coordinates that are 0 everywhere cost nothing
        if place[axis].any():
            used = axis + 1
    for s in range(sets):
        _build(place, order, offsets[s], offsets[s + 1], levels[s], box[first[s] :], start[first[s] :], used)
    x, y, z, w = place[0][order], place[1][order], place[2][order], place[3][order]
    name = label[order].astype(np.int64)
    cx, cy, cz, cw = np.empty(largest), np.empty(largest), np.empty(largest), np.empty(largest)
    who, distance = np.empty(largest, np.int64), np.empty(largest)
    short, whose, chosen = np.empty(largest), np.empty(largest, np.int64), np.empty(largest, np.int64)
    best, found = np.empty(count.max()), np.empty(count.max(), np.int64)
    waiting, apart = np.empty(128, np.int64), np.empty(128)
    for s in range(sets):
        column = 0
        for t in range(len(count)):
            k, target = count[t], targets[t, s]
            column += k
            if target < 0 or offsets[target + 1] == offsets[target] or offsets[s + 1] == offsets[s]:
                continue
            inner, span = (1 << levels[target]) - 1, first[target]
            boxes, starts = box[span : first[target + 1]], start[span : first[target + 1]]
            guess = 0.0
            for leaf in range((1 << levels[s]) - 1, (2 << levels[s]) - 1):
                begin, end = start[first[s] + leaf, 0], start[first[s] + leaf, 1]
                reach, mine = limit, 0
                if inner > 0:  # the point in the middle says how far to look
                    i = (begin + end) // 2
                    number = _query(
                        x[i], y[i], z[i], w[i], i, x, y, z, w, name, boxes, starts, inner, k, limit, best, found,
                        waiting, apart, used,
                    )  # fmt: skip
                    if number == k:
                        guess, reach = best[k - 1], min(limit, best[k - 1] * _FARTHER)
                number, mine = _gather(
                    box[first[s] + leaf], begin, x, y, z, w, name, boxes, starts, inner, reach, cx, cy, cz, cw, who,
                    waiting, used,
                )  # fmt: skip
                for i in range(begin, end):
                    _measure(x[i], y[i], z[i], w[i], cx, cy, cz, cw, number, used, distance)
                    if target == s:
                        distance[mine + i - begin] = np.inf
                    kept, cut = 0, 0.0
                    if guess > 0.0 or number <= k + 1:
                        kept, cut = _shorten(distance, who, number, k, guess, reach, chosen, short, whose)
                    if (kept < k and cut < limit) or kept > 6 * k + 32:  # too few so near, or too many for ranking
                        kept = _query(
                            x[i], y[i], z[i], w[i], i, x, y, z, w, name, boxes, starts, inner, k, limit, best, found,
                            waiting, apart, used,
                        )  # fmt: skip
                        if kept == k:
                            guess = best[k - 1]
                        for j in range(kept):
                            out[order[i], column - k + j] = found[j]
                        continue
                    for j in range(kept):
                        chosen[_rank(short, whose, kept, short[j], whose[j])] = j
                    for j in range(min(k, kept)):
                        out[order[i], column - k + j] = whose[chosen[j]]
                    if kept >= k:
                        guess = short[chosen[k - 1]]


@njit(nogil=True, cache=True)
def _count(place, offsets, limit, out):  # type: ignore[no-untyped-def]
    """Count the other points of the same set within a distance; sets are compared in slices along their first axis."""
    for s in range(len(offsets) - 1):
        begin, end = offsets[s], offsets[s + 1]
        order = begin + np.argsort(place[0, begin:end])
        x, y, z = place[0][order], place[1][order], place[2][order]
        for i in range(len(order)):
            for j in range(i + 1, len(order)):
                dx, dy, dz = x[j] - x[i], y[j] - y[i], z[j] - z[i]
                if dx * dx > limit:
                    break
                if dx * dx + dy * dy + dz * dz <= limit:
                    out[order[i]] += 1
                    out[order[j]] += 1


@njit(nogil=True, cache=True)
def _gather(  # type: ignore[no-untyped-def]
    around, begin, x, y, z, w, name, box, start, inner, reach, cx, cy, cz, cw, who, waiting, used
):
    """Copy the points of a tree within ``reach`` of a box; return their number and where row ``begin`` came to lie."""
    number, mine, depth = 0, -1, 1
    waiting[0] = 0
    low0, low1, low2, low3 = around[0], around[1], around[2], around[3]
    high0, high1, high2, high3 = around[4], around[5], around[6], around[7]
    while depth > 0:
        depth -= 1
        node = waiting[depth]
        dx = max(box[node, 0] - high0, low0 - box[node, 4], 0.0)
        dy = max(box[node, 1] - high1, low1 - box[node, 5], 0.0)
        gap = dx * dx + dy * dy
        if used > 2:
            dz = max(box[node, 2] - high2, low2 - box[node, 6], 0.0)
            gap += dz * dz
            if used > 3:
                dw = max(box[node, 3] - high3, low3 - box[node, 7], 0.0)
                gap += dw * dw
        if gap > reach:
            continue
        if node < inner:
            waiting[depth], waiting[depth + 1] = 2 * node + 1, 2 * node + 2
            depth += 2
            continue
        if start[node, 0] == begin:
            mine = number
        for i in range(start[node, 0], start[node, 1]):
            dx = max(x[i] - high0, low0 - x[i], 0.0)
            dy = max(y[i] - high1, low1 - y[i], 0.0)
            gap = dx * dx + dy * dy
            cx[number], cy[number] = x[i], y[i]
            if used > 2:
                dz = max(z[i] - high2, low2 - z[i], 0.0)
                gap += dz * dz
                cz[number] = z[i]
                if used > 3:
                    dw = max(w[i] - high3, low3 - w[i], 0.0)
                    gap += dw * dw
                    cw[number] = w[i]
            who[number] = name[i]
            number += 1 if gap <= reach else 0  # without a jump that could be guessed wrongly
    return number, mine


@njit(nogil=True, cache=True)
def _measure(px, py, pz, pw, cx, cy, cz, cw, number, used, distance):  # type: ignore[no-untyped-def]
    """Squared distances from one point to many; plain loops, so that the compiler makes vectors of them."""
    if used == 2:
        for j in range(number):
            dx, dy = cx[j] - px, cy[j] - py
            distance[j] = dx * dx + dy * dy
    elif used == 3:
        for j in range(number):
            dx, dy, dz = cx[j] - px, cy[j] - py, cz[j] - pz
            distance[j] = dx * dx + dy * dy + dz * dz
    else:
        for j in range(number):
            dx, dy, dz, dw = cx[j] - px, cy[j] - py, cz[j] - pz, cw[j] - pw
            distance[j] = dx * dx + dy * dy + dz * dz + dw * dw


@njit(nogil=True, cache=True)
def _shorten(distance, who, number, k, guess, reach, chosen, short, whose):  # type: ignore[no-untyped-def]
    """Copy all up to some distance, at best a few more than ``k``; return their number and that distance."""
    cut = min(guess, reach) if number > k + 1 else reach
    for attempt in range(12):
        inside = 0
        for j in range(number):
            inside += 1 if distance[j] <= cut else 0
        if inside < k and cut < reach:
            cut = min(reach, cut * (1.4 if 2 * inside > k else 3.0))
        elif inside > 3 * k + 8 and attempt < 6 and number > k + 1:
            cut *= max(0.3, 1.7 * k / inside)
        else:
            break
    place = np.uint64(0)  # an unsigned index is not checked for being negative
    for j in range(number):  # without a jump that could be guessed wrongly
        chosen[place] = j
        place += np.uint64(distance[j] <= cut)
    kept = np.int64(place)
    for j in range(kept):
        short[j], whose[j] = distance[chosen[j]], who[chosen[j]]
    return kept, cut


@njit(nogil=True, cache=True)
def _rank(short, whose, kept, value, label):  # type: ignore[no-untyped-def]
    """How many come before this one; ranking sorts a few dozen faster than any sort that jumps."""
    rank = 0
    for j in range(kept):
        rank += 1 if (short[j] < value) | ((short[j] == value) & (whose[j] < label)) else 0
    return rank


@njit(nogil=True, cache=True)
def _build(place, order, begin, end, levels, box, start, used):  # type: ignore[no-untyped-def]
    """Order the rows ``begin:end`` so that each node's are contiguous; node i has the children 2 i + 1 and 2 i + 2."""
    start[0, 0], start[0, 1] = begin, end
    inner = (1 << levels) - 1
    for node in range((2 << levels) - 1):
        a, b = start[node, 0], start[node, 1]
        widest, axis = -1.0, 0
        for d in range(4):
            box[node, d], box[node, 4 + d] = 0.0, 0.0
            if d < used:
                low, high = np.inf, -np.inf
                for i in range(a, b):
                    value = place[d, order[i]]
                    low, high = min(low, value), max(high, value)
                box[node, d], box[node, 4 + d] = low, high
                if high - low > widest:
                    widest, axis = high - low, d
        if node < inner:
            middle = (a + b) // 2
            halve(place[axis], order, a, b, middle)
            start[2 * node + 1, 0], start[2 * node + 1, 1] = a, middle
            start[2 * node + 2, 0], start[2 * node + 2, 1] = middle, b


@njit(nogil=True, cache=True)
def _query(  # type: ignore[no-untyped-def]
    px, py, pz, pw, own, x, y, z, w, name, box, start, inner, k, limit, best, found, waiting, apart, used
):
    """Fill ``best`` and ``found`` with the nearest of one tree and return how many there are."""
    number, worst, last = 0, limit, np.int64(1) << 40  # the k-th best so far, and a label beyond any real one
    node, depth = 0, 0
    while True:
        while node < inner:
            left, right = 2 * node + 1, 2 * node + 2
            near, far = _gap(px, py, pz, pw, box, left, used), _gap(px, py, pz, pw, box, right, used)
            if near > far:
                left, right, near, far = right, left, far, near
            if far <= worst:
                waiting[depth], apart[depth] = right, far
                depth += 1
            node = left
        for i in range(start[node, 0], start[node, 1]):
            dx, dy = x[i] - px, y[i] - py
            distance = dx * dx + dy * dy
            if used > 2:
                dz = z[i] - pz
                distance += dz * dz
                if used > 3:
                    dw = w[i] - pw
                    distance += dw * dw
            if distance > worst or i == own:
                continue
            label = name[i]
            if distance == worst and label > last:
                continue
            j = min(number, k - 1)
            while j > 0 and (best[j - 1] > distance or (best[j - 1] == distance and found[j - 1] > label)):
                best[j], found[j] = best[j - 1], found[j - 1]
                j -= 1
            best[j], found[j] = distance, label
            number = min(number + 1, k)
            if number == k:
                worst, last = best[k - 1], found[k - 1]
        while True:
            if depth == 0:
                return number
            depth -= 1
            if apart[depth] <= worst:
                node = waiting[depth]
                break


@njit(nogil=True, cache=True, inline="always")
def _gap(px, py, pz, pw, box, node, used):  # type: ignore[no-untyped-def]
    """Squared distance from a point to a node's box."""
    dx = max(box[node, 0] - px, px - box[node, 4], 0.0)
    dy = max(box[node, 1] - py, py - box[node, 5], 0.0)
    distance = dx * dx + dy * dy
    if used > 2:
        dz = max(box[node, 2] - pz, pz - box[node, 6], 0.0)
        distance += dz * dz
        if used > 3:
            dw = max(box[node, 3] - pw, pw - box[node, 7], 0.0)
            distance += dw * dw
    return distance


__all__ = ["count_within", "nearest", "nearest_in", "scaled"]
