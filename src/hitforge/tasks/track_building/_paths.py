"""The best paths of a directed graph, one after the other: what the walk and the path cover are made of.

Score of a path: sum of the weights of its edges. f(v), the score of the best path that ends at hit v, comes from the
hits before v (dynamic programming along the direction of flight). The hit with the highest f ends the best path. When
its hits are taken, f changes only at those hits whose own best path led through them; they alone are computed again.
Values only fall, so a heap with outdated entries that are skipped still gives the highest one.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.tasks.track_building._graph import grouped, ordered

_FREE, _SHARED, _GONE = 0, 1, 2


def logit(score: Array, limit: float) -> Array:
    """Return the log-odds of probabilities, cut off at +-``limit``."""
    floor = 1.0 / (1.0 + np.exp(limit))
    clipped = np.clip(score, floor, 1.0 - floor)
    result: Array = np.log(clipped) - np.log1p(-clipped)
    return result


def below_best(source: Array, destination: Array, odds: Array, hits: int) -> Array:
    """Return how far the log-odds of edges lie below the best that leave the source and enter the destination, (E,).

    Hits of one particle on overlapping modules of a layer do not compete in this sense: their edges score alike.
    """
    best_out, best_in = np.full(hits, -np.inf), np.full(hits, -np.inf)
    np.maximum.at(best_out, source, odds)
    np.maximum.at(best_in, destination, odds)
    result: Array = best_out[source] + best_in[destination] - 2.0 * odds
    return result


def outward(source: Array, destination: Array, xyz: Array) -> Array:
    """Return which edges to keep so that none leads back, (E,) bool.

    Of the hits that lie on cycles or behind them, edges that lead towards the beam line are dropped; most graphs have
    no such hits.
    """
    order = ordered(source, destination, len(xyz))
    if len(order) == len(xyz):
        return np.ones(len(source), bool)
    behind = np.ones(len(xyz), bool)
    behind[order] = False
    rank = np.empty(len(xyz), np.int64)
    rank[np.argsort(np.hypot(xyz[:, 0], xyz[:, 1]), kind="stable")] = np.arange(len(xyz))
    result: Array = ~(behind[source] & behind[destination]) | (rank[source] < rank[destination])
    return result


def best_paths(
    source: Array, destination: Array, weight: Array, sure: Array, layer: Array, hits: int, min_own: int, sharing: float
) -> tuple[Array, Array, int]:
    """Take the best path of a graph, remove its hits, and so on.

    Hits on overlapping modules: a free hit that lies in the same layer as a hit of the path, and that sure edges join
    to the same neighbours on the path, is a member of the track too.

    Args:
        source: Inner hit of each edge, (E,) int32.
        destination: Outer hit, (E,) int32.
        weight: What an edge adds to the score of a path, (E,) float64.
        sure: Whether an edge is good enough to join a hit on an overlapping module, (E,) bool.
        layer: Layer of each hit, (hits,) int32.
        hits: Number of hits.
        min_own: Hits that only this track has, which a track must have; shorter paths are removed and dropped.
        sharing: What a hit costs that another track has taken before; negative: a hit is in one track only. Such a hit
            may be used if the hits before and behind it on the path are free, by two tracks at most.

    Returns:
        Track and hit of each membership, (K,) int32, in the order of the path; number of tracks, the best first.

    Raises:
        DataError: The edges form a cycle.
    """
    order = ordered(source, destination, hits)
    if len(order) < hits:
        raise DataError(
            "edges must lead from inner to outer hits, without a cycle", came=f"{hits - len(order)} hits on cycles"
        )
    member, hit, count = _best_paths(source, destination, weight, sure, layer, order, min_own, sharing)
    return member, hit, count


@njit(nogil=True, cache=True)
def _best_paths(source, destination, weight, sure, layer, order, min_own, sharing):  # type: ignore[no-untyped-def]
    hits = len(order)
    out_start, out_edge = grouped(source, hits)
    in_start, in_edge = grouped(destination, hits)
    place = np.empty(hits, np.int64)
    place[order] = np.arange(hits)
    state, taken_by = np.zeros(hits, np.int8), np.full(hits, -1, np.int32)
    best, before = np.zeros(hits), np.full(hits, -1, np.int32)  # f, and the edge that it came through
    heap = [(-0.0, np.int32(-1))]  # gives the list its type, and ends the loop
    for node in order:
        _update(node, best, before, state, source, weight, in_start, in_edge, sharing)
        if best[node] > 0.0:
            heap.append((-best[node], node))
    heapify(heap)
    members, taken = np.empty(2 * hits, np.int32), np.empty(2 * hits, np.int32)
    filled, count = 0, 0
    marked = np.zeros(hits, np.bool_)
    while True:
        value, end = heappop(heap)
        if end < 0:
            break
        if state[end] != _FREE or -value != best[end]:
            continue
        path = [end]
        while before[path[-1]] >= 0:
            path.append(source[before[path[-1]]])
        path.reverse()
        used = _with_overlaps(
            path, state, taken_by, count, layer, source, destination, sure, out_start, out_edge, in_start, in_edge
        )
        free = 0
        for node in used:
            free += state[node] == _FREE
        if free >= min_own:
            for node in used:
                members[filled], taken[filled] = count, node
                filled += 1
            count += 1
        shareable = sharing >= 0.0 and free >= min_own
        affected = [np.int64(0) for _ in range(0)]
        for node in used:
            if state[node] == _FREE:
                state[node] = _SHARED if shareable else _GONE
            elif free >= min_own:  # a dropped path gives a shared hit back
                state[node] = _GONE
            if state[node] == _SHARED:
                marked[node] = True
                affected.append(place[node])
        stack = used.copy()
        while len(stack):
            node = stack.pop()
            for item in range(out_start[node], out_start[node + 1]):
                edge = out_edge[item]
                other = destination[edge]
                if before[other] == edge and state[other] != _GONE and not marked[other]:
                    marked[other] = True
                    affected.append(place[other])
                    stack.append(other)
        for position in np.sort(np.array(affected)):
            node = order[position]
            marked[node] = False
            _update(node, best, before, state, source, weight, in_start, in_edge, sharing)
            if state[node] == _FREE and best[node] > 0.0:
                heappush(heap, (-best[node], node))
    return members[:filled].copy(), taken[:filled].copy(), count


@njit(nogil=True, cache=True)
def _update(node, best, before, state, source, weight, in_start, in_edge, sharing):  # type: ignore[no-untyped-def]
    """Compute f of a hit from those before it."""
    value, through = 0.0, -1
    for item in range(in_start[node], in_start[node + 1]):
        edge = in_edge[item]
        other = source[edge]
        if state[other] == _GONE or (state[other] == _SHARED and state[node] == _SHARED):
            continue
        if best[other] + weight[edge] > value:
            value, through = best[other] + weight[edge], edge
    best[node] = value - sharing if state[node] == _SHARED else value
    before[node] = through


@njit(nogil=True, cache=True)
def _with_overlaps(  # type: ignore[no-untyped-def]
    path, state, taken_by, number, layer, source, destination, sure, out_start, out_edge, in_start, in_edge
):
    """Return the path with the hits on overlapping modules, each behind its partner."""
    result = [path[0] for _ in range(0)]
    for node in path:
        taken_by[node] = number
    for step in range(len(path)):
        node = path[step]
        result.append(node)
        ahead = path[step + 1] if step + 1 < len(path) else -1
        if step > 0:
            back = path[step - 1]
            for item in range(out_start[back], out_start[back + 1]):
                other = destination[out_edge[item]]
                if not sure[out_edge[item]] or layer[other] != layer[node] or state[other] != _FREE:
                    continue
                if taken_by[other] == number:
                    continue
                joined = ahead < 0
                if not joined:
                    for second in range(out_start[other], out_start[other + 1]):
                        joined |= sure[out_edge[second]] and destination[out_edge[second]] == ahead
                if joined:
                    taken_by[other] = number
                    result.append(other)
        elif ahead >= 0:
            for item in range(in_start[ahead], in_start[ahead + 1]):
                other = source[in_edge[item]]
                if not sure[in_edge[item]] or layer[other] != layer[node] or state[other] != _FREE:
                    continue
                if taken_by[other] != number:
                    taken_by[other] = number
                    result.append(other)
    return result
