"""Objects of whole events, of a network or a classical algorithm, matched to the truth, and their time."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.baselines import Baseline
from hitforge.core.files import write_text
from hitforge.core.progress import Progress
from hitforge.events import Collection, Dataset, Events
from hitforge.metrics import Predictions
from hitforge.objects import Candidates, Kind
from hitforge.representations import Representation
from hitforge.tasks import Objects, ObjectTask
from hitforge.training.engine import Engine
from hitforge.training.tiles import require_tiles, tiles_of, without_doubles

Array = NDArray[Any]
MEASURED = frozenset({"hits", "clusters"})
"""Collections of what the detector saw; the others of an event are truth. Of clusters, ``weight`` is truth too."""


class Stopwatch:
    """Seconds of each stage, event by event."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add an event's time to a stage."""
        start = perf_counter()
        yield
        self.seconds.setdefault(name, []).append(perf_counter() - start)

    def add(self, seconds: dict[str, Array]) -> None:
        """Take times that were measured elsewhere."""
        for name, values in seconds.items():
            self.seconds.setdefault(name, []).extend(np.asarray(values, float).tolist())

    def write(self, folder: Path) -> None:
        """Write ``stages.json``: median and 90 % quantile of each stage in ms, and the process's largest memory."""
        stages: dict[str, Any] = {
            name: {"median_ms": 1e3 * float(np.median(v)), "p90_ms": 1e3 * float(np.quantile(v, 0.9)), "n": len(v)}
            for name, v in self.seconds.items()
        }
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        write_text(folder / "stages.json", json.dumps({**stages, "peak_memory_mib": round(peak, 1)}, indent=1))


def find_objects(
    engine: Engine,
    representation: Representation,
    task: ObjectTask,
    events: Events,
    watch: Stopwatch,
    tile: float = 0.0,
) -> Candidates:
    """Return the objects that a network finds, with what it says of each, such as pt [GeV] and eta of tracks.

    The network is not asked about an event without hits or edges to answer for.

    Args:
        engine: Holds the trained network.
        representation: Fitted.
        task: Groups hits.
        events: What the detector measured.
        watch: Receives the times of the stages.
        tile: Edge of the squares that each event is cut into [mm]; 0 looks at events as the representation does.
    """
    found: list[Objects] = []
    for i in range(len(events)):
        event = events.take(np.array([i]))
        if tile:
            with watch.stage("tiles"):
                tiles = list(tiles_of(event, require_tiles(representation, tile), tile))
            parts, each = [], Stopwatch()
            for one in tiles:
                objects, hit = _look(engine, representation, task, one.event, each)
                parts.append(_of_event(one.own(objects, hit), one.hit[hit]))
            watch.add({name: np.array([sum(seconds)]) for name, seconds in each.seconds.items()})
            parts = without_doubles(parts, event.hits["energy"]) if parts else []
            found.append(_together(parts) if parts else task.nothing({}))
        else:
            found.append(_of_event(*_look(engine, representation, task, event, watch)))
    members = {
        str(task.kind): _joined([objects.member for objects in found], np.int32),
        "hit": _joined([objects.hit for objects in found], np.int64),
    }
    if any(objects.weight is not None for objects in found):
        weights = [np.ones(len(o.member), np.float32) if o.weight is None else o.weight for o in found]
        members["weight"] = _joined(weights, np.float32)
    names = found[0].parameters if found else {}
    columns = {name: np.concatenate([objects.parameters[name] for objects in found]) for name in names}
    told = Collection.from_counts(np.array([o.count for o in found]), columns) if columns else None
    return Candidates(Collection.from_counts(np.array([len(o.member) for o in found], np.int64), members), told)


def _look(
    engine: Engine, representation: Representation, task: ObjectTask, event: Events, watch: Stopwatch
) -> tuple[Objects, Array]:
    """Objects of one event, and the hit of the event that each row of the batch is."""
    one = np.zeros(1, np.int64)
    with watch.stage("representation"):
        prepared = representation.prepare(event)
        inputs = representation.batch(prepared, one)
    with watch.stage("network"):
        outputs = engine.infer(inputs) if representation.rows(inputs, task.per) else None
    with watch.stage("building"):
        objects = task.nothing(inputs) if outputs is None else task.objects(outputs, inputs)
    return objects, representation.hit_index(prepared, one)


def _of_event(objects: Objects, hit: Array) -> Objects:
    """Objects whose members are hits of the event instead of rows of a batch."""
    return replace(objects, hit=hit[objects.hit])


def _together(parts: Sequence[Objects]) -> Objects:
    """Objects of several parts of one event; shares of a hit in the margin of two parts are cut down to 1."""
    count = np.cumsum([0, *(part.count for part in parts)])
    member = _joined([part.member + first for part, first in zip(parts, count[:-1], strict=True)], np.int32)
    hit = _joined([part.hit for part in parts], np.int64)
    weight = None
    if any(part.weight is not None for part in parts):
        ones = [np.ones(len(p.member), np.float32) if p.weight is None else p.weight for p in parts]
        weight = _joined(ones, np.float32)
        weight = weight / np.maximum(np.bincount(hit, weight, 1), 1.0)[hit].astype(np.float32)
    columns = {name: np.concatenate([part.parameters[name] for part in parts]) for name in parts[0].parameters}
    return Objects(member, hit, int(count[-1]), columns, weight)


def _joined(parts: Sequence[Array], kind: Any) -> Array:
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind)


def network_predictions(
    engine: Engine,
    representation: Representation,
    task: ObjectTask,
    kind: Kind,
    dataset: Dataset,
    fields: dict[str, Array],
    folder: Path,
    progress: Progress,
    tile: float = 0.0,
) -> Predictions:
    """Find, fit and match the objects of the test events with a network, and write ``stages.json``."""

    def find(events: Events, watch: Stopwatch) -> Candidates:
        found = find_objects(engine, representation, task, events, watch, tile)
        found = task.refine(events, found, representation.detector)
        watch.add(found.seconds)
        return found

    region = None if tile else representation.region
    return _predictions(find, kind, dataset, fields, folder, progress, region)


def baseline_objects(
    baseline: Baseline,
    kind: Kind,
    dataset: Dataset,
    fields: dict[str, Array],
    folder: Path,
    progress: Progress,
    representation: Representation | None,
    tile: float = 0.0,
) -> Predictions:
    """Find and match the objects of the test events with a classical algorithm, and write ``stages.json``.

    Hits count in the region of interest of the network's representation, so that both are asked for the same; without
    a network in that of the algorithm. Where the network looks at whole events in tiles, it is the kind's usual one.
    """

    def find(events: Events, watch: Stopwatch) -> Candidates:
        if baseline.one_by_one:  # what a call costs beside the work counts as it does for networks
            ones = [events.take(np.array([i])) for i in range(len(events))]
            found = Candidates.concatenate([baseline.find(one) for one in ones])
        else:
            found = baseline.find(events)
        watch.add(found.seconds)
        return found

    region = baseline.region if representation is None else representation.region
    return _predictions(find, kind, dataset, fields, folder, progress, None if tile else region)


def _predictions(
    find: Callable[[Events, Stopwatch], Candidates],
    kind: Kind,
    dataset: Dataset,
    fields: dict[str, Array],
    folder: Path,
    progress: Progress,
    region: Callable[[Events], Array | None] | None,
) -> Predictions:
    """Show each event as the detector measured it, and match what comes back to the truth, where there is one."""
    watch, known = Stopwatch(), has_truth(dataset)
    parts: dict[str, list[Collection]] = {}
    with progress.step(f"{kind.name}s", dataset.count("test"), "events") as step:
        for events in dataset.read("test"):
            counted = None if region is None else region(events)
            if known:
                kind.require_truth(events, counted, dataset.path)
            tables = kind.match(events, find(_measured(events), watch), counted)
            if not known:
                tables["measured"] = kind.measured(events, counted)
            for name, table in tables.items():
                parts.setdefault(name, []).append(table)
            step.advance(len(events))
    watch.write(folder)
    return Predictions(fields, tables={name: Collection.concatenate(tables) for name, tables in parts.items()})


def has_truth(dataset: Dataset) -> bool:
    """True if links tell from which particles the hits of the test events came."""
    return "links" in next(iter(dataset.read("test", {"links"}))).collections


def _measured(events: Events) -> Events:
    """Hits and clusters alone; the clusters' weights, which tell particles from noise, are 0."""
    shown = {name: table for name, table in events.collections.items() if name in MEASURED}
    if "clusters" in shown:
        clusters = shown["clusters"]
        blind = {"weight": np.zeros(clusters.rows, np.float32)}
        shown["clusters"] = Collection(clusters.offsets, {**clusters.columns, **blind})
    return Events(shown)


def graph_quality(representation: Representation, dataset: Dataset, folder: Path) -> None:
    """Write ``graph.json``: how much of what is to be found a representation holds; nothing where it is not asked.

    Without truth nothing is written.
    """
    if has_truth(dataset):
        told = representation.sample_quality(dataset.read("test"))
        if told is not None:
            write_text(folder / "graph.json", json.dumps(told))
