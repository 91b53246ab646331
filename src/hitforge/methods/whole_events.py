"""What a network finds in whole events: its answers grouped to objects, square after square where events are large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.events import Collection, Events
from hitforge.methods.stopwatch import Stopwatch
from hitforge.methods.tiles import require_tiles, tiles_of, without_doubles
from hitforge.objects import Candidates
from hitforge.representations import Representation
from hitforge.tasks import Objects, ObjectTask
from hitforge.training.engine import Engine


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
