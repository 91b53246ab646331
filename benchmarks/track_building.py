"""Track building: component labelling against SciPy and networkx, and walking against a walk written with networkx.

The graph is that of particles that cross layers, with missing and doubled hits, noise, and wrong edges to hits nearby;
true edges score high and wrong ones low, with some overlap. All sides see the same edges on one thread. Labels must
agree; the walks must find the same tracks but for a few where scores tie or hits overlap. The walk with networkx takes
the longest weighted path of each component, removes its hits, and goes on: the same rule as ``walk``, without
overlaps. Seconds are those of the processor, which a busy machine does not lengthen much.

    python benchmarks/track_building.py --particles 600 9000
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csgraph

from hitforge.core.random import stream
from hitforge.tasks.track_building import BUILDERS
from hitforge.tasks.track_building._graph import components
from hitforge.tasks.track_building._paths import logit

Array = NDArray[Any]
LAYERS = 13


@dataclass
class Graph:
    """Edges of one event, and the particle of each hit (-1: noise)."""

    source: Array
    destination: Array
    score: Array
    layer: Array
    xyz: Array
    particle: Array


def graph(particles: int, wrong: int, seed: int) -> Graph:
    """Make an event: straight tracks in azimuth, 97 % efficient layers, 5 % doubled hits, 10 % noise."""
    random = stream(seed, "track_building", particles)
    number, layer = np.divmod(np.arange(particles * LAYERS), LAYERS)
    kept = random.random(len(number)) < 0.97
    kept = np.concatenate([np.flatnonzero(kept), np.flatnonzero(kept & (random.random(len(number)) < 0.05))])
    number, layer = number[kept], layer[kept]
    phi = random.uniform(-np.pi, np.pi, particles)[number]
    noise = len(number) // 10
    number = np.concatenate([number, np.full(noise, -1)])
    layer = np.concatenate([layer, random.integers(0, LAYERS, noise)])
    phi = np.concatenate([phi, random.uniform(-np.pi, np.pi, noise)])
    order = random.permutation(len(number))
    number, layer, phi = number[order], layer[order].astype(np.int32), phi[order]
    source, destination = [], []
    for step in (1, 2):  # to the next layer, and to the one behind it where that has no hit of the particle
        for inner in range(LAYERS - step):
            one, two = np.flatnonzero(layer == inner), np.flatnonzero(layer == inner + step)
            two = two[np.argsort(number[two], kind="stable")]
            begin, end = (np.searchsorted(number[two], number[one], side) for side in ("left", "right"))
            count = np.where(number[one] >= 0, end - begin, 0)
            first = np.repeat(begin, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            here = np.repeat(one, count)
            if step == 2:
                between = np.zeros(particles, bool)
                between[number[(layer == inner + 1) & (number >= 0)]] = True
                here, first = here[~between[number[here]]], first[~between[number[here]]]
            source.append(here)
            destination.append(two[first])
            if step == 1:  # wrong edges go to hits near in azimuth
                two = two[np.argsort(phi[two])]
                near = np.searchsorted(phi[two], phi[one])[:, None] + random.integers(-20, 20, (len(one), wrong))
                source.append(np.repeat(one, wrong))
                destination.append(two[near % len(two)].ravel())
    edges = np.unique(np.stack([np.concatenate(source), np.concatenate(destination)]), axis=1)
    edges = edges[:, random.permutation(edges.shape[1])]
    same = (number[edges[0]] == number[edges[1]]) & (number[edges[0]] >= 0)
    odds = np.where(same, random.normal(4.0, 2.0, len(same)), random.normal(-5.0, 2.2, len(same)))
    xyz = np.stack([(30.0 + 80.0 * layer) * np.cos(phi), (30.0 + 80.0 * layer) * np.sin(phi), np.zeros(len(phi))], 1)
    source, destination = edges.astype(np.int32)
    return Graph(source, destination, 1.0 / (1.0 + np.exp(-odds)), layer, xyz, number)


MIN_HITS = 5
"""Hits of a track, at least."""


def networkx_components(event: Graph, kept: Array) -> int:
    net = nx.Graph()
    net.add_nodes_from(range(len(event.layer)))
    net.add_edges_from(zip(event.source[kept].tolist(), event.destination[kept].tolist(), strict=True))
    return sum(1 for _ in nx.connected_components(net))


def networkx_walk(event: Graph, settings: Any) -> list[list[int]]:
    """Tracks by the rule of ``walk``, without hits on overlapping modules."""
    best = np.zeros(len(event.layer))
    np.maximum.at(best, event.source, event.score)
    kept = (event.score >= settings.threshold) & (
        (event.score >= settings.certain) | (event.score == best[event.source])
    )
    weight = logit(event.score[kept], settings.limit) - float(logit(np.array(settings.threshold), settings.limit))
    net = nx.DiGraph()
    net.add_weighted_edges_from(
        zip(event.source[kept].tolist(), event.destination[kept].tolist(), weight.tolist(), strict=True)
    )
    tracks = []
    for nodes in list(nx.weakly_connected_components(net)):
        part = net.subgraph(nodes).copy()
        while part.number_of_edges():
            path = nx.dag_longest_path(part, weight="weight")
            if len(path) >= MIN_HITS:
                tracks.append(path)
            part.remove_nodes_from(path)
    return tracks


def efficiency(event: Graph, member: Array, hit: Array, count: int) -> float:
    """Share of particles with nine hits that a track matches by double majority."""
    owner, size = event.particle[hit], np.bincount(event.particle[event.particle >= 0])
    key, shared = np.unique(member[owner >= 0].astype(np.int64) * len(size) + owner[owner >= 0], return_counts=True)
    length = np.bincount(member, minlength=count)
    good = (2 * shared > length[key // len(size)]) & (2 * shared > size[key % len(size)])
    found = np.zeros(len(size), bool)
    found[key[good] % len(size)] = True
    return float(found[size >= 9].mean())


def seconds(repeat: int, peers: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median of the processor's seconds of each peer, side by side."""
    spent: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(repeat):
        for name, peer in peers.items():
            start = time.process_time()
            peer()
            spent[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in spent.items()}


def show(title: str, spent: dict[str, float]) -> None:
    ours = next(iter(spent.values()))
    print(f"  {title}")
    for name, value in spent.items():
        print(f"    {name:40}{1e3 * value:12.1f} ms{value / ours:10.1f}")


def compare(particles: int, wrong: int, repeat: int) -> None:
    event = graph(particles, wrong, seed=1)
    hits, kept = len(event.layer), event.score >= 0.5
    source, destination = event.source[kept], event.destination[kept]
    print(f"\n{particles:,} particles: {hits:,} hits, {len(event.source):,} edges, {kept.sum():,} above 0.5")

    def scipy_labels() -> tuple[int, Array]:
        matrix = coo_matrix((np.ones(len(source), np.int8), (source, destination)), (hits, hits))
        return csgraph.connected_components(matrix, directed=False)

    label, count = components(source, destination, hits)  # compiles, and shows that all agree
    other, labels = scipy_labels()
    assert count == other == networkx_components(event, kept)
    assert len(np.unique(np.stack([label, labels]), axis=1).T) == count
    show(
        "components",
        seconds(
            repeat,
            {
                "hitforge, components": lambda: components(source, destination, hits),
                "scipy csgraph": scipy_labels,
                "networkx": lambda: networkx_components(event, kept),
            },
        ),
    )
    walk = BUILDERS.build("walk", where="benchmark")
    cover = BUILDERS.build("path_cover", where="benchmark")
    simple = BUILDERS.build("connected_components", where="benchmark")
    arguments = event.source, event.destination, event.score, event.layer, hits, event.xyz, MIN_HITS
    for builder in (walk, cover, simple):
        share = efficiency(event, *builder.build(*arguments))
        print(f"  {builder.name}: double-majority efficiency {share:.3f}")
    tracks = networkx_walk(event, walk.config)
    member = np.repeat(np.arange(len(tracks)), [len(track) for track in tracks])
    share = efficiency(event, member, np.concatenate(tracks).astype(int), len(tracks))
    print(f"  walk with networkx: double-majority efficiency {share:.3f}")
    assert abs(share - efficiency(event, *walk.build(*arguments))) < 0.02
    show(
        "tracks",
        seconds(
            repeat,
            {
                "hitforge, walk": lambda: walk.build(*arguments),
                "hitforge, path_cover": lambda: cover.build(*arguments),
                "hitforge, connected_components": lambda: simple.build(*arguments[:-1], 3),
                "walk with networkx": lambda: networkx_walk(event, walk.config),
            },
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, nargs="+", default=[600, 9000])
    parser.add_argument("--wrong", type=int, default=4, help="wrong edges that leave each hit")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    print(f"median of {arguments.repeat}; last column: over the first row")
    for particles in arguments.particles:
        compare(particles, arguments.wrong, arguments.repeat)


if __name__ == "__main__":
    main()
