"""The sample of a recipe: found, or made once and shared by all recipes that ask for the same events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.files import write_arrays, write_text
from hitforge.core.packages import hash_outside
from hitforge.core.progress import Progress
from hitforge.core.registry import Plugin
from hitforge.detectors import DETECTORS, Detector, GridDetector, require_grid
from hitforge.events import Dataset, Events, Source, build_dataset
from hitforge.recipe.recipe import Recipe, source_registry
from hitforge.representations import Representation
from hitforge.tasks import Task


def obtain(detector: Detector, source: Source, samples: Path, workers: int, progress: Progress) -> Dataset:
    """Return the dataset of a detector and source, made below ``samples`` where it is not there yet."""
    folder = place_of(detector, source, samples)
    return build_dataset(source, folder, description_of(detector, source), workers=workers, progress=progress)


def place_of(detector: Detector, source: Source, samples: Path) -> Path:
    """Return the folder of the dataset of a detector and source, which need not be there yet.

    It is named after a hash of both blocks, of the input files, and of the code that makes the events, so that
    a change of any of them is another sample and never a stale one.
    """
    description = description_of(detector, source)
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()
    return samples / f"{source.name}-{digest[:12]}"


def description_of(detector: Detector, source: Source) -> dict[str, Any]:
    """Return what makes the events: both blocks, the SHA-256 of the files read, and that of the code."""
    return {
        "detector": detector.block,
        "source": source.block,
        "inputs": source.inputs(),
        "code": _code_hash(detector, source),
    }


def _code_hash(detector: Detector, source: Source) -> str:
    """Hash of the code that makes events.

    Of ours: core, event model, ACTS, detectors and the source's own room; both rooms of sources for one of another
    package, which may use either. Of other packages: all that sources, detectors and plug-ins in them come from.
    """
    root = Path(__file__).parents[1]
    ours, _, room = type(source).__module__.partition(".")
    rooms = [room.partition(".")[0]] if ours == root.name else ["simulation", "readers"]
    digest = hashlib.sha256()
    for part in ("core", "events", "acts", "detectors", *rooms):
        for path in sorted((root / part).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    digest.update(hash_outside(type(plugin) for plugin in _parts(source, _parts(detector, []))))
    return digest.hexdigest()


def _parts(value: Any, found: list[Plugin]) -> list[Plugin]:
    """Add a plug-in and those that it holds, such as a generator, to those that were found."""
    if isinstance(value, Plugin):
        if not any(value is one for one in found):
            found.append(value)
            for inner in list(vars(value).values()):
                _parts(inner, found)
    elif isinstance(value, list | tuple | set | frozenset | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            if isinstance(inner, Plugin):
                _parts(inner, found)
    return found


def describe(recipe: Recipe, dataset: Dataset, samples: Path, workers: int, progress: Progress, folder: Path) -> None:
    """Write ``sample.npz`` and ``sample.json``: example and mean images and histograms by class, for the report."""
    if (
        recipe.representation is None
        or not isinstance(recipe.detector, GridDetector)
        or len(next(iter(recipe.representation.shapes().values()))) != 3
    ):
        return
    reference = recipe.evaluation.reference
    shown = "test" if reference is None else reference.split  # samples that are compared are not those of the test
    arrays, info = _pictures(recipe.representation, recipe.task, _first(dataset.read(shown, {"hits"}), 4000))
    if reference is not None:
        detector = DETECTORS.build(reference.detector, where=f"{recipe.name}: evaluation.reference.detector")
        source = source_registry(reference.source, recipe.name).build(
            reference.source, detector, where=f"{recipe.name}: evaluation.reference.source"
        )
        other = obtain(detector, source, samples, workers, progress)
        image = type(recipe.representation)(recipe.representation.config, detector)
        extra, more = _pictures(image, recipe.task, _first(other.read(reference.split, {"hits"}), 4000), info)
        arrays |= {f"reference_{name}": value for name, value in extra.items()}
        info |= {"reference_label": reference.label, "reference_histograms": more["histograms"]}
    write_arrays(folder / "sample.npz", arrays)
    write_text(folder / "sample.json", json.dumps(info))


def _first(shards: Iterable[Events], limit: int) -> Events:
    parts, count = [], 0
    for events in shards:
        parts.append(events)
        count += len(events)
        if count >= limit:
            break
    return Events.concatenate(parts).take(np.arange(min(count, limit)))


def _pictures(
    image: Representation, task: Task, events: Events, like: dict[str, Any] | None = None
) -> tuple[dict[str, Array], dict[str, Any]]:
    prepared, target = image.prepare(events), task.target(events)
    name = next(iter(image.shapes()))
    classes = list(getattr(task, "classes", [str(label) for label in np.unique(target)]))
    quantities = _quantities(require_grid(image.detector, "the report of a sample"), events)
    edges = {
        key: np.asarray(like["histograms"][key]["edges"]) if like else _edges(values)
        for key, values in quantities.items()
    }
    arrays: dict[str, Array] = {}
    histograms: dict[str, dict[str, Any]] = {key: {"edges": edges[key].tolist()} for key in quantities}
    for label, title in enumerate(classes):
        index = np.flatnonzero(target == label)
        if not len(index):
            continue
        dense = image.batch(prepared, index)[name]
        arrays[f"mean_{title}"] = dense.mean(0)
        arrays[f"examples_{title}"] = dense[:4]
        for key, values in quantities.items():
            histograms[key][title] = np.histogram(values[index], edges[key])[0].tolist()
            histograms[key].setdefault("median", {})[title] = float(np.median(values[index]))
    channels = image.labels()[name]
    return arrays, {
        "classes": [c for c in classes if f"mean_{c}" in arrays],
        "channels": channels,
        "histograms": histograms,
        "events": len(events),
    }


def _quantities(detector: GridDetector, events: Events) -> dict[str, Array]:
    """Return quantities of each event, (N,), in a window of 32 x 32 cells around its hottest hit.

    Lit cells, energy sum, energy in the hottest hit's column, and energy-weighted variance of the columns.
    """
    hits = events.hits
    energy, place = hits["energy"].astype(float), np.stack(detector.grid(hits["cell"]))  # (2, hits)
    hottest = np.zeros((2, len(events)), np.int64)
    order = np.lexsort((energy, hits.event))
    lit = hits.counts > 0
    hottest[:, lit] = place[:, order[hits.offsets[1:][lit] - 1]]
    row, column = place - hottest[:, hits.event]
    if detector.periodic_columns:
        period = detector.grid_shape[1]
        column = (column + period // 2) % period - period // 2
    inside = (row >= -16) & (row < 16) & (column >= -16) & (column < 16)
    energy = np.where(inside, energy, 0.0)
    total = np.maximum(hits.sum(energy), 1e-9)
    mean = hits.sum(energy * column) / total
    return {
        "lit cells": hits.sum(inside.astype(float)),
        "energy sum [GeV]": total,
        "energy of the centre column [GeV]": hits.sum(energy * (column == 0)),
        "variance in phi [cells²]": hits.sum(energy * (column - mean[hits.event]) ** 2) / total,
    }


def _edges(values: Array) -> Array:
    low, high = np.quantile(values, [0.002, 0.99])
    return np.linspace(low, high if high > low else low + 1, 41)
