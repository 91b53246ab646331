"""A method of a finished run, opened again: it answers for any events, with or without truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, RunError, did_you_mean
from hitforge.core.files import read_json
from hitforge.core.progress import Progress
from hitforge.detectors import Detector, GridDetector
from hitforge.events import Collection, Events
from hitforge.methods import Method, predictions_of
from hitforge.methods.stopwatch import Stopwatch
from hitforge.methods.truth import as_measured, match_events
from hitforge.metrics import Predictions
from hitforge.objects import Candidates
from hitforge.recipe.recipe import Recipe
from hitforge.representations import Representation
from hitforge.runs.chosen import read_chosen
from hitforge.runs.depends_on import provide
from hitforge.runs.folder import is_done, open_recipe
from hitforge.runs.measure import kept_fields
from hitforge.runs.methods import for_answers, methods_of
from hitforge.tasks import Task


class Trained:
    """A method that was fitted in a run, ready to answer.

    Attributes:
        folder: Where it was fitted: the run's folder, or that of the comparison or classical algorithm in it.
        label: Its name in the report.
        name: Its name in numbers.
        recipe: What it was fitted with, with a device that is there.
        method: The network or the classical algorithm itself.
    """

    def __init__(self, folder: Path, label: str, name: str, recipe: Recipe, method: Method) -> None:
        self.folder, self.label, self.name, self.recipe, self.method = folder, label, name, recipe, method

    def __repr__(self) -> str:
        return f"Trained('{self.label}', {self.method.kind}, task {self.task.name}, from {self.folder})"

    @property
    def detector(self) -> Detector:
        """Detector of the events that it answers for."""
        return self.recipe.detector

    @property
    def representation(self) -> Representation | None:
        """What a network is given, fitted; None of a classical algorithm."""
        return self.method.representation

    @property
    def task(self) -> Task:
        """What it is asked."""
        return self.recipe.task

    def knows(self, events: Events) -> bool:
        """True if events hold the truth that the answers can be set beside."""
        if self.task.per == "event":
            return set(self.task.truth_fields) <= set(events.fields)
        return "links" in events.collections

    def answer(self, events: Events, *, truth: bool | None = None, progress: Progress | None = None) -> Predictions:
        """Answer for any events of the detector.

        Args:
            events: N events; of the collections only ``hits`` and ``clusters`` are shown to the method.
            truth: Set the answers beside the truth; None: where the events have it.
            progress: Is told of the events where objects are looked for.

        Returns:
            As in the run's ``predictions.parquet``, the event fields of ``evaluation.fields`` included. Of a
            classification ``score_<class>``, (N,), of a regression ``predicted_<quantity>``, (N,), both beside the
            truth, if asked for; of objects the tables that ``Predictions`` describes; of a task on hits without
            objects the table ``outputs``, one row a hit: ``hit``, its index in the event, and ``output_0``, ... and
            beside the truth the scores of each event.

        Raises:
            DataError: The events lack the hits, or the truth where ``truth`` is True.
            ConfigError: The task answers for edges alone.
        """
        known = self.knows(events) if truth is None else truth
        fields = kept_fields(self.recipe, events)
        if self.task.per == "event":
            return self._numbers(events, fields, known)
        if self.method.target is None:
            return self._rows(events, fields, known)
        shown = events if known else Events(as_measured(events).collections, events.fields, events.info)
        tables = self._objects(shown, known, Progress() if progress is None else progress)
        chosen = read_chosen(self.folder) if (self.folder / "predictions.parquet").exists() else {}
        return Predictions(fields, tables=tables, chosen=chosen)

    def _numbers(self, events: Events, fields: dict[str, Array], known: bool) -> Predictions:
        """Answers for events; without truth those columns alone that say nothing of it."""
        target = self.task.target(events) if known else self.task.unknown(events)
        seen = Events(as_measured(events).collections, events.fields, events.info)
        told = predictions_of(self.task, np.asarray(self.method.answer(seen)), target, fields)
        if known:
            return told
        answers = {name: values for name, values in told.columns.items() if name in fields or not _is_truth(name)}
        return Predictions(answers, told.classes, told.signal)

    def _objects(self, events: Events, known: bool, progress: Progress) -> dict[str, Collection]:
        assert self.method.target is not None
        watch, parts = Stopwatch(), []

        def find(events: Events, watch: Stopwatch) -> Candidates:
            found = self.method.answer(events, watch)
            assert isinstance(found, Candidates)  # the task has a target
            return found

        with progress.step(f"{self.method.target.name}s", len(events), "events") as step:
            for index in np.array_split(np.arange(len(events)), max(1, -(-len(events) // _AT_ONCE))):
                asked = find, self.method.target, events.take(index), self.method.region, watch, Path("events")
                parts.append(match_events(*asked, known=known))
                step.advance(len(index))
        return {name: Collection.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _rows(self, events: Events, fields: dict[str, Array], known: bool) -> Predictions:
        """What a network says of each hit."""
        network = self.method
        representation, engine = network.representation, network.explained
        if self.task.per != "hit" or representation is None or engine is None:
            raise ConfigError(
                "a method must answer for events, hits or objects", came=f"answers for each {self.task.per}"
            )
        shown = events if known else as_measured(events)
        one, scores = np.zeros(1, np.int64), []
        counts: list[int] = []
        columns: dict[str, list[Any]] = {"hit": []} | {f"output_{i}": [] for i in range(self.task.outputs)}
        for number in range(len(events)):
            prepared = representation.prepare(shown.take(np.array([number])))
            inputs = representation.batch(prepared, one)
            outputs = np.asarray(engine.infer(inputs))  # (H, outputs)
            counts.append(len(outputs))
            columns["hit"].append(representation.hit_index(prepared, one))
            for i in range(self.task.outputs):
                columns[f"output_{i}"].append(outputs[:, i])
            if known:
                scores.append(self.task.score(outputs, representation.truth(prepared, one, self.task.per)))
        kinds = {name: np.int64 if name == "hit" else np.float32 for name in columns}
        flat = {name: np.concatenate([np.empty(0, kinds[name]), *parts]) for name, parts in columns.items()}
        told = {name: np.array([row[name] for row in scores]) for name in (scores[0] if scores else ())}
        return Predictions(told | fields, tables={"outputs": Collection.from_counts(np.array(counts, np.int64), flat)})


_AT_ONCE = 1000  # events whose objects are matched together


def load(
    folder: Path,
    method: str | None = None,
    detector: Detector | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
) -> Trained:
    """Open a method of a finished run.

    Args:
        folder: The run; of one that was measured on another sample (``hitforge evaluate``) the methods are those of
            the run behind it.
        method: Label or name of a network or classical algorithm of the run; its own method if None.
        detector: Of the events that it shall answer for, where it is another than the run's, such as real images
            beside simulated ones.
        settings: Settings of its recipe to change, by dotted key, such as ``training.threads``.

    Raises:
        RunError: The folder is no finished run, or a network that it depends on is not there.
        ConfigError: The run has no such method; the error names those that it has. Or the method cannot look at this
            detector.
    """
    entries = records(folder)
    if method is None:
        chosen = entries[0]
    else:
        named = [entry for entry in entries if method in (entry["label"], entry["name"])]
        if not named:
            known = [str(entry["label"]) for entry in entries]
            raise ConfigError(f"the run has no method '{method}': {did_you_mean(method, known)}", where=folder)
        chosen = named[0]
    if chosen["kind"] == "comparison":
        inner = load(folder / chosen["path"], detector=detector, settings=settings)
        return Trained(inner.folder, chosen["label"], chosen["name"], inner.recipe, inner.method)
    home = _fitted_in(folder)
    recipe = open_recipe(home)
    if settings:
        recipe = recipe.but({"evaluation.baselines": recipe.resolved["evaluation"]["baselines"], **settings})
    recipe = for_answers(recipe)
    if detector is not None:
        recipe = _seen_by(recipe, detector)
    entry = next((one for one in methods_of(recipe, home) if _same(one.record, chosen)), None)
    if entry is None or entry.method is None:
        raise RunError("the methods of a run must be those of its recipe", came=chosen["label"], where=home)
    entry.method.prepare(partial(provide, recipe, home, _not_there, Progress()))
    entry.method.load(home / entry.path)
    return Trained(home / entry.path, chosen["label"], chosen["name"], recipe, entry.method)


def records(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of ``methods.json`` of a finished run, its own method first.

    Raises:
        RunError: The folder is no finished run.
    """
    open_recipe(folder, network=False)  # says that it is no run
    if not is_done(folder) or not (folder / "methods.json").exists():
        raise RunError(
            "the run must have gone to its end",
            came="an unfinished run",
            where=folder,
            do="continue it with 'hitforge run --resume'",
        )
    found = read_json(folder / "methods.json", list)
    keys = {"label", "name", "kind", "path"}
    if not found or not all(isinstance(one, dict) and keys <= set(one) for one in found):
        raise RunError("methods.json must list the methods of a run", came="something else", where=folder)
    return found


def _seen_by(recipe: Recipe, detector: Detector) -> Recipe:
    """A recipe whose parts look at the cells of another detector."""
    if not isinstance(detector, GridDetector) or not isinstance(recipe.detector, GridDetector):
        raise ConfigError(
            "the detector must be that of the run, whose geometry its methods have learned",
            came=f"'{detector.name}' with other settings or name than '{recipe.detector.name}'",
            where="detector",
            do="leave it out",
        )
    target = None if recipe.target is None else type(recipe.target)(recipe.target.config, detector)
    shown = recipe.representation
    if shown is not None:
        shown = type(shown)(shown.config, detector, *((target,) if shown.kind is not None else ()))
    if shown is not None and recipe.representation is not None and shown.shapes() != recipe.representation.shapes():
        raise ConfigError(
            "the detector must give the method what it was trained on", came=shown.shapes(), where="detector"
        )
    task = type(recipe.task)(recipe.task.config, detector, target)
    baselines = tuple(type(one)(one.config, detector, task) for one in recipe.baselines)
    return replace(recipe, detector=detector, target=target, representation=shown, task=task, baselines=baselines)


def _fitted_in(folder: Path) -> Path:
    """The run whose methods a folder measured: itself, or the one that it names."""
    told = read_json(folder / "provenance.json", dict).get("trained_in")
    if told is None:
        return folder
    home = Path(told)
    if not is_done(home):
        raise RunError("the run that was measured must be there", came="none", where=home, do="open it where it is now")
    return home


def _same(mine: dict[str, Any], chosen: dict[str, Any]) -> bool:
    """True if a method of the recipe is the chosen one; a classical algorithm that comes first stands at the top."""
    return bool(mine["kind"] == chosen["kind"] and (mine["kind"] == "network" or mine["name"] == chosen["name"]))


def _not_there(needed: Recipe, folder: Path) -> Path:
    raise RunError(
        f"the run '{needed.title}' that this one depends on must be there", came="none", where=folder, do="run it first"
    )


def _is_truth(name: str) -> bool:
    return name == "target" or name.startswith("true_")
