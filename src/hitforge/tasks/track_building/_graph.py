"""What all track builders share: checks, components, and the edges of each hit."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit


def checked_edges(
    source: Array, destination: Array, score: Array, layer: Array, hits: int, xyz: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Return source and destination as int32, score as float64, layer as int32 and xyz as float64.

    Raises:
        DataError: See ``TrackBuilder.build``.
    """
    source, destination, score = np.asarray(source), np.asarray(destination), np.asarray(score, np.float64)
    if not (source.ndim == 1 and source.shape == destination.shape == score.shape):
        raise DataError(
            "each edge must have a source, a destination and a score",
            came=f"{source.shape}, {destination.shape} and {score.shape}",
        )
    if np.shape(layer) != (hits,) or np.shape(xyz) != (hits, 3):
        raise DataError(f"there must be a layer and a place for each of {hits} hits", came=f"{np.shape(layer)}")
    if len(source):
        lowest, highest = min(source.min(), destination.min()), max(source.max(), destination.max())
        if lowest < 0 or highest >= hits:
            raise DataError(f"edges must join hits 0 to {hits - 1}", came=lowest if lowest < 0 else highest)
        bad = ~((score >= 0) & (score <= 1))
        if bad.any():
            raise DataError(
                "the score of an edge must be a probability from 0 to 1",
                came=score[bad][0],
                where=f"edge {int(np.flatnonzero(bad)[0])}",
                do="train again with a lower 'training.lr' if it is not a number",
            )
    return (
        np.ascontiguousarray(source, np.int32),
        np.ascontiguousarray(destination, np.int32),
        score,
        np.ascontiguousarray(layer, np.int32),
        np.ascontiguousarray(xyz, np.float64),
    )


def from_origin(xyz: Array) -> Array:
    """Return the distance from the origin, (hits,) [mm]: what is inner and what is outer."""
    result: Array = np.sqrt((xyz**2).sum(axis=1))
    return result


@njit(nogil=True, cache=True)
def components(source, destination, hits):  # type: ignore[no-untyped-def]
    """Label the connected components of an undirected graph by union-find with path halving.

    Args:
        source: One end of each edge, (E,) int32.
        destination: The other end, (E,) int32.
        hits: Number of nodes.

    Returns:
        Label of each node, (hits,) int32, numbered by the lowest node of a component; and the number of labels.
    """
    parent = np.arange(hits).astype(np.int32)
    for edge in range(len(source)):
        first, second = source[edge], destination[edge]
        while parent[first] != first:
            parent[first] = parent[parent[first]]
            first = parent[first]
        while parent[second] != second:
            parent[second] = parent[parent[second]]
            second = parent[second]
        if first < second:  # the lower node is the root, so that roots come before their members
            parent[second] = first
        elif second < first:
            parent[first] = second
    label = np.empty(hits, np.int32)
    count = 0
    for node in range(hits):
        if parent[node] == node:
            label[node] = count
            count += 1
        else:
            label[node] = label[parent[node]]
    return label, count


@njit(nogil=True, cache=True)
def grouped(key, groups):  # type: ignore[no-untyped-def]
    """Sort items by their group, (E,) int, keeping their order; return starts, (groups + 1,), and items, (E,)."""
    start = np.zeros(groups + 1, np.int64)
    for item in range(len(key)):
        start[key[item] + 1] += 1
    for group in range(groups):
        start[group + 1] += start[group]
    place, items = start[:-1].copy(), np.empty(len(key), np.int32)
    for item in range(len(key)):
        items[place[key[item]]] = item
        place[key[item]] += 1
    return start, items


@njit(nogil=True, cache=True)
def ordered(source, destination, hits):  # type: ignore[no-untyped-def]
    """Return the nodes so that each edge leads onward (A. B. Kahn, Comm. ACM 5 (1962) 558); fewer if there are cycles.

    The result is (n,) int32 with n = ``hits`` where no cycle is.
    """
    start, items = grouped(source, hits)
    missing = np.zeros(hits, np.int32)
    for edge in range(len(destination)):
        missing[destination[edge]] += 1
    queue, filled = np.empty(hits, np.int32), 0
    for node in range(hits):
        if missing[node] == 0:
            queue[filled] = node
            filled += 1
    done = 0
    while done < filled:
        node = queue[done]
        done += 1
        for place in range(start[node], start[node + 1]):
            other = destination[items[place]]
            missing[other] -= 1
            if missing[other] == 0:
                queue[filled] = other
                filled += 1
    return queue[:filled]
