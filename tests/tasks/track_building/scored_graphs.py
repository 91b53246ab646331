"""Small graphs of hits whose tracks are known."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Graph:
    """Particles that cross layers one after the other; hits are numbered as they are made."""

    source: list[int] = field(default_factory=list)
    destination: list[int] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    layer: list[int] = field(default_factory=list)

    def hit(self, layer: int) -> int:
        self.layer.append(layer)
        return len(self.layer) - 1

    def edge(self, source: int, destination: int, score: float) -> None:
        self.source.append(source)
        self.destination.append(destination)
        self.score.append(score)

    def chain(self, layers: int, score: float = 0.95, first: int = 0) -> list[int]:
        """One particle with a hit in each layer."""
        hits = [self.hit(first + number) for number in range(layers)]
        for one, two in itertools.pairwise(hits):
            self.edge(one, two, score)
        return hits

    def build(self, builder: object, min_hits: int = 5) -> list[set[int]]:
        """Tracks as sets of hits."""
        hits = len(self.layer)
        xyz = np.zeros((hits, 3))
        xyz[:, 0] = 30.0 + 10.0 * np.array(self.layer) + 1e-3 * np.arange(hits)
        member, hit, count = builder.build(  # type: ignore[attr-defined]
            np.array(self.source, np.int32),
            np.array(self.destination, np.int32),
            np.array(self.score, np.float32),
            np.array(self.layer, np.int32),
            hits,
            xyz,
            min_hits,
        )
        assert member.dtype == hit.dtype == np.int32
        assert (np.diff(member) >= 0).all()
        assert set(member.tolist()) == set(range(count))
        return [set(hit[member == number].tolist()) for number in range(count)]


def random_graph(seed: int, layers: int, particles: int, wrong: int) -> tuple[Graph, list[list[int]]]:
    """Particles with missing hits and overlaps, all true edges (score 0.6 to 1), and wrong ones (score up to 0.4)."""
    random = np.random.default_rng(seed)
    graph, truth = Graph(), []
    for _ in range(particles):
        groups = [
            [graph.hit(layer) for _ in range(1 + (random.random() < 0.2))]
            for layer in range(layers)
            if random.random() < 0.9
        ]
        for inner, outer in itertools.pairwise(groups):
            for one in inner:
                for two in outer:
                    graph.edge(one, two, random.uniform(0.6, 1.0))
        truth.append([hit for group in groups for hit in group])
    layer = np.array(graph.layer)
    for _ in range(wrong if len(layer) else 0):
        one, two = random.integers(0, len(layer), 2)
        if layer[one] < layer[two]:
            graph.edge(int(one), int(two), random.uniform(0.0, 0.4))
    return graph, truth
