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
