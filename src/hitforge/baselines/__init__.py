"""Baselines: the classical algorithm for each task, trained and tested on the same events as the networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.events.schema import MEASURED
from hitforge.objects import Candidates
from hitforge.tasks import Task

Sample = Callable[[], Iterable[Events]]
"""Gives the events of a split shard by shard, as often as it is called."""


class Baseline(Plugin, ABC):
    """A classical algorithm.

    Args:
        config: The plug-in's configuration.
        detector: Geometry of the cells.
        task: What is to be found out.

    Attributes:
        learns_from: Collections of the training events that ``fit`` looks at.
        kind: Name of the kind of object that it finds; None if it answers for events.
        one_by_one: True if objects are looked for in one event at a time, as networks do, so that times compare.
    """

    kind: ClassVar[str | None] = None
    one_by_one: ClassVar[bool] = False
    learns_from: ClassVar[frozenset[str]] = MEASURED

    def __init__(self, config: Any, detector: Detector, task: Task) -> None:
        super().__init__(config)
        if self.kind is not None and task.kind != self.kind:
            raise ConfigError(f"'{self.name}' needs a task that finds {self.kind}s", came=task.name, where="evaluation")
        self.detector, self.task = detector, task

    @abstractmethod
    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Tune the algorithm on training events; return a short record (rounds, seconds, importances)."""

    @abstractmethod
    def outputs(self, events: Events) -> Array:
        """Return what a network would, (N, ``task.outputs``) float32, for ``task.decode``."""

    def region(self, events: Events) -> Array | None:
        """Return the hits that are used, (hits,) bool; None for the usual ones of the kind of object."""
        return None

    def find(self, events: Events) -> Candidates:
        """Return the objects of events, for tasks that find objects.

        Raises:
            ConfigError: The algorithm finds no objects.
        """
        raise ConfigError(f"the baseline '{self.name}' finds no objects", came=self.task.name)

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was fitted, in a format that executes nothing when it is read."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote."""


BASELINES: Registry[Baseline] = Registry("baselines", Baseline, skip=("clustering",))  # type: ignore[type-abstract]

__all__ = ["BASELINES", "Baseline", "Sample"]
