"""DBSCAN (Ester et al., KDD 1996), exact, on tiles."""

from __future__ import annotations

import numpy as np

from hitforge.baselines.clustering._tiles import by_group, checked_points, sort_into_tiles
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.kernels import njit


def dbscan(
    x: Array,
    y: Array,
    eps: float,
    min_weight: float,
    *,
    weight: Array | None = None,
    group: Array | None = None,
    depth: Array | None = None,
) -> Array:
    """Return the cluster of each point, (N,) int64, -1 for noise.

    A point is a core if the weights within ``eps``, its own included, sum to ``min_weight`` or more. Cores within
    ``eps`` of each other are in one cluster; another point within ``eps`` of a core joins the cluster with the lowest
    number. The clusters are numbered by their first cores, as in scikit-learn. Arithmetic is float64.

    Args:
        x: (N,) [mm].
        y: (N,) [mm].
        eps: Distance [mm]; equal to it is within.
        min_weight: Weight of a core's surroundings; without weights a number of points.
        weight: (N,); none is 1 each.
        group: Such as the event, from 0, (N,); points of different groups do not see each other.
        depth: Third coordinate, (N,) [mm]; none is 0 everywhere.

    Raises:
        ConfigError: ``eps`` or ``min_weight`` is not above 0.
        DataError: Lengths differ, or a number is not finite.
    """
    if not (np.isfinite(eps) and eps > 0 and min_weight > 0):
        raise ConfigError("eps and min_weight must be above 0", came=f"{eps}, {min_weight}")
    weights, depths = np.ones(len(x)) if weight is None else weight, np.zeros(len(x)) if depth is None else depth
    groups = checked_points(x, y, group, weight=weights, depth=depths)
    columns = [np.ascontiguousarray(values, np.float64) for values in (x, y, depths, weights)]
    label: Array = _scan(*columns, *by_group(groups), float(eps), float(min_weight))
    return label


@njit(nogil=True, cache=True)
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(nogil=True, cache=True)
def _scan(x, y, z, weight, order, begin, eps, min_weight):  # type: ignore[no-untyped-def]
    number, square = len(x), eps * eps
    core, parent = np.zeros(number, np.bool_), np.arange(number)
    border = np.full(number, -1, np.int64)
    label = np.full(number, -1, np.int64)
    tiles = np.empty(0, np.int64)
    for stage in range(3):  # cores; their union by the lowest index; numbers, and what joins them
        if stage == 2:
            count = 0
            for i in range(number):
                if core[i]:
                    root = _root(parent, i)
                    if root == i:
                        label[i] = count
                        count += 1
                    else:
                        label[i] = label[root]  # a root is the first of its cluster
        for g in range(len(begin) - 1):
            first, last = begin[g], begin[g + 1]
            if first == last:
                continue
            _, _, _, rows, columns, tiles = sort_into_tiles(x, y, order, first, last, eps, tiles)
            own = order[first:last]
            sx, sy, sz, sw = x[own], y[own], z[own], weight[own]
            for row in range(rows):
                for column in range(columns):
                    low, high = max(column - 1, 0), min(column + 1, columns - 1)
                    for i in range(tiles[row * columns + column], tiles[row * columns + column + 1]):
                        me, total = own[i], 0.0
                        if stage > 0 and core[me] != (stage == 1):
                            continue
                        for near_row in range(max(row - 1, 0), min(row + 2, rows)):
                            for j in range(tiles[near_row * columns + low], tiles[near_row * columns + high + 1]):
                                dx, dy, dz = sx[i] - sx[j], sy[i] - sy[j], sz[i] - sz[j]
                                if dx * dx + dy * dy + dz * dz > square:
                                    continue
                                if stage == 0:
                                    total += sw[j]
                                elif core[own[j]]:
                                    if stage == 1:
                                        if own[j] < me:
                                            one, two = _root(parent, me), _root(parent, own[j])
                                            parent[max(one, two)] = min(one, two)
                                    elif border[me] < 0 or label[own[j]] < border[me]:
                                        border[me] = label[own[j]]
                        if stage == 0:
                            core[me] = total >= min_weight
    for i in range(number):
        if not core[i]:
            label[i] = border[i]
    return label
