"""Finished runs beside each other: paired where they were measured on the same events."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitforge.core import provenance
from hitforge.core.config import dump_yaml, read_yaml
from hitforge.core.errors import DataError, RunError
from hitforge.core.files import read_json, write_text
from hitforge.core.lock import hold
from hitforge.metrics import Metric
from hitforge.recipe.recipe import WORDS, Recipe
from hitforge.runs.changes import changed_settings
from hitforge.runs.folder import is_done, open_recipe
from hitforge.runs.measure import compare, read_predictions

_FILES = ("metrics.json", "tables.json", "stages.json", "graph.json", "history.csv", "predictions.parquet")
_OF_FIRST = ("sample.json", "sample.npz", "saliency.npz", "saliency_space.npz")


@dataclass(frozen=True)
class PairOfRuns:
    """The first run and another one.

    Attributes:
        first: Label of the first.
        second: Label of the other.
        unpaired: Why the two are not compared event by event; empty where they are.
        differences: Paired differences first - second: name -> value, low, high and others.
        settings: Recipe settings that differ: dotted key -> that of the first, that of the other.
    """

    first: str
    second: str
    unpaired: str
    differences: dict[str, dict[str, Any]]
    settings: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class ComparedRuns:
    """Several finished runs.

    Attributes:
        folders: Of the runs.
        labels: Of each run's own method; all differ.
        measured: What each run measured: name -> value, low, high and others.
        pairs: The first run with each other one.
    """

    folders: tuple[Path, ...]
    labels: tuple[str, ...]
    measured: tuple[dict[str, dict[str, Any]], ...]
    pairs: tuple[PairOfRuns, ...]


def compare_runs(folders: Sequence[Path]) -> ComparedRuns:
    """Compare the own methods of finished runs, the first one with each other.

    Raises:
        RunError: A folder is no finished run, or there is only one.
    """
    if len({folder.resolve() for folder in folders}) < max(len(folders), 2):
        raise RunError("a comparison needs two or more different runs", came=", ".join(map(str, folders)))
    for folder in folders:
        if not is_done(folder):
            raise RunError("a run must have gone to its end to be compared", came="no finished run", where=folder)
    labels = _labels(folders)
    measured = tuple(read_json(folder / "metrics.json", dict) for folder in folders)
    pairs = [_pair(folders[0], other, labels[0], label) for other, label in zip(folders[1:], labels[1:], strict=True)]
    return ComparedRuns(tuple(folders), labels, measured, tuple(pairs))


def write_compared(compared: ComparedRuns, folder: Path) -> None:
    """Write a folder as a run's with the runs as its methods, of which a report can be made.

    Raises:
        RunError: The folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        came = "other files" if folder.is_dir() else "a file"
        raise RunError("the folder of a comparison must be empty", came=came, where=folder)
    first = compared.folders[0]
    with hold(folder):
        listed: list[dict[str, Any]] = []
        for number, (run, label) in enumerate(zip(compared.folders, compared.labels, strict=True)):
            path = "." if number == 0 else f"compare/{number}"
            kind = read_json(run / "methods.json", list)[0]["kind"] if number == 0 else "comparison"
            listed.append({"label": label, "name": f"run_{number + 1}", "kind": kind, "path": path, "axes": {}})
            (folder / path).mkdir(parents=True, exist_ok=True)
            pictures = sorted(file.name for file in run.glob("display_*.npz"))
            for name in (*_FILES, *pictures, *(_OF_FIRST if number == 0 else ())):
                if (run / name).exists():
                    shutil.copyfile(run / name, folder / path / name)
        pairs = [
            {"first": pair.first, "second": pair.second, "name": f"run_{number}", "values": pair.differences}
            for number, pair in enumerate(compared.pairs, 2)
            if not pair.unpaired
        ]
        blocks = {**read_yaml(first / "recipe.yaml"), "title": " or ".join(compared.labels) + "?"}
        record = {
            key: value
            for key, value in read_json(first / "provenance.json", dict).items()
            if key in ("dataset", "truth")
        }
        write_text(folder / "methods.json", json.dumps(listed, indent=1))
        write_text(folder / "comparison.json", json.dumps(pairs, indent=1))
        write_text(folder / "recipe.yaml", dump_yaml(blocks))
        told = {**provenance.collect(), **record, "compared": [str(run) for run in compared.folders]}
        write_text(folder / "provenance.json", json.dumps(told, indent=1))


def _pair(first: Path, second: Path, label: str, other: str) -> PairOfRuns:
    recipes = [open_recipe(folder, network=False) for folder in (first, second)]
    blocks = [_numbers(read_yaml(folder / "recipe.yaml")) for folder in (first, second)]
    settings = changed_settings(*blocks)
    metrics = _common(
        *recipes, truth=all(read_json(f / "provenance.json", dict).get("truth", True) for f in (first, second))
    )
    unpaired, differences = _unpaired(first, second, settings, metrics), {}
    if not unpaired:
        answers = [read_predictions(folder) for folder in (first, second)]
        try:
            differences = compare(answers[0], answers[1], metrics, recipes[0].evaluation.seed)
        except DataError as error:
            unpaired = str(error)
    return PairOfRuns(label, other, unpaired, differences, settings)


def _unpaired(first: Path, second: Path, settings: dict[str, Any], metrics: Sequence[Metric]) -> str:
    """Why two runs cannot be compared event by event; empty where they can."""
    hashes = {
        read_json(folder / "provenance.json", dict).get("dataset", {}).get("test_hash") for folder in (first, second)
    }
    if len(hashes) > 1 or None in hashes:
        return "they were measured on different test events, and so each number stands for itself"
    if any(key.partition(".")[0] in ("target", "region") for key in settings):
        return "they were asked for different objects, and so each number stands for itself"
    if not metrics:
        return "they have no metric with the same settings in common"
    return ""


def _common(first: Recipe, second: Recipe, *, truth: bool) -> tuple[Metric, ...]:
    """The metrics of the first that the second has, too, with the same settings; without truth those that need none.

    Numbers of events are compared between runs of one task, those of objects between all that find objects.
    """
    theirs = {metric.name: metric.config for metric in second.metrics}
    same = (metric for metric in first.metrics if theirs.get(metric.name) == metric.config)
    one_task = first.task.name == second.task.name
    return tuple(one for one in same if (truth or not one.truth) and (one_task or one.kind is not None))


def _numbers(blocks: dict[str, Any]) -> dict[str, Any]:
    return {key: block for key, block in blocks.items() if key not in WORDS}


def _labels(folders: Sequence[Path]) -> tuple[str, ...]:
    """The label of each run's own method, with the run's name where two have the same one."""
    own = [str(read_json(folder / "methods.json", list)[0]["label"]) for folder in folders]
    names = [folder.resolve().name for folder in folders]
    called = [f"{label} ({name})" if own.count(label) > 1 else label for label, name in zip(own, names, strict=True)]
    return tuple(f"{one} {number}" if called.count(one) > 1 else one for number, one in enumerate(called, 1))
