"""Samples in memory, and an algorithm that takes all hits for one track."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from hitforge.core.progress import Progress
from hitforge.events import Events
from hitforge.methods.baseline import BaselineMethod
from hitforge.objects import KINDS, Candidates
from hitforge.runs.methods import methods_of
from hitforge.training import TrainingConfig
from tests.toy_tracker import ToyTracker
from tests.track_events import members


class OneEvent:
    path = Path("one")

    def __init__(self, *shards: Events) -> None:
        self.shards = shards

    def read(self, split: str, columns: Any = None) -> Any:
        return iter(self.shards)

    def count(self, split: str) -> int:
        return sum(len(shard) for shard in self.shards)


class LowVolumes(ToyTracker):
    """Its pixels are volume 0."""

    @property
    def pixel_volumes(self) -> tuple[int, ...]:
        return (0,)


TARGET = KINDS.build("track", LowVolumes(), where="test")


class Parts:
    one_by_one, name, task = False, "parts", None

    def __init__(self, subsystems: tuple[int, ...] | None) -> None:
        self.subsystems = subsystems
        self.shown: Events

    def region(self, events: Events) -> Any:
        return None if self.subsystems is None else np.isin(events.hits["subsystem"], self.subsystems)

    def find(self, events: Events) -> Candidates:
        self.shown = events
        return Candidates(members([list(range(events.hits.rows))]))


def answers(algorithm: Any, kind: Any, sample: Any, folder: Path, network: Any, tile: float = 0.0) -> Any:
    """What a classical algorithm finds beside a network, as a run asks for it."""
    detector = network.detector if hasattr(network, "detector") else None
    asked = SimpleNamespace(
        representation=network, baselines=[algorithm], target=kind, object_kind=kind, model=None, detector=detector,
        training=TrainingConfig(), evaluation=SimpleNamespace(tile=tile),
    )  # fmt: skip
    (entry,) = methods_of(asked, folder)  # type: ignore[arg-type]
    assert isinstance(entry.method, BaselineMethod)
    return entry.method.predictions(sample, "test", {}, folder, Progress())
