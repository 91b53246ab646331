"""A classical algorithm as a method."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from hitforge.baselines import Baseline
from hitforge.core.arrays import Array
from hitforge.core.files import write_text
from hitforge.core.progress import Progress
from hitforge.events import Dataset, Events
from hitforge.methods import Method, Timed
from hitforge.methods.stopwatch import Stopwatch
from hitforge.objects import Candidates, Kind

Region = Callable[[Events], Array | None]


class BaselineMethod(Method):
    """A classical algorithm.

    Args:
        baseline: The algorithm.
        target: Which objects are to be found; None where the task finds none.
        seed: Of its training.
        region: Gives the hits that count, so that it is asked for the same as the network beside it; None for those
            that the algorithm uses.
    """

    kind = "baseline"

    def __init__(self, baseline: Baseline, target: Kind | None, seed: int, region: Region | None = None) -> None:
        super().__init__(baseline.name, baseline.task, target)
        self.baseline, self.seed, self.stage = baseline, seed, baseline.name
        self._region = baseline.region if region is None else region

    def fit(self, dataset: Dataset, folder: Path, timed: Timed, progress: Progress) -> None:
        """Tune the algorithm on training events; ``record.json`` tells how that went, and that it is done."""
        done = folder / "record.json"
        if done.exists():
            self.load(folder)
            return

        def sample(split: str) -> Iterable[Events]:
            return dataset.read(split, set(self.baseline.learns_from))

        with timed(self.stage):
            record = self.baseline.fit(partial(sample, "train"), partial(sample, "validation"), self.seed, progress)
            self.save(folder)
            write_text(done, json.dumps(record, indent=1))

    def answer(self, events: Events, watch: Stopwatch | None = None) -> Candidates | Array:
        """Answer for any events; see ``Method.answer``."""
        if self.target is None:
            return self.baseline.outputs(events)
        if self.baseline.one_by_one:  # what a call costs beside the work counts as it does for networks
            ones = [events.take(np.array([i])) for i in range(len(events))]
            candidates = Candidates.concatenate([self.baseline.find(one) for one in ones])
        else:
            candidates = self.baseline.find(events)
        if watch is not None:
            watch.add(candidates.seconds)
        return candidates

    def region(self, events: Events) -> Array | None:
        """Return the hits that count, (hits,) bool; None for the usual ones of the kind of object."""
        return self._region(events)

    def save(self, folder: Path) -> None:
        """Write what was fitted."""
        self.baseline.save(folder)

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote."""
        self.baseline.load(folder)
