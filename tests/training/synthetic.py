"""A small sample and task, so that engines are tested without detector, files or metrics."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hitforge.core.config import Config as BaseConfig
from hitforge.core.random import stream
from hitforge.tasks import Task
from hitforge.training.engine import share_of

SHAPE = (8, 8, 2)
INPUTS = {"image": SHAPE}


def nothing(epoch: int, step: int) -> None:
    """Do nothing at a step."""


class Blobs:
    """Images of noise where the second class is brighter on one side; (B, 8, 8, 2) float32."""

    def __init__(
        self, events: int = 64, batch: int = 16, seed: int = 0, shuffle: bool = True, signal: float = 1.0
    ) -> None:
        random = stream(seed, "blobs")
        self.target = random.integers(0, 2, events)
        self.images = random.normal(size=(events, *SHAPE)).astype(np.float32)
        self.images[:, :, :4, 0] += signal * self.target[:, None, None]
        self.batch, self.seed, self.shuffle = batch, seed, shuffle
        self.epochs: list[int] = []
        self.rank, self.size = 0, 1
        self.fails_in_rank = -1
        self.hook: Callable[[int, int], None] = nothing

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "hook": nothing}

    def __len__(self) -> int:
        return -(-len(self.target) // self.batch)

    @property
    def events(self) -> int:
        return len(self.target)

    def share(self, rank: int, size: int) -> Blobs:
        mine = copy.copy(self)
        mine.rank, mine.size, mine.hook = rank, size, self.hook
        return mine

    @property
    def share_events(self) -> int:
        return self.batch // self.size

    @property
    def wait(self) -> float:
        return 0.0

    def epoch(self, number: int) -> Iterator[tuple[dict[str, Any], Any]]:
        self.epochs.append(number)
        if self.rank == self.fails_in_rank:
            raise ValueError("no more events")
        order = stream(self.seed, number).permutation(self.events) if self.shuffle else np.arange(self.events)
        for step, first in enumerate(range(0, self.events, self.batch)):
            self.hook(number, step)
            index = order[first : first + self.batch]
            index = index[share_of(len(index), self.rank, self.size)]
            yield {"image": self.images[index]}, self.target[index]


class CrossEntropy(Task):
    """Two classes."""

    competing = True

    Config = BaseConfig

    @property
    def outputs(self) -> int:
        return 2

    def target(self, events: Any) -> Any:
        return events.field("label")

    def decode(self, outputs: Any) -> dict[str, Any]:
        return {"score": outputs[:, 1] - outputs[:, 0]}

    def torch_loss(self, outputs: Any, target: Any) -> Any:
        import torch

        return torch.nn.functional.cross_entropy(outputs, target.long())

    def keras_loss(self) -> Any:
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def accuracy(outputs: Any, target: Any) -> dict[str, float]:
    """The share of events that are told right."""
    return {"accuracy": float(np.mean(outputs.argmax(1) == target))}


GRAPH = {"nodes": (4,), "layer": (), "event": (), "kind": (), "edges": (3,), "source": (), "destination": ()}


class Graphs(Blobs):
    """Graphs of 10 to 20 hits, an edge of which is true if its first feature is above 0; batches are flat."""

    def __init__(self, events: int = 12, batch: int = 3, seed: int = 0) -> None:
        super().__init__(events, batch, seed, shuffle=False)
        random = stream(seed, "graphs")
        self.graphs = []
        for hits in random.integers(10, 21, events):
            pair = np.sort(np.argsort(random.random((3 * hits, hits)), axis=1)[:, :2], axis=1).astype(np.int32)
            edges = random.normal(size=(3 * hits, 3)).astype(np.float32)
            truth = np.stack([edges[:, 0] > 0, random.choice([0.0, 1.0, 2.0], 3 * hits)], axis=1).astype(np.float32)
            self.graphs.append((random.normal(size=(hits, 4)).astype(np.float32), edges, pair, truth))

    def epoch(self, number: int) -> Iterator[tuple[dict[str, Any], Any]]:
        for first in range(0, self.events, self.batch):
            index = np.arange(first, first + self.batch)[share_of(self.batch, self.rank, self.size)]
            nodes, edges, pair, truth = zip(*[self.graphs[i] for i in index], strict=True)
            counts = [len(one) for one in nodes]
            begin = np.repeat(np.cumsum([0, *counts[:-1]]), [len(one) for one in edges]).astype(np.int32)
            flat = np.concatenate(pair) + begin[:, None]
            zeros = np.zeros(sum(counts), np.int32)
            yield (
                {
                    "nodes": np.concatenate(nodes), "layer": zeros, "kind": zeros,
                    "event": np.repeat(np.arange(len(counts)), counts).astype(np.int32),
                    "edges": np.concatenate(edges), "source": flat[:, 0].copy(), "destination": flat[:, 1].copy(),
                },
                np.concatenate(truth),
            )  # fmt: skip
