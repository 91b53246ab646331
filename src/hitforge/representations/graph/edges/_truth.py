"""True tracks: the order of hits along each particle, and which edges join two that follow each other."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.events import Collection


def along(hits: Collection, links: Collection, particles: Collection) -> tuple[Collection, Array]:
    """Order the hits of each particle by their distance from its production vertex.

    Args:
        hits: Columns ``x``, ``y``, ``z`` [mm], ``layer`` and ``node``: row of each hit in its event, -1 where it is
            not used.
        links: Of the same events.
        particles: Of the same events.

    Returns:
        Links of the hits with a node, sorted by particle, in it by distance, with the columns ``node``, ``particle``
        (both int32 within the event), ``weight`` and ``rank``: hits that follow each other on one layer share a rank.
        And the order in which they stood, (L,).
    """
    row = hits.offsets[links.event] + links["hit"]  # (L,)
    kept = np.flatnonzero(hits["node"][row] >= 0)
    row, event = row[kept], links.event[kept]
    owner = particles.offsets[event] + links["particle"][kept]
    square = np.zeros(len(row))
    for place, origin in (("x", "vx"), ("y", "vy"), ("z", "vz")):
        square += (hits[place][row].astype(np.float64) - particles[origin][owner]) ** 2
    order = np.lexsort((row, square, owner))
    row, owner, event, kept = row[order], owner[order], event[order], kept[order]
    node, layer = hits["node"][row], hits["layer"][row]
    twice = np.zeros(len(row), bool)  # a link that stands twice
    twice[1:] = (row[1:] == row[:-1]) & (owner[1:] == owner[:-1])
    row, owner, event, kept, node, layer = (part[~twice] for part in (row, owner, event, kept, node, layer))
    fresh = np.ones(len(row), bool)
    fresh[1:] = owner[1:] != owner[:-1]
    step = fresh.copy()
    step[1:] |= layer[1:] != layer[:-1]
    number = np.cumsum(step)
    rank = number - number[np.maximum.accumulate(np.where(fresh, np.arange(len(row)), 0))] if len(row) else number
    columns = {
        "node": node.astype(np.int32),
        "particle": (owner - particles.offsets[event]).astype(np.int32),
        "rank": rank.astype(np.int32),
        "weight": links["weight"][kept],
    }
    return Collection.from_counts(np.bincount(event, minlength=len(hits)), columns), kept


@njit(nogil=True, cache=True)
def pairs(node, particle, rank):  # type: ignore[no-untyped-def]
    """All pairs of hits on ranks that follow each other on one particle: source, destination, particle, (T,) int32."""
    count = len(node)
    source = destination = owner = np.empty(0, np.int32)
    for write in range(2):
        total, start = 0, 0
        while start < count:  # one rank after the other
            stop = start
            while stop < count and particle[stop] == particle[start] and rank[stop] == rank[start]:
                stop += 1
            last = stop
            while last < count and particle[last] == particle[start] and rank[last] == rank[start] + 1:
                last += 1
            if write:
                for i in range(start, stop):
                    for j in range(stop, last):
                        source[total], destination[total], owner[total] = node[i], node[j], particle[start]
                        total += 1
            else:
                total += (stop - start) * (last - stop)
            start = stop
        if not write:
            source, destination, owner = (
                np.empty(total, np.int32),
                np.empty(total, np.int32),
                np.empty(total, np.int32),
            )
    return source, destination, owner


@njit(nogil=True, cache=True)
def label(source, destination, true_source, true_destination, true_particle, grade, count, particles):  # type: ignore[no-untyped-def]  # fmt: skip
    """Find the true edges, whichever way round they stand.

    Args:
        source: (E,).
        destination: (E,).
        true_source: Of all true pairs, (T,).
        true_destination: (T,).
        true_particle: (T,).
        grade: Of each particle, (P,) uint8, above 0: how much it counts.
        count: Hits, H.
        particles: P.

    Returns:
        The highest grade of the particles whose hits each edge joins, (E,) uint8, 0 for false edges; and for each
        particle its true pairs, those that are edges, and the hits of its largest piece that edges hold together, (P,)
        int32 each.
    """
    first = np.zeros(count + 1, np.int64)
    for e in range(len(source)):
        first[min(source[e], destination[e]) + 1] += 1
    for i in range(count):
        first[i + 1] += first[i]
    edge, place = np.empty(len(source), np.int64), first[:-1].copy()
    for e in range(len(source)):
        low = min(source[e], destination[e])
        edge[place[low]] = e
        place[low] += 1
    out = np.zeros(len(source), np.uint8)
    have, found = np.zeros(particles, np.int32), np.zeros(particles, np.int32)
    largest = np.zeros(particles, np.int32)
    above, size = np.arange(count), np.ones(count, np.int32)
    start = 0
    while start < len(true_source):  # the pairs of one particle after the other
        owner, stop = true_particle[start], start
        while stop < len(true_source) and true_particle[stop] == owner:
            low = min(true_source[stop], true_destination[stop])
            high = max(true_source[stop], true_destination[stop])
            have[owner] += 1
            for i in range(first[low], first[low + 1]):
                e = edge[i]
                if max(source[e], destination[e]) == high:
                    out[e] = max(out[e], grade[owner])
                    found[owner] += 1
                    a, b = low, high
                    while above[a] != a:
                        a = above[a]
                    while above[b] != b:
                        b = above[b]
                    if a != b:
                        above[b] = a
                        size[a] += size[b]
                    largest[owner] = max(largest[owner], size[a])
                    break
            stop += 1
        for t in range(start, stop):  # as it was, for the next particle
            for i in (true_source[t], true_destination[t]):
                above[i], size[i] = i, 1
        start = stop
    return out, have, found, largest
