"""A recipe becomes a run: sample, networks, classical algorithms, measurements, in one folder that can be resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.baselines import Baseline
from hitforge.core.errors import ConfigError, RunError
from hitforge.core.files import write_arrays, write_text
from hitforge.core.progress import Progress
from hitforge.events import Dataset, Events
from hitforge.metrics import METRICS, Metric, Predictions
from hitforge.tasks import ObjectTask
from hitforge.training.batches import ShardBatches
from hitforge.training.engine import Engine
from hitforge.training.explain import explain
from hitforge.training.folder import claim, finish, is_done, open_recipe, timed
from hitforge.training.measure import compare, measure, predictions_of, read_predictions, write_predictions
from hitforge.training.needs import build_engine, provide
from hitforge.training.recipe import NETWORK, Recipe, combinations, read_recipe, slug
from hitforge.training.reconstruct import baseline_objects, graph_quality, has_truth, network_predictions
from hitforge.training.sample import describe, obtain

Array = NDArray[Any]


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
        """The sample of a recipe, made where it is not there."""
        return obtain(recipe.detector, recipe.source, self.samples, self.workers, self.progress)


def run(recipe: Recipe, folder: Path, session: Session, *, resume: bool = False) -> Path:
    """Run a recipe into a folder, or continue it there.

    Args:
        recipe: What to do.
        folder: Run folder; new or empty unless ``resume``.
        session: Samples, processes, progress.
        resume: Continue an interrupted run; a finished one is left as it is.

    Returns:
        The folder.

    Raises:
        ConfigError: The recipe cannot be run as it is.
        RunError: The folder belongs to something else, or training failed.
    """
    rivals = list(_rivals(recipe))
    start = _start_of(recipe)
    claim(folder, recipe, resume=resume)
    if is_done(folder):
        return folder
    with timed(folder, "sample"):
        dataset = session.dataset(recipe)
        _keep_sample(folder, dataset)
    record: dict[str, Any] = {"seed": recipe.training.seed, "dataset": _identity(dataset)}
    if not _is_judged(recipe, dataset):
        record["truth"] = False
    contestants: list[dict[str, Any]] = []
    if recipe.model is not None:
        record |= _network(recipe, dataset, folder, session, start)
        label = recipe.title
        own = {"label": label, "name": recipe.name, "kind": "network", "path": ".", "axes": _axes(recipe)}
        contestants.append(own)
    for rival in rivals:
        where = f"compare/{slug(rival.label)}"
        session.progress.say(f"next network: {rival.label}")
        run(rival.recipe, folder / where, session, resume=True)
        contestants.append(
            {"label": rival.label, "name": slug(rival.label), "kind": "comparison", "path": where, "axes": rival.axes}
        )
    for baseline in recipe.baselines:
        where = f"baselines/{baseline.name}"
        _baseline(baseline, recipe, dataset, folder, where, session.progress)
        label = baseline.name.replace("_", " ")
        contestants.append({"label": label, "name": baseline.name, "kind": "baseline", "path": where})
    if recipe.model is None:  # the first classical algorithm is then the run's own contestant
        _adopt(folder, folder / contestants[0]["path"])
        contestants[0]["path"] = "."
    with timed(folder, "compare"):
        write_comparison(folder, recipe, contestants, _measured_by(recipe, dataset))
    with timed(folder, "describe"):
        describe(recipe, dataset, session.samples, session.workers, session.progress, folder)
    finish(folder, record)
    return folder


def batches_of(recipe: Recipe, dataset: Dataset, split: str) -> ShardBatches:
    """The batches of a split: shuffled and augmented for training, in order for the rest."""
    if recipe.representation is None:
        raise ConfigError("the recipe must have a representation", where=recipe.name)
    train, size = split == "train", recipe.training.batch_size
    if not train and recipe.task.per == "event":
        size = max(size, 1024)  # small events are answered for faster in number
    elif not train:
        size = 1  # numbers about hits, edges and objects are told event by event
    return ShardBatches(
        dataset,
        split,
        recipe.representation,
        recipe.task,
        batch_size=size,
        seed=recipe.training.seed,
        shuffle=train,
        augment=train and recipe.training.augment,
        window=recipe.training.window,
    )


def event_fields(recipe: Recipe, dataset: Dataset) -> dict[str, Array]:
    """Event fields that are kept beside the predictions, those that the sample has; each (N,)."""
    parts: dict[str, list[Array]] = {}
    if not recipe.evaluation.fields:
        return {}
    for events in dataset.read("test", set()):
        for name in recipe.evaluation.fields:
            if name in events.fields:
                parts.setdefault(name, []).append(events.fields[name])
    return {name: np.concatenate(values) for name, values in parts.items()}


def _network(
    recipe: Recipe, dataset: Dataset, folder: Path, session: Session, start: Path | Recipe | None
) -> dict[str, Any]:
    """Train, predict, measure and explain the recipe's own network."""
    engine = build_engine(recipe, folder)
    record = {"device": engine.device, "parameters": engine.parameters}
    if (folder / "metrics.json").exists():
        return record
    prepare(recipe, dataset, folder, session)
    weights = folder / "model.safetensors"
    if weights.exists():
        engine.load(weights)
    else:
        if start is not None:
            taken = engine.load(_weights_of(start, folder, session), strict=False)
            session.progress.say(f"{taken} tensors of weights come from the run that this one starts from")
        with timed(folder, "train"):
            train, validation = (batches_of(recipe, dataset, split) for split in ("train", "validation"))
            engine.fit(train, validation, partial(_score, recipe), session.progress)
        engine.save(weights)
    with timed(folder, "evaluate"):
        predictions = predict(recipe, dataset, engine, folder, session.progress)
        explain(recipe, dataset, engine, predictions, folder)
        _keep(folder, predictions, recipe, dataset)
    return record


def prepare(recipe: Recipe, dataset: Dataset, folder: Path, session: Session) -> None:
    """Hand in the networks that the representation needs, and fit it on training events, once in a run."""
    if recipe.representation is None:
        return
    provide(recipe, folder, lambda needed, where: run(needed, where, session, resume=True), session.progress)
    fitted, done = recipe.representation, folder / "representation.json"
    if done.exists():
        fitted.load(folder)
        return
    with timed(folder, "fit"):
        fitted.fit(lambda: dataset.read("train"), session.progress)
        fitted.save(folder)
    write_text(done, json.dumps({"name": fitted.name}))


def predict(recipe: Recipe, dataset: Dataset, engine: Engine, folder: Path, progress: Progress) -> Predictions:
    """Answer for the test events, beside the truth."""
    fields = event_fields(recipe, dataset)
    if isinstance(recipe.task, ObjectTask) and recipe.sought is not None and recipe.representation is not None:
        graph_quality(recipe.representation, dataset, folder)
        tile = recipe.evaluation.tile
        return network_predictions(
            engine, recipe.representation, recipe.task, recipe.sought, dataset, fields, folder, progress, tile
        )
    batches = batches_of(recipe, dataset, "test")
    if recipe.task.per == "event":
        outputs, target = engine.predict(batches)
        return predictions_of(recipe.task, outputs, target, fields)
    rows = [recipe.task.score(engine.infer(inputs), truth) for inputs, truth in batches.epoch(0)]
    return Predictions({name: np.array([row[name] for row in rows]) for name in rows[0]} | fields)


def _start_of(recipe: Recipe) -> Path | Recipe | None:
    """What ``training.start_from`` names: weights of a run, or a recipe, of which only the network is needed."""
    if recipe.training.start_from is None:
        return None
    start = recipe.folder / recipe.training.start_from
    if start.suffix in (".yaml", ".yml"):
        first = read_recipe(start)
        if first.training.start_from is not None:
            raise ConfigError("the recipe to start from must start from nothing itself", where=start)
        return first.but({})
    if not (start / "model.safetensors").exists():
        raise RunError("'training.start_from' must name a recipe or a run with model.safetensors", came=start)
    return start / "model.safetensors"


def _weights_of(start: Path | Recipe, folder: Path, session: Session) -> Path:
    """Weights to start from; a recipe is run first."""
    if isinstance(start, Path):
        return start
    session.progress.say(f"first the run that this one starts from: {start.title}")
    return run(start, folder / "start", session, resume=True) / "model.safetensors"


def _keep_sample(folder: Path, dataset: Dataset) -> None:
    """Record the sample of a run, or refuse to go on with another one.

    Raises:
        RunError: The run began with other events, for instance before the simulation's code changed.
    """
    path, mine = folder / "dataset.json", _identity(dataset)
    if path.exists() and json.loads(path.read_text()) != mine:
        raise RunError(
            "a run can only be resumed on its own sample",
            came=f"other events in {dataset.path}",
            where=folder,
            do="choose another --out",
        )
    write_text(path, json.dumps(mine))


def _score(recipe: Recipe, outputs: Array, target: Array) -> dict[str, float]:
    """Validation numbers: the monitored metric, and what the task adds."""
    monitor = recipe.training.monitor
    if recipe.task.per != "event":
        return recipe.task.score(outputs, target)
    predictions = predictions_of(recipe.task, outputs, target, {})
    result = {}
    if monitor != "loss" and monitor not in recipe.task.scores:
        name = monitor.partition(".")[0]
        metric = next((m for m in recipe.metrics if m.name == name), None) or METRICS.build(name, where="monitor")
        values = metric.compute(predictions, recipe.evaluation.seed).values
        if monitor not in values:
            raise ConfigError(f"the metric '{name}' gives {', '.join(values)}", came=monitor, where="training.monitor")
        result[monitor] = values[monitor].value
    return result | recipe.task.score(outputs, target)


def _axes(recipe: Recipe) -> dict[str, str]:
    """The place of the recipe's own network in its sweep, empty if it has none."""
    for point in combinations(recipe.evaluation.sweep):
        if recipe.but(point.settings).hash(*NETWORK) == recipe.hash(*NETWORK):
            return point.axes
    return {}


@dataclass(frozen=True)
class _Rival:
    label: str
    recipe: Recipe
    axes: dict[str, str] = field(default_factory=dict)  # its place in a sweep


def _rivals(recipe: Recipe) -> Iterator[_Rival]:
    """Other networks to train on the same events; the combination of a sweep that is the recipe itself is left out."""
    for point in combinations(recipe.evaluation.sweep):
        other = recipe.but({"title": point.label, **point.settings})
        if other.hash(*NETWORK) != recipe.hash(*NETWORK):
            yield _Rival(point.label, other, point.axes)
    for seed in recipe.evaluation.seeds:
        yield _Rival(f"seed {seed}", recipe.but({"training.seed": seed}))
    for rival in recipe.evaluation.compare:
        base = read_recipe(recipe.folder / rival.recipe) if rival.recipe else recipe
        other = base.but({"title": rival.label, **rival.set})
        for blocks, came in ((("detector", "source"), "another sample"), (("target",), "another target")):
            if other.hash(*blocks) != recipe.hash(*blocks):
                must = f"a rival must have the same {' and '.join(blocks)}"
                raise ConfigError(must, came=came, where=f"rival '{rival.label}'")
        parts = [one.representation.subsystems for one in (recipe, other) if one.representation is not None]
        if parts[1:] != parts[:-1]:
            raise ConfigError(
                "a rival must look at the same parts of the detector: tracks are measured by the hits there",
                came=" and ".join(str(part or "all") for part in parts),
                where=f"rival '{rival.label}'",
            )
        yield _Rival(rival.label, other)


def _baseline(
    baseline: Baseline, recipe: Recipe, dataset: Dataset, folder: Path, where: str, progress: Progress
) -> None:
    """Fit and measure a classical algorithm."""
    target_folder = folder / where
    if (target_folder / "metrics.json").exists():
        return
    target_folder.mkdir(parents=True, exist_ok=True)
    with timed(folder, baseline.name):

        def sample(split: str) -> Iterator[Events]:
            return dataset.read(split, set(baseline.learns_from))

        record = baseline.fit(partial(sample, "train"), partial(sample, "validation"), recipe.training.seed, progress)
        baseline.save(target_folder)
        write_text(target_folder / "record.json", json.dumps(record, indent=1))
        predictions = baseline_predictions(baseline, recipe, dataset, target_folder, progress)
        _keep(target_folder, predictions, recipe, dataset)


def baseline_predictions(
    baseline: Baseline, recipe: Recipe, dataset: Dataset, folder: Path, progress: Progress
) -> Predictions:
    """Apply a fitted classical algorithm to the test split."""
    if recipe.sought is not None:
        fields = event_fields(recipe, dataset)
        tile, representation = recipe.evaluation.tile, recipe.representation
        return baseline_objects(baseline, recipe.sought, dataset, fields, folder, progress, representation, tile)
    outputs, target = [], []
    for events in dataset.read("test", {"hits"}):
        outputs.append(baseline.outputs(events))
        target.append(recipe.task.target(events))
    return predictions_of(recipe.task, np.concatenate(outputs), np.concatenate(target), event_fields(recipe, dataset))


def _adopt(folder: Path, contestant: Path) -> None:
    """Copy a contestant's results to the top of the run folder."""
    pictures = sorted(path.name for path in contestant.glob("display_*.npz"))
    for name in ("predictions.parquet", "tables.json", "stages.json", *pictures, "metrics.json"):
        if (contestant / name).exists():
            (folder / name).write_bytes((contestant / name).read_bytes())


def write_comparison(
    folder: Path, recipe: Recipe, contestants: list[dict[str, Any]], metrics: tuple[Metric, ...]
) -> None:
    """Write ``methods.json`` and ``comparison.json``: the run's own contestant against each other one, paired."""
    own, *others = contestants
    first = read_predictions(folder)
    pairs = []
    for other in others:
        second = read_predictions(folder / other["path"])
        values = compare(first, second, metrics, recipe.evaluation.seed)
        pairs.append({"first": own["label"], "second": other["label"], "name": other["name"], "values": values})
    write_text(folder / "comparison.json", json.dumps(pairs, indent=1))
    write_text(folder / "methods.json", json.dumps(contestants, indent=1))


def evaluate(source: Path, folder: Path, session: Session, settings: dict[str, Any]) -> Path:
    """Measure what a run trained on another sample.

    Args:
        source: A finished run.
        folder: New folder for the measurement.
        session: Samples, processes, progress.
        settings: Settings of the run's recipe to change, by dotted key, such as ``source.seed``.

    Where a sample has no truth, objects are found all the same, and counted: no efficiency or resolution is known, and
    ``provenance.json`` says ``truth: false``.

    Raises:
        RunError: The run is not finished, or the folder is not empty.
    """
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
    recipe = trained.but({"evaluation.baselines": trained.resolved["evaluation"]["baselines"], **settings})
    if trained.resolved["source"] != recipe.resolved["source"] and set(trained.source.inputs()) & set(
        recipe.source.inputs()
    ):
        raise ConfigError(
            "a run must not be tested on files that it was trained on, split anew",
            came="another split of the same files",
            where="source",
            do="leave 'source' as it is, or name other files",
        )
    claim(folder, recipe, resume=True)
    if is_done(folder):
        return folder
    with timed(folder, "sample"):
        dataset = session.dataset(recipe)
        _keep_sample(folder, dataset)
    contestants: list[dict[str, Any]] = []
    record: dict[str, Any] = {"seed": recipe.training.seed, "dataset": _identity(dataset), "trained_in": str(source)}
    if not _is_judged(recipe, dataset):
        record["truth"] = False
    with timed(folder, "evaluate"):
        if recipe.model is not None:
            engine = build_engine(recipe, folder)
            engine.load(source / "model.safetensors")
            if recipe.representation is not None:
                provide(recipe, source, lambda needed, where: where, session.progress)
                recipe.representation.load(source)
            predictions = predict(recipe, dataset, engine, folder, session.progress)
            explain(recipe, dataset, engine, predictions, folder)
            _keep(folder, predictions, recipe, dataset)
            record |= {"device": engine.device, "parameters": engine.parameters}
            contestants.append({"label": recipe.title, "name": recipe.name, "kind": "network", "path": "."})
        for baseline in recipe.baselines:
            baseline.load(source / "baselines" / baseline.name)
            where = f"baselines/{baseline.name}" if contestants else "."
            (folder / where).mkdir(parents=True, exist_ok=True)
            predictions = baseline_predictions(baseline, recipe, dataset, folder / where, session.progress)
            _keep(folder / where, predictions, recipe, dataset)
            label = baseline.name.replace("_", " ")
            contestants.append({"label": label, "name": baseline.name, "kind": "baseline", "path": where})
    write_comparison(folder, recipe, contestants, _measured_by(recipe, dataset))
    describe(recipe, dataset, session.samples, session.workers, session.progress, folder)
    finish(folder, record)
    return folder


def _keep(folder: Path, predictions: Predictions, recipe: Recipe, dataset: Dataset) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_predictions(folder, predictions)
    metrics = _measured_by(recipe, dataset)
    if recipe.sought is not None:  # a few events of the first shard, with what was found in them
        shown = recipe.sought.display(next(iter(dataset.read("test"))), predictions.tables, metrics)
        if shown:
            write_arrays(folder / f"display_{recipe.sought.name}.npz", shown)
    measure(folder, predictions, metrics, recipe.evaluation.seed, "test")


def _is_judged(recipe: Recipe, dataset: Dataset) -> bool:
    """False where objects are looked for in test events without truth; other tasks refuse such events themselves."""
    return recipe.sought is None or has_truth(dataset)


def _measured_by(recipe: Recipe, dataset: Dataset) -> tuple[Metric, ...]:
    """The recipe's metrics; where objects of events without truth are found, those that need none, or their counts."""
    if _is_judged(recipe, dataset):
        return recipe.metrics
    named = tuple(metric for metric in recipe.metrics if not metric.truth)
    return named or (METRICS.build("object_counts", where="evaluation.metrics"),)


def _identity(dataset: Dataset) -> dict[str, Any]:
    """What identifies a sample: its name, the hash of all and of the test events, and its counts."""
    counts = {split: dataset.count(split) for split in ("train", "validation", "test")}
    return {"name": dataset.path.name, "hash": dataset.hash(), "test_hash": dataset.hash("test"), "counts": counts}
