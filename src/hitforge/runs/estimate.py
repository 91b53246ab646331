"""What a run would take, learned from a few events: its events, its disk and its time, stage by stage."""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.errors import HitforgeError, RunError
from hitforge.core.progress import Progress
from hitforge.events import Dataset, Events, Source, build_dataset
from hitforge.events.source import SPLITS
from hitforge.methods import Method
from hitforge.methods.network import NetworkMethod
from hitforge.metrics import Predictions
from hitforge.recipe.comparisons import comparisons
from hitforge.recipe.recipe import Recipe, read_recipe
from hitforge.runs.before import check_before
from hitforge.runs.depends_on import provide
from hitforge.runs.folder import is_done
from hitforge.runs.measure import compare, measure
from hitforge.runs.methods import methods_of, network_of
from hitforge.runs.probe import counts_of, probe, smaller
from hitforge.runs.run import Session, event_fields, has_checkpoint, start_of
from hitforge.runs.saliency import explain
from hitforge.runs.sample import place_of
from hitforge.runs.times import Times

_SIMULATION = 4.0  # seconds that the probe may spend on the events of each split
_STEPS = 5  # of training in an epoch of the probe
_EPOCHS = 4  # of the probe: in the first one all is compiled


@dataclass(frozen=True)
class StageEstimate:
    """What one stage of a run would take.

    Attributes:
        name: Of the stage, as in the times of a run; of another run that it needs with its name in front.
        events: How many it goes through; 0 where it does not count any.
        disk: What it writes [bytes]; 0 for little.
        seconds: Its time; None where it cannot be known.
        note: What else is to be known.
    """

    name: str
    events: int = 0
    disk: float = 0.0
    seconds: float | None = 0.0
    note: str = ""


def estimate(recipe: Recipe, folder: Path, session: Session) -> list[StageEstimate]:
    """Try out a few events and training steps of a run, and scale their times to all of it; nothing is left behind.

    Args:
        recipe: What would be run.
        folder: Where it would be run; runs that it needs are looked for there.
        session: Samples, processes, progress.

    Raises:
        HitforgeError: The run would be refused; see ``run``.
    """
    with tempfile.TemporaryDirectory(prefix="hitforge-") as name:
        stages = _estimate(recipe, folder, session, Path(name), {})
    return [*stages, StageEstimate("report", seconds=None, note="depends on what is found: seconds to a minute")]


def _estimate(
    recipe: Recipe, folder: Path, session: Session, home: Path, samples: dict[Path, _Few]
) -> list[StageEstimate]:
    """The stages of a run, with the samples of other runs that are known already."""
    compared = list(comparisons(recipe))
    check_before(recipe, [other.recipe for other in compared], session.samples)
    stages, place = [], place_of(recipe.detector, recipe.source, session.samples)
    if place not in samples:
        samples[place] = _sample(recipe, session, home / place.name)
        stages.append(samples[place].stage)
    few = samples[place]
    stages += _needed(recipe, folder, session, home, samples)
    known: dict[str, Tried] = {}
    answers: list[Predictions] = []
    for entry in methods_of(recipe, home, compared):
        session.progress.say(f"trying out {entry.label}")
        one = recipe if entry.recipe is None else entry.recipe
        network = entry.recipe is not None or isinstance(entry.method, NetworkMethod)
        key = _costs(one) if network else entry.name
        if key not in known:
            mine = Path(tempfile.mkdtemp(dir=home))
            known[key] = _guarded(_network if network else _baseline, one, entry.method, few, mine, folder, session)
        parts, told = known[key]
        answers += [] if told is None else [told]
        stages += parts if entry.recipe is None else [_together(f"comparison: {entry.label}", parts)]
    if len(answers) > 1:
        stages.append(_compare(recipe, answers, few))
    if recipe.evaluation.reference is not None:
        note = "another sample is made or read, evaluation.reference"
        stages.append(StageEstimate("describe", seconds=None, note=note))
    return stages


@dataclass(frozen=True)
class _Few:
    """A few events of each split as a dataset, and how many there are in the whole sample."""

    dataset: Dataset
    counts: dict[str, int]
    stage: StageEstimate

    def all_over_few(self, split: str) -> float:
        return self.counts[split] / max(self.dataset.count(split), 1)


class _Events(Source):
    """Events that are there already, one shard a split."""

    def __init__(self, config: Any, detector: Any, parts: dict[str, Events]) -> None:
        super().__init__(config, detector)
        self._parts = parts

    def splits(self) -> dict[str, int]:
        return {split: int(split in self._parts) for split in SPLITS}

    def shard(self, split: str, index: int) -> Events:
        return self._parts[split]


def _sample(recipe: Recipe, session: Session, home: Path) -> _Few:
    """The first events of a sample that is there, or a few that are made."""
    batch = recipe.training.batch_size if recipe.model is not None else 256
    place = place_of(recipe.detector, recipe.source, session.samples)
    if (place / "dataset.json").exists():
        whole = Dataset(place)
        counts = {split: whole.count(split) for split in SPLITS}
        parts = {split: _first(next(iter(whole.read(split))), max(_STEPS * batch, 8)) for split in whole.splits}
        stage = StageEstimate("sample", sum(counts.values()), note=f"is there already: {place}")
    else:
        session.progress.say("trying out the simulation or the files")
        told, source = probe(recipe.source), recipe.source
        counts, total = told.counts, sum(told.counts.values())
        several = min(session.workers, sum(source.splits().values()))
        note = f"{several} processes" if several > 1 else ""
        if counts_of(source) is None:
            parts = {split: told.events for split in SPLITS if counts[split]}
            note = ", ".join(filter(None, [note, "all files taken to be as the first events"]))
        else:
            number = int(np.clip(_SIMULATION / max(told.seconds, 1e-9), 8, max(_STEPS * batch, 8)))
            parts = {
                split: smaller(source, {name: min(number, counts[name]) for name in SPLITS}, number).shard(split, 0)
                for split in SPLITS
                if counts[split]
            }
        stage = StageEstimate("sample", total, told.disk * total, told.seconds * total / several, note)
    source = _Events(recipe.source.config, recipe.detector, parts)
    return _Few(build_dataset(source, home, {"source": "a few events"}), counts, stage)


def _needed(
    recipe: Recipe, folder: Path, session: Session, home: Path, samples: dict[Path, _Few]
) -> Iterator[StageEstimate]:
    """The runs that must come first, where they are not there."""
    needed: list[tuple[str, Recipe]] = []
    if not _provided(recipe, folder):
        needed += [(name, read_recipe(recipe.folder / file)) for name, file in recipe.blocks.depends_on.items()]
    start = None if has_checkpoint(folder) else start_of(recipe)
    if isinstance(start, Recipe) and not is_done(folder / "start"):
        needed.append(("start", start))
    for name, first in needed:
        for stage in _estimate(first, folder / "depends_on" / name, session, home, samples):
            yield replace(stage, name=f"{name}: {stage.name}")


def _provided(recipe: Recipe, folder: Path) -> bool:
    """Hand the networks of other runs to a representation; False if one is not there."""

    def refuse(*_: Any) -> Path:
        raise RunError("the needed run must be there", came="none")

    if not recipe.blocks.depends_on:
        return True
    try:
        provide(recipe, folder, refuse, Progress(), keep=False)
    except RunError:
        return False
    return True


Tried = tuple[list[StageEstimate], Predictions | None]


def _guarded(trial: Callable[..., Tried], recipe: Recipe, method: Method | None, *arguments: Any) -> Tried:
    """Try a method out; what a few events cannot tell is said, and stops nothing."""
    try:
        return trial(recipe, method, *arguments)
    except HitforgeError as error:
        name = "train and evaluate" if method is None else method.name
        return [StageEstimate(name, seconds=None, note=f"could not be tried out: {error.must}")], None


def _network(recipe: Recipe, _: Method | None, few: _Few, home: Path, folder: Path, session: Session) -> Tried:
    """Fit, train and evaluate."""
    short = recipe.but({"training.epochs": _EPOCHS, "training.patience": 0, "training.start_from": None})
    if not _provided(short, folder):
        note = "cannot be known before the networks are there that its representation uses"
        return [StageEstimate("fit, train, evaluate", seconds=None, note=note)], None
    method, times = network_of(short, home), Times(home)
    method.fit(few.dataset, home, times.stage, Progress())
    fit = StageEstimate("fit", few.counts["train"], 0.0, times.now().get("fit", 0.0) * few.all_over_few("train"))
    with (home / "history.csv").open(encoding="utf-8", newline="") as handle:
        epochs = [float(row["seconds"]) for row in csv.DictReader(handle)]
    train, validation = (method.batches(few.dataset, split) for split in ("train", "validation"))
    first, again = (_seconds(lambda: _validate(method, validation))[1] for _ in range(2))  # prepared, and not again
    prepare = max(first - again, 0.0) / max(few.dataset.count("validation"), 1)  # an event
    if method.whole is not None:
        again += _seconds(lambda: method.predictions(few.dataset, "validation", {}, None, Progress()))[1]
    seen = len(train) * min(short.training.batch_size, train.events)
    step = max(min(epochs[1:]) - again, 0.2 * min(epochs[1:])) / seen  # an event
    epoch = step * few.counts["train"] + again * few.all_over_few("validation")
    large = few.counts["train"] > recipe.training.window
    read = prepare * (few.counts["train"] + few.counts["validation"]) * (recipe.training.epochs if large else 1)
    note = f"{recipe.training.epochs} epochs of {epoch:.3g} s on {method.engine.device}"
    if recipe.training.patience:
        note += ", fewer where nothing improves"
    trained = StageEstimate("train", few.counts["train"], 0.0, read + recipe.training.epochs * epoch, note)
    evaluated, answers = _answer(recipe, method, few, home)
    return [fit, trained, replace(evaluated, name="evaluate")], answers


def _validate(method: NetworkMethod, batches: Any) -> None:
    if method.task.per == "event":
        method.engine.predict(batches)
        return
    for inputs, truth in batches.epoch(0):
        method.score(method.engine.infer(inputs), truth)


def _baseline(recipe: Recipe, method: Method, few: _Few, home: Path, folder: Path, session: Session) -> Tried:
    """Fit and evaluate a classical algorithm."""
    (home / "first").mkdir()
    method.fit(few.dataset, home / "first", Times(home / "first").stage, Progress())  # all is compiled
    times = Times(home)
    method.fit(few.dataset, home, times.stage, Progress())
    own = getattr(getattr(method, "baseline", None), "config", None)
    limit = getattr(own, "events", None) or np.inf  # some learn from a part of the sample
    learned = min(few.counts["train"], limit) + min(few.counts["validation"], limit)
    tried = sum(min(few.dataset.count(split), limit) for split in ("train", "validation"))
    fit = times.now().get(method.stage, 0.0) * float(learned / max(tried, 1))
    evaluated, answers = _answer(recipe, method, few, home)
    return [replace(evaluated, name=method.stage, seconds=fit + (evaluated.seconds or 0.0))], answers


def _answer(recipe: Recipe, method: Method, few: _Few, home: Path) -> tuple[StageEstimate, Predictions]:
    """Answer for the test events, explain a few, and measure."""
    fields, share = event_fields(recipe, few.dataset), few.all_over_few("test")

    def answer() -> Predictions:
        return method.predictions(few.dataset, "test", fields, home, Progress())

    answer()  # all is compiled
    answers, answering = _seconds(answer)
    saliency = min(recipe.evaluation.saliency, len(next(iter(few.dataset.read("test")))))
    explaining = _seconds(lambda: explain(method, recipe.detector, few.dataset, answers, home, saliency))[1]
    measuring = _seconds(lambda: measure(home, answers, recipe.metrics, recipe.evaluation.seed, "test"))[1]
    seconds = (answering + measuring) * share + explaining
    return StageEstimate("evaluate", few.counts["test"], 0.0, seconds), answers


def _compare(recipe: Recipe, answers: list[Predictions], few: _Few) -> StageEstimate:
    """Pair the first method with each other one."""
    seconds = 0.0
    for other in answers[1:]:
        try:
            start = time.perf_counter()
            compare(answers[0], other, recipe.metrics, recipe.evaluation.seed)
            seconds += (time.perf_counter() - start) * few.all_over_few("test")
        except HitforgeError as error:
            return StageEstimate("compare", few.counts["test"], 0.0, None, f"could not be tried out: {error.must}")
    return StageEstimate("compare", few.counts["test"], 0.0, seconds)


def _costs(recipe: Recipe) -> str:
    """What the time of a network depends on; two with the same are tried out once."""
    blocks = {key: recipe.resolved.get(key) for key in ("region", "representation", "model", "task", "training")}
    blocks["training"] = {**recipe.resolved["training"], "seed": 0, "lr": 0, "weight_decay": 0}
    return json.dumps(blocks, sort_keys=True)


def _together(name: str, parts: list[StageEstimate]) -> StageEstimate:
    seconds = None if any(part.seconds is None for part in parts) else sum(part.seconds or 0.0 for part in parts)
    note = parts[0].note if seconds is None else ""
    return StageEstimate(name, max(part.events for part in parts), 0.0, seconds, note)


def _first(events: Events, number: int) -> Events:
    return events.take(np.arange(min(number, len(events))))


def _seconds(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start
