"""A recipe becomes a run: sample, methods, measurements, in one folder that can be resumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, RunError
from hitforge.core.files import read_json, write_arrays, write_text
from hitforge.core.lock import hold
from hitforge.core.progress import Progress
from hitforge.events import Dataset
from hitforge.methods.network import WEIGHTS
from hitforge.methods.truth import has_truth
from hitforge.metrics import METRICS, Metric, Predictions
from hitforge.recipe.catalogue import packages_of
from hitforge.recipe.comparisons import Compared, comparisons
from hitforge.recipe.recipe import Recipe, read_recipe
from hitforge.runs.before import check_before
from hitforge.runs.changes import Changes
from hitforge.runs.chosen import choose, read_chosen
from hitforge.runs.depends_on import provide, to_train_first
from hitforge.runs.folder import (
    add_to_provenance,
    asked_of,
    finish,
    is_done,
    measured_run,
    open_recipe,
    take,
    undone,
)
from hitforge.runs.measure import compare, kept_fields, measure, read_predictions, write_predictions
from hitforge.runs.methods import RunMethod, methods_of
from hitforge.runs.saliency import explain
from hitforge.runs.sample import describe, obtain
from hitforge.runs.times import Times


@dataclass
class Session:
    """Where runs keep their samples and how they work.

    Attributes:
        samples: Folder of datasets that recipes share.
        workers: Processes for simulation and conversion.
        progress: Receives what happens.
    """

    samples: Path = Path("samples")
    workers: int = 1
    progress: Progress = field(default_factory=Progress)

    def dataset(self, recipe: Recipe) -> Dataset:
        """The sample of a recipe, made where it is not there; what it lost is said."""
        dataset = obtain(recipe.detector, recipe.source, self.samples, self.workers, self.progress)
        for one in dataset.losses():
            self.progress.say(str(one))
        return dataset


Report = Callable[[Path], Any]
"""Writes the report of a finished run into its folder."""


def run(recipe: Recipe, folder: Path, session: Session, *, resume: bool = False, report: Report | None = None) -> Path:
    """Run a recipe into a folder, or continue it there.

    What a run needs is looked at before anything long begins, and before the folder is made.

    Args:
        recipe: What to do.
        folder: Run folder; new or empty unless ``resume``.
        session: Samples, processes, progress.
        resume: Continue a run: an interrupted one from where it stopped, a finished one if ``training.epochs`` or
            ``evaluation`` are others now; else it is left as it is.
        report: Writes the report, whose time counts as the run's.

    Returns:
        The folder.

    Raises:
        ConfigError: The recipe cannot be run as it is.
        RunError: The folder belongs to something else, another process works in it, or training failed.
    """
    compared = list(comparisons(recipe))

    def work(times: Times, changes: Changes | None) -> None:
        trained = measured_run(folder)
        if trained is not None:
            raise RunError(
                "what was trained elsewhere goes on by the command that measured it",
                came=f"a measurement of {trained}",
                where=folder,
                do=f"repeat 'hitforge evaluate {trained} --out {folder}' with its settings",
            )
        _run_all(recipe, compared, folder, session, times, changes)

    return _in_folder(folder, recipe, resume, work, report)


def _in_folder(
    folder: Path,
    recipe: Recipe,
    resume: bool,
    work: Callable[[Times, Changes | None], None],
    report: Report | None,
) -> Path:
    """Hold a folder while work and report are done; the times of both stand in ``provenance.json``."""
    with hold(folder):
        times = Times(folder)
        with times.stage("other"):
            changes = asked_of(folder, recipe, resume=resume)
            if changes or not is_done(folder):
                work(times, changes)
            elif report is not None and "report" in _told_times(folder):  # it was whole, and is written anew
                report(folder)
                return folder
            if report is not None:
                with times.stage("report"):
                    report(folder)
                add_to_provenance(folder, {"wall_s": times.now()})
    return folder


def _run_all(
    recipe: Recipe, compared: list[Compared], folder: Path, session: Session, times: Times, changes: Changes | None
) -> None:
    """Check what is needed, then bring all methods of a run to their numbers."""
    start = None if has_checkpoint(folder) else start_of(recipe)
    weights = None if start is None else partial(_weights_of, start, folder, session, times)
    entries = methods_of(recipe, folder, compared, weights)
    for entry in entries:
        if entry.recipe is not None:  # one that cannot go on is found before the others are touched
            asked_of(folder / entry.path, entry.recipe, resume=True)
    check_before(recipe, [one.recipe for one in compared], session.samples)
    first = [start] if isinstance(start, Recipe) else []
    for entry in entries:
        one = recipe if entry.kind == "network" else entry.recipe
        first += [] if one is None else to_train_first(one, folder / entry.path)
    for needed in first:
        check_before(needed, [], session.samples)
    with undone(folder, new=changes is None):
        take(folder, recipe, changes)
        told = None if changes is None else changes.continued(recipe.training)
        if told is not None:
            session.progress.say(f"the training goes on: {told['text']}")
        with times.stage("sample"):
            dataset = session.dataset(recipe)
            _keep_sample(folder, dataset)
    for entry in entries:
        home = folder / entry.path
        if entry.recipe is not None:
            session.progress.say(f"next network: {entry.label}")
            with times.stage("comparisons"):
                run(entry.recipe, home, session, resume=True)
        elif entry.method is not None and not (home / "metrics.json").exists():
            home.mkdir(parents=True, exist_ok=True)
            with times.stage("depends_on") if recipe.blocks.depends_on else nullcontext():
                entry.method.prepare(partial(provide, recipe, folder, partial(_run_first, session), session.progress))
            entry.method.fit(dataset, home, times.stage, session.progress)
            _measure(entry, recipe, dataset, folder, times, session.progress, folder)
    _conclude(recipe, dataset, folder, session, entries, times, {})


def evaluate(
    source: Path, folder: Path, session: Session, settings: dict[str, Any], report: Report | None = None
) -> Path:
    """Measure what a run trained on another sample.

    Args:
        source: A finished run.
        folder: New folder for the measurement.
        session: Samples, processes, progress.
        settings: Settings of the run's recipe to change, by dotted key, such as ``source.seed``.
        report: Writes the report, whose time counts as the measurement's.

    Where a sample has no truth, objects are found all the same, and counted: no efficiency or resolution is known, and
    ``provenance.json`` says ``truth: false``.

    Raises:
        RunError: The run is not finished, or the folder is not empty.
    """
    if (folder / "recipe.yaml").exists() and measured_run(folder) is None:
        raise RunError(
            "a measurement must have a folder of its own", came="a run", where=folder, do="choose another --out"
        )
    if not is_done(source):
        raise RunError(
            "the run must have gone to its end",
            came="an unfinished run",
            where=source,
            do="continue it with 'hitforge run --resume'",
        )
    wrong = [key for key in settings if key.partition(".")[0] not in ("source", "detector", "target", "evaluation")]
    if wrong:
        raise ConfigError(
            "only 'source', 'detector', 'target' and 'evaluation' may change behind the training", came=", ".join(wrong)
        )
    trained = open_recipe(source)
    recipe = _measured_anew(trained, settings)
    if trained.resolved["source"] != recipe.resolved["source"] and set(trained.source.inputs()) & set(
        recipe.source.inputs()
    ):
        raise ConfigError(
            "a run must not be tested on files that it was trained on, split anew",
            came="another split of the same files",
            where="source",
            do="leave 'source' as it is, or name other files",
        )

    def work(times: Times, changes: Changes | None) -> None:
        _measure_all(recipe, source, folder, session, times, changes)

    return _in_folder(folder, recipe, True, work, report)


def _measure_all(
    recipe: Recipe, source: Path, folder: Path, session: Session, times: Times, changes: Changes | None
) -> None:
    """Let the trained methods of a run answer and be measured in another folder."""
    check_before(recipe, [], session.samples, train=False)
    with undone(folder, new=changes is None):
        take(folder, recipe, changes, source)
        with times.stage("sample"):
            dataset = session.dataset(recipe)
            _keep_sample(folder, dataset)
    entries = methods_of(recipe, folder)
    for entry in entries:
        if entry.method is None:
            continue
        entry.method.prepare(partial(provide, recipe, source, lambda needed, where: where, session.progress))
        entry.method.load(source / entry.path)
        (folder / entry.path / "predictions.parquet").unlink(missing_ok=True)  # the run may have trained further since
        _measure(entry, recipe, dataset, folder, times, session.progress, source)
    _conclude(recipe, dataset, folder, session, entries, times, {"trained_in": str(source.absolute())})


def _measured_anew(trained: Recipe, settings: dict[str, Any]) -> Recipe:
    """Return the recipe of a run with other settings; another target says what counts, the methods stay as they are.

    Raises:
        ConfigError: The target would change which hits the methods see.
    """
    fixed = {"evaluation.baselines": trained.resolved["evaluation"]["baselines"], "label": trained.blocks.label}
    recipe = trained.but(fixed | {key: value for key, value in settings.items() if key.partition(".")[0] != "target"})
    other = trained.but(fixed | settings)
    seen = [one.representation.subsystems if one.representation is not None else None for one in (recipe, other)]
    if seen[0] != seen[1]:
        raise ConfigError("the hits that methods see belong to their training", came="other subsystems", where="target")
    told = (*trained.settings, *(f"{key}={json.dumps(value)}" for key, value in settings.items()))
    return replace(recipe, target=other.target, metrics=other.metrics, parts=other.parts, raw=other.raw, settings=told)


def _measure(
    entry: RunMethod,
    recipe: Recipe,
    dataset: Dataset,
    folder: Path,
    times: Times,
    progress: Progress,
    source: Path,
) -> None:
    """Let a method answer for the test events unless it did, and keep answers and numbers.

    What metrics leave open is chosen on validation events where the method was trained, ``source``, and stays.
    """
    method, home = entry.method, folder / entry.path
    if method is None:
        return
    home.mkdir(parents=True, exist_ok=True)
    with times.stage(method.stage):
        metrics = _measured_by(recipe, dataset)
        chosen = choose(method, metrics, dataset, progress) if source == folder else read_chosen(source / entry.path)
        if (home / "predictions.parquet").exists():  # written behind all else that the method tells
            predictions = read_predictions(home)
            if predictions.chosen != chosen:
                predictions = replace(predictions, chosen=chosen)
                write_predictions(home, predictions)
        else:
            method.look_inside(home, dataset)
            predictions = method.predictions(dataset, "test", event_fields(recipe, dataset), home, progress)
            predictions = replace(predictions, chosen=chosen)
            explain(method, recipe.detector, dataset, predictions, home, recipe.evaluation.saliency)
            write_predictions(home, predictions)
        _keep(home, predictions, recipe, dataset)


def _conclude(
    recipe: Recipe,
    dataset: Dataset,
    folder: Path,
    session: Session,
    entries: Sequence[RunMethod],
    times: Times,
    record: dict[str, Any],
) -> None:
    """Set the methods beside each other, describe the sample, and mark the run as done."""
    if entries[0].path != ".":  # without a network the first classical algorithm is the run's own method
        _adopt(folder, folder / entries[0].path)
    listed = [entry.record | ({"path": "."} if entry is entries[0] else {}) for entry in entries]
    with times.stage("compare"):
        write_comparison(folder, recipe, listed, _measured_by(recipe, dataset))
    with times.stage("describe"):
        describe(recipe, dataset, session.samples, session.workers, session.progress, folder)
    part = [recipe, *(entry.recipe for entry in entries if entry.recipe is not None)]
    outside = {name: version for one in part for name, version in packages_of(one.resolved).items()}
    sample = {**_identity(dataset), "losses": list(map(str, dataset.losses()))}
    record = {"seed": recipe.training.seed, "dataset": sample, "packages": outside, **record}
    if not _has_matches(recipe, dataset):
        record["truth"] = False
    own = entries[0].method
    record |= own.record if own is not None else {}
    finish(folder, {**record, "wall_s": times.now()})


def event_fields(recipe: Recipe, dataset: Dataset) -> dict[str, Array]:
    """Event fields that are kept beside the predictions, where an event comes from among them; each (N,)."""
    parts: dict[str, list[Array]] = {}
    for events in dataset.read("test", set()):
        for name, values in kept_fields(recipe, events).items():
            parts.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def _run_first(session: Session, recipe: Recipe, folder: Path) -> Path:
    return run(recipe, folder, session, resume=True)


def start_of(recipe: Recipe) -> Path | Recipe | None:
    """What ``training.start_from`` names: weights of a run, or a recipe, of which only the network is needed."""
    if recipe.training.start_from is None:
        return None
    start = recipe.folder / recipe.training.start_from
    if not start.exists():  # what --set names stands where the command is given
        start = Path(recipe.training.start_from)
    if start.suffix in (".yaml", ".yml"):
        first = read_recipe(start)
        if first.training.start_from is not None:
            raise ConfigError("the recipe to start from must start from nothing itself", where=start)
        return first.but({})
    if not (start / WEIGHTS).exists():
        raise RunError(f"'training.start_from' must name a recipe or a run with {WEIGHTS}", came=start)
    return start / WEIGHTS


def _weights_of(start: Path | Recipe, folder: Path, session: Session, times: Times) -> Path:
    """Weights to start from; a recipe is run first."""
    if isinstance(start, Path):
        return start
    session.progress.say(f"first the run that this one starts from: {start.title}")
    with times.stage("start"):
        return run(start, folder / "start", session, resume=True) / WEIGHTS


def has_checkpoint(folder: Path) -> bool:
    """True if a network has begun to train: what it started from is no longer needed."""
    return (folder / WEIGHTS).exists() or (folder / "checkpoints" / "last.safetensors").exists()


def _told_times(folder: Path) -> dict[str, float]:
    """Seconds of each stage of a finished run, as it tells them; empty if it does not."""
    found: dict[str, float] = read_json(folder / "provenance.json", dict).get("wall_s", {})
    return found


def _keep_sample(folder: Path, dataset: Dataset) -> None:
    """Record the sample of a run, or refuse to go on with another one.

    Raises:
        RunError: The run began with other events, for instance before the simulation's code changed.
    """
    path, mine = folder / "dataset.json", _identity(dataset)
    kept = read_json(path, dict) if path.exists() else mine
    if {**kept, "name": mine["name"]} != mine:  # the name follows the code that makes events, too
        raise RunError(
            "a run can only be resumed on its own sample",
            came=f"other events in {dataset.path}",
            where=folder,
            do="choose another --out",
        )
    write_text(path, json.dumps(mine))


def _adopt(folder: Path, method: Path) -> None:
    """Copy a method's results to the top of the run folder."""
    pictures = sorted(path.name for path in method.glob("display_*.npz"))
    for stale in folder.glob("display_*.npz"):
        stale.unlink()
    for name in ("predictions.parquet", "tables.json", "stages.json", *pictures, "metrics.json"):
        if (method / name).exists():
            (folder / name).write_bytes((method / name).read_bytes())
        else:
            (folder / name).unlink(missing_ok=True)


def write_comparison(folder: Path, recipe: Recipe, methods: list[dict[str, Any]], metrics: tuple[Metric, ...]) -> None:
    """Write ``methods.json`` and ``comparison.json``: the run's own method against each other one, paired."""
    own, *others = methods
    first = read_predictions(folder)
    pairs = []
    for other in others:
        second = read_predictions(folder / other["path"])
        values = compare(first, second, metrics, recipe.evaluation.seed)
        pairs.append({"first": own["label"], "second": other["label"], "name": other["name"], "values": values})
    write_text(folder / "comparison.json", json.dumps(pairs, indent=1))
    write_text(folder / "methods.json", json.dumps(methods, indent=1))


def _keep(folder: Path, predictions: Predictions, recipe: Recipe, dataset: Dataset) -> None:
    metrics = _measured_by(recipe, dataset)
    if recipe.object_kind is not None:  # a few events of the first shard, with what was found in them
        settled = tuple(metric.settled(predictions) for metric in metrics)
        shown = recipe.object_kind.display(next(iter(dataset.read("test"))), predictions.tables, settled)
        if shown:
            write_arrays(folder / f"display_{recipe.object_kind.name}.npz", shown)
    measure(folder, predictions, metrics, recipe.evaluation.seed, "test")


def _has_matches(recipe: Recipe, dataset: Dataset) -> bool:
    """False where objects are looked for in test events without truth; other tasks refuse such events themselves."""
    return recipe.object_kind is None or has_truth(dataset)


def _measured_by(recipe: Recipe, dataset: Dataset) -> tuple[Metric, ...]:
    """The recipe's metrics; where objects of events without truth are found, those that need none, or their counts."""
    if _has_matches(recipe, dataset):
        return recipe.metrics
    named = tuple(metric for metric in recipe.metrics if not metric.truth)
    return named or (METRICS.build("object_counts", where="evaluation.metrics"),)


def _identity(dataset: Dataset) -> dict[str, Any]:
    """What identifies a sample: its name, the hash of all and of the test events, and its counts."""
    counts = {split: dataset.count(split) for split in ("train", "validation", "test")}
    return {"name": dataset.path.name, "hash": dataset.hash(), "test_hash": dataset.hash("test"), "counts": counts}
