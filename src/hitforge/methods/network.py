"""A network as a method: representation, model, task and engine."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.files import write_text
from hitforge.core.progress import Progress
from hitforge.events import Dataset, Events
from hitforge.methods import Method, Timed
from hitforge.methods.stopwatch import Stopwatch
from hitforge.methods.truth import has_truth
from hitforge.methods.whole_events import find_objects
from hitforge.metrics import Predictions
from hitforge.models import Model
from hitforge.objects import Candidates, Kind
from hitforge.representations import Representation
from hitforge.tasks import Better, ObjectTask, Task
from hitforge.training.batches import ShardBatches
from hitforge.training.config import TrainingConfig
from hitforge.training.engine import ENGINES, Engine, Score

WEIGHTS = "model.safetensors"


class NetworkMethod(Method):
    """A network.

    Args:
        name: Name in file names and numbers.
        representation: Makes its inputs; the networks that this one needs are in it.
        model: Family of the network.
        task: What is asked.
        target: Which objects are to be found; None where the task finds none.
        training: How it is trained.
        folder: Where its checkpoints are.
        tile: Edge of the squares that whole events are cut into [mm]; 0 looks at events as the representation does.
        score: Validation numbers of a batch, the monitored one among them unless it is the loss.
        whole: Validation numbers of the whole sample, for those that need all of it.
        better: Whether more or less of the monitored number is better.
        start: Gives the weights to start from, when they are needed.
    """

    kind = "network"

    def __init__(
        self,
        name: str,
        representation: Representation,
        model: Model,
        task: Task,
        target: Kind | None,
        training: TrainingConfig,
        folder: Path,
        *,
        tile: float = 0.0,
        score: Score | None = None,
        whole: Callable[[Predictions], dict[str, float]] | None = None,
        better: Better = "max",
        start: Callable[[], Path] | None = None,
    ) -> None:
        super().__init__(name, task, target)
        self.representation: Representation = representation
        self.model, self.training, self.folder, self.tile = model, training, folder, tile
        self.score: Score = task.score if score is None else score
        self.whole, self.better, self.start = whole, better, start

    @cached_property
    def engine(self) -> Engine:
        """The engine that ``training.engine`` names; building it imports its framework."""
        module, _, name = ENGINES[self.training.engine].partition(":")
        cls: type[Engine] = getattr(importlib.import_module(module), name)
        return cls(self.model, self.task, self.training, self.representation.shapes(), self.folder)

    @property
    def explained(self) -> Engine | None:
        """The engine, whose gradients explain the answers."""
        return self.engine

    @property
    def record(self) -> dict[str, Any]:
        """Device and number of parameters."""
        return {"device": self.engine.device, "parameters": self.engine.parameters}

    def prepare(self, provide: Callable[[], None]) -> None:
        """Let the representation have the networks that it depends on."""
        provide()

    def fit(self, dataset: Dataset, folder: Path, timed: Timed, progress: Progress) -> None:
        """Fit the representation, then train the network to its end."""
        done = folder / "representation.json"
        if done.exists():
            self.representation.load(folder)
        else:
            with timed("fit"):
                self.representation.fit(lambda: dataset.read("train"), progress)
                self.representation.save(folder)
            write_text(done, json.dumps({"name": self.representation.name}))
        if (folder / WEIGHTS).exists():
            self.engine.load(folder / WEIGHTS)
            return
        if self.start is not None:
            taken = self.engine.load(self.start(), strict=False)
            progress.say(f"{taken} tensors of weights come from the run that this one starts from")
        with timed("train"):
            train, validation = (self.batches(dataset, split) for split in ("train", "validation"))
            whole = None if self.whole is None else self._whole(dataset)
            self.engine.fit(train, validation, self.score, progress, self.better, whole)
        self.engine.save(folder / WEIGHTS)

    @property
    def _at_once(self) -> int:
        """Events that are answered for together."""
        if self.task.per == "event":
            return max(self.training.batch_size, 1024)  # small events are answered for faster in number
        return 1  # numbers about hits, edges and objects are told event by event

    def batches(self, dataset: Dataset, split: str) -> ShardBatches:
        """Return the batches of a split: shuffled and augmented for training, in order for the rest."""
        train = split == "train"
        size = self.training.batch_size if train else self._at_once
        return ShardBatches(
            dataset,
            split,
            self.representation,
            self.task,
            batch_size=size,
            seed=self.training.seed,
            shuffle=train,
            augment=train and self.training.augment,
            window=self.training.window,
        )

    def answer(self, events: Events, watch: Stopwatch | None = None) -> Candidates | Array:
        """Answer for any events; see ``Method.answer``."""
        watch = Stopwatch() if watch is None else watch
        if isinstance(self.task, ObjectTask):
            candidates = find_objects(self.engine, self.representation, self.task, events, watch, self.tile)
            candidates = self.task.refine(events, candidates, self.representation.detector)
            watch.add(candidates.seconds)
            return candidates
        outputs = [np.zeros((0, self.task.outputs), np.float32)]
        size = self._at_once if self.task.per == "event" else max(len(events), 1)
        for first in range(0, len(events), size):
            with watch.stage("representation"):
                part = events.take(np.arange(first, min(first + size, len(events))))
                inputs = self.representation.batch(self.representation.prepare(part), np.arange(len(part)))
            with watch.stage("network"):
                outputs.append(np.asarray(self.engine.infer(inputs)))
        return np.concatenate(outputs)

    def region(self, events: Events) -> Array | None:
        """Return the hits that count, (hits,) bool; None for the usual ones of the kind of object."""
        return None if self.tile else self.representation.region(events)

    def predictions(
        self, dataset: Dataset, split: str, fields: dict[str, Array], folder: Path | None, progress: Progress
    ) -> Predictions:
        """Answer for a split, beside the truth; of hits and edges that make no objects, the scores of each event."""
        if self.task.per == "event" or self.target is not None:
            return super().predictions(dataset, split, fields, folder, progress)
        batches = self.batches(dataset, split)
        rows = [self.task.score(self.engine.infer(inputs), truth) for inputs, truth in batches.epoch(0)]
        return Predictions({name: np.array([row[name] for row in rows]) for name in rows[0]} | fields)

    def outputs(self, dataset: Dataset, split: str) -> tuple[Array, Array]:
        """Return outputs and targets of a split, (N, ...) each, where the task asks for a number an event."""
        return self.engine.predict(self.batches(dataset, split))

    def look_inside(self, folder: Path, dataset: Dataset) -> None:
        """Write ``graph.json``: how much of what is to be found a graph holds; nothing without truth or graph."""
        if self.target is not None and has_truth(dataset):
            told = self.representation.sample_quality(dataset.read("test"))
            if told is not None:
                write_text(folder / "graph.json", json.dumps(told))

    def save(self, folder: Path) -> None:
        """Write representation and weights."""
        self.representation.save(folder)
        self.engine.save(folder / WEIGHTS)

    def load(self, folder: Path) -> None:
        """Read what ``save`` or ``fit`` wrote."""
        self.representation.load(folder)
        self.engine.load(folder / WEIGHTS)

    def _whole(self, dataset: Dataset) -> Callable[[], dict[str, float]]:
        """Return numbers of the validation events after an epoch, with the weights of that moment."""
        assert self.whole is not None
        tell = self.whole
        return lambda: tell(self.predictions(dataset, "validation", {}, None, Progress()))
