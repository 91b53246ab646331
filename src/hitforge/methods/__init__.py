"""Methods: what answers for events, a network or a classical algorithm; nothing above asks which of the two it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.progress import Progress
from hitforge.events import Dataset, Events
from hitforge.events.schema import MEASURED
from hitforge.methods.stopwatch import Stopwatch
from hitforge.methods.truth import match_split
from hitforge.metrics import Predictions
from hitforge.objects import Candidates, Kind
from hitforge.representations import Representation
from hitforge.tasks import Task
from hitforge.training.engine import Engine

Timed = Callable[[str], AbstractContextManager[None]]
"""Context that adds the time of its block to a stage."""


class Method(ABC):
    """Answers for events, after it was fitted on others.

    Args:
        name: Name in file names and numbers.
        task: What is asked.
        target: Which objects are to be found; None where the task finds none.

    Attributes:
        kind: ``network`` or ``baseline``, for people.
        stage: Where the time of its measurement is kept.
        representation: What a network is given; None for a method that sees the events themselves.
    """

    kind = ""
    stage = "evaluate"
    representation: Representation | None = None

    def __init__(self, name: str, task: Task, target: Kind | None) -> None:
        self.name, self.task, self.target = name, task, target

    def prepare(self, provide: Callable[[], None]) -> None:  # noqa: B027 - most depend on nothing
        """Take in the networks of other runs that this method depends on, which ``provide`` hands in."""

    @abstractmethod
    def fit(self, dataset: Dataset, folder: Path, timed: Timed, progress: Progress) -> None:
        """Learn from the training events of a dataset, and save; what the folder holds already is not done again."""

    @abstractmethod
    def answer(self, events: Events, watch: Stopwatch | None = None) -> Candidates | Array:
        """Answer for any events, with or without truth.

        Args:
            events: What the detector measured.
            watch: Receives the times of the stages.

        Returns:
            The objects that were found, or where the task finds none the outputs, (N, ``task.outputs``) float32, that
            ``task.decode`` understands.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was learned, in a format that executes nothing when it is read."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote."""

    @property
    def record(self) -> dict[str, Any]:
        """Entries of ``provenance.json`` about the method."""
        return {}

    def region(self, events: Events) -> Array | None:
        """Return the hits that count, (hits,) bool; None for the usual ones of the kind of object."""
        return None

    def predictions(
        self, dataset: Dataset, split: str, fields: dict[str, Array], folder: Path | None, progress: Progress
    ) -> Predictions:
        """Answer for a split, beside the truth.

        Args:
            dataset: With the events.
            split: Part of it.
            fields: Event fields to keep beside the answers, (N,) each.
            folder: Receives ``stages.json``, the times of each stage, where objects are found; None for not.
            progress: Receives each shard.
        """
        if self.target is None:
            return predictions_of(self.task, *self.outputs(dataset, split), fields)
        watch = Stopwatch()

        def find(events: Events, watch: Stopwatch) -> Candidates:
            candidates = self.answer(events, watch)
            assert isinstance(candidates, Candidates)  # the task has a target
            return candidates

        tables = match_split(find, self.target, dataset, split, self.region, watch, progress)
        if folder is not None:
            watch.write(folder)
        return Predictions(fields, tables=tables)

    def outputs(self, dataset: Dataset, split: str) -> tuple[Array, Array]:
        """Return outputs and targets of a split, (N, ...) each, where the task asks for a number an event."""
        outputs, target = [], []
        for events in dataset.read(split, MEASURED):
            outputs.append(np.asarray(self.answer(events)))
            target.append(self.task.target(events))
        return np.concatenate(outputs), np.concatenate(target)

    def look_inside(self, folder: Path, dataset: Dataset) -> None:  # noqa: B027 - most have nothing to add
        """Write what else there is to know of a fitted method into a folder."""

    @property
    def explained(self) -> Engine | None:
        """The engine whose gradients explain the answers; None where there are none."""
        return None


def predictions_of(task: Task, outputs: Array, target: Array, fields: dict[str, Array]) -> Predictions:
    """Put decoded outputs, (N, K), and the truth, (N,), beside the event fields, (N,), that have other names."""
    classes, signal = tuple(getattr(task, "classes", ())), int(getattr(task, "signal", -1))
    decoded = task.decode(outputs, target)
    beside = {name: values for name, values in fields.items() if name not in decoded}
    return Predictions({**decoded, **beside}, classes, signal)
