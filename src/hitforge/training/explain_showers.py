"""A few test events with their showers, kept for the report: hits, owners, boxes; what was found, merged, invented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.files import write_arrays
from hitforge.events import Collection, Events
from hitforge.metrics import Metric, Predictions
from hitforge.metrics._showers import MATCHING, showers_of
from hitforge.metrics.shower_efficiency import ShowerEfficiency
from hitforge.objects.shower.matching import looked_side

Array = NDArray[Any]
EVENTS = 4
"""Events that are kept: from few particles to many; of equal numbers, from near to far ones."""
MOST_HITS = 20_000
"""Hits of an event that are kept: those of particles and showers first, of these the hottest."""
PLANE = 3221.0
"""abs(z) where u and v are measured [mm]."""
_INSIDE = (0.02, 0.98)  # of an object's energy: the ends of its box
_CELL = np.array([1.0, 10.0, 10.0])  # least size of a box [layer, mm, mm]
_FOUND, _MISSED, _MERGED = range(3)  # as in report/event_showers.py
_MATCHED, _FAKE, _PIECE, _MERGES, _PROPOSAL, _UNJUDGED = range(6)


def explain_showers(events: Events, predictions: Predictions, folder: Path, metrics: Sequence[Metric] = ()) -> None:
    """Write ``display_showers.npz``, whose arrays ``report/event_showers.py`` describes.

    What is found, merged, fake or split is what ``shower_efficiency`` counts as such. Of each event the side of the
    detector is kept that is looked at. All contestants of a run keep the same events. Where events have no links,
    their showers are drawn and not judged.

    Args:
        events: The first test events, in order, with hits and, where truth is known, links; one at least.
        predictions: Tables ``particles``, ``showers``, ``matches`` and ``members`` of the test events, of which the
            first are these.
        folder: Of the contestant.
        metrics: Of the run; the settings are those of ``shower_efficiency`` among them, else its usual ones.

    Raises:
        DataError: The predictions are not of showers.
    """
    tables, side = predictions.tables, looked_side(events)
    judge = next((one for one in metrics if isinstance(one, ShowerEfficiency)), None)
    told = _judged(predictions, judge) if "links" in events.collections else _unjudged(tables)
    tables, text = {**tables, **told[0]}, told[1]
    chosen = _chosen(tables["particles"], events, side)
    parts = [_event(events.take(np.array([one])), tables, one, _of(events, side, one)) for one in chosen.tolist()]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for kind, column in _COUNTED.items():
        arrays[f"{kind}_offsets"] = np.cumsum([0, *(len(part[f"{kind}_{column}"]) for part in parts)])
    about = {"definition": np.array(text), "plane": np.array(PLANE), "layer_z": _layers(events)}
    write_arrays(folder / "display_showers.npz", {"chosen": chosen, **about, **arrays})


_COUNTED = {"hit": "x", "particle": "pdg", "shower": "score", "share": "hit", "member": "hit"}


def _judged(predictions: Predictions, judge: ShowerEfficiency | None) -> tuple[dict[str, Collection], str]:
    """Particles with what became of them, showers with what they are, and the definition."""
    if judge is None:
        judge = ShowerEfficiency(ShowerEfficiency.Config())
    sample = showers_of(judge, predictions)
    rates, cut = judge._rates(sample)
    matched, counted, _ = sample.operated(judge.config)
    is_found, is_merged = (rates[name].passed for name in ("efficiency", "particle_merge_rate"))
    fake, merges = (rates[name].passed for name in ("fake_rate", "merge_rate"))
    fate = np.where(is_found, _FOUND, np.where(is_merged, _MERGED, _MISSED))
    kind = np.where(fake, _FAKE, np.where(merges, _MERGES, _PIECE))
    kind = np.where(counted, np.where(matched >= 0, _MATCHED, kind), _PROPOSAL)
    partner = np.where(matched >= 0, matched, sample.leading())
    overlap, own = np.zeros(len(partner)), partner[sample.shower] == sample.particle
    overlap[sample.shower[own]] = sample.iou[own]
    particles, showers = (predictions.tables[name] for name in ("particles", "showers"))
    number = np.where(partner >= 0, partner - particles.offsets[showers.event], -1)
    tables = {
        "particles": _with(particles, status=fate),
        "showers": _with(showers, status=kind, particle=number, iou=overlap),
    }
    return tables, f"{MATCHING.format(judge.config.iou)}; showers count from score {cut:.3g} on"


def _unjudged(tables: dict[str, Collection]) -> tuple[dict[str, Collection], str]:
    """Showers of events whose truth nobody knows."""
    showers = tables["showers"]
    none = {"status": np.full(showers.rows, _UNJUDGED), "particle": np.full(showers.rows, -1)}
    nobody = {name: np.zeros(0) for name in ("pdg", "energy", "visible", "nearest", "status", "particle")}
    particles = Collection(np.zeros(len(showers) + 1, np.int64), nobody)
    return {"particles": particles, "showers": _with(showers, **none, iou=np.zeros(showers.rows))}, ""


def _chosen(particles: Collection, events: Events, side: Array) -> Array:
    """Events from few particles to many; of equal numbers, from near to far ones, then by hits."""
    seen = np.bincount(events.hits.event[side], minlength=len(events))
    number, nearest = particles.counts[: len(events)], np.full(len(particles), np.inf)
    np.minimum.at(nearest, particles.event, particles["nearest"])
    order = np.lexsort((seen, nearest[: len(events)], number))
    order = order[seen[order] > 0]
    return np.unique(order[np.linspace(0, len(order) - 1, min(EVENTS, len(order))).astype(np.int64)])


def _event(event: Events, tables: dict[str, Collection], number: int, side: Array) -> dict[str, Array]:
    hits = event.hits
    names: tuple[str, ...] = ("particles", "showers", "members")
    particles, showers, members = (tables[name].slice(number, number + 1) for name in names)
    energy = np.where(side, hits["energy"], 0.0).astype(np.float64)
    away = np.maximum(np.abs(hits["z"].astype(np.float64)), 1.0)
    place = np.stack([hits["layer"], hits["x"] * PLANE / away, hits["y"] * PLANE / away], axis=1)
    owned = [(*_given(event, particles), particles.rows)]
    owned.append((members["hit"], members["shower"], members["weight"], showers.rows))
    boxes = [_boxes(place[hit], owner, energy[hit] * weight, rows) for hit, owner, weight, rows in owned]
    used = np.zeros(hits.rows, np.bool_)
    for hit, *_ in owned:
        used[hit] = True
    kept = np.zeros(hits.rows, np.bool_)
    kept[np.lexsort((-energy, ~used))[:MOST_HITS]] = True
    kept &= side
    row, left = np.cumsum(kept) - 1, side & ~kept
    result = {f"hit_{name}": hits[name][kept] for name in ("x", "y", "z", "energy", "layer")}
    result |= {"left_hits": left.sum(keepdims=True), "left_energy": energy[left].sum(keepdims=True)}
    result |= {f"particle_{name}": particles[name] for name in ("pdg", "energy", "visible", "nearest", "status")}
    names = ("score", "energy", "raw", "hadron", "status", "particle", "iou")
    result |= {f"shower_{name}": showers[name] for name in names}
    result |= {"particle_box": boxes[0], "shower_box": boxes[1]}
    for kind, name, (hit, owner, weight, _) in zip(("share", "member"), ("particle", "shower"), owned, strict=True):
        stays = kept[hit]
        columns = {"hit": row[hit[stays]], name: owner[stays], "weight": weight[stays]}
        result |= {f"{kind}_{column}": values for column, values in columns.items()}
    return {name: _small(values) for name, values in result.items()}


def _given(event: Events, particles: Collection) -> tuple[Array, Array, Array]:
    """Links of particles to be found: hit, the particle's number among these, weight."""
    if "links" not in event.collections:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    links = event.links
    number = np.full(event.particles.rows, -1)
    number[particles["particle"]] = np.arange(particles.rows)
    wanted = number[links["particle"]] >= 0
    return links["hit"][wanted], number[links["particle"][wanted]], links["weight"][wanted]


def _boxes(place: Array, owner: Array, energy: Array, count: int) -> Array:
    """Box of each object around ``_INSIDE`` of its energy, (count, 6), at least a cell wide; NaN without energy."""
    place, owner, energy = place[energy > 0], owner[energy > 0], energy[energy > 0]
    whole = np.bincount(owner, energy, count)
    result = np.full((2, count, 3), np.nan)
    some = np.flatnonzero(whole > 0)
    if not len(some):
        return np.full((count, 6), np.nan)
    last = np.cumsum(np.bincount(owner, minlength=count))[some] - 1
    for axis in range(3):
        order = np.lexsort((place[:, axis], owner))
        running = np.cumsum(energy[order])
        before = np.concatenate([[0.0], running[last[:-1]]])
        for end, share in enumerate(_INSIDE):
            at = np.minimum(np.searchsorted(running, before + share * (running[last] - before)), last)
            result[end, some, axis] = place[order[at], axis]
    middle, half = 0.5 * (result[0] + result[1]), np.maximum(0.5 * (result[1] - result[0]), 0.5 * _CELL)
    return np.concatenate([middle - half, middle + half], axis=1)


def _layers(events: Events) -> Array:
    """abs(z) of each layer, (L,) [mm]; between those with hits along a line."""
    layer, first = np.unique(events.hits["layer"], return_index=True)
    away = np.abs(events.hits["z"][first].astype(np.float64))
    return np.interp(np.arange(int(layer.max(initial=0)) + 1), layer, away) if len(layer) else np.zeros(1)


def _with(table: Collection, **columns: Array) -> Collection:
    return Collection(table.offsets, {**table.columns, **columns})


def _of(events: Events, values: Array, number: int) -> Array:
    """The part of an array over all hits that is of one event."""
    first, last = events.hits.offsets[number : number + 2]
    return values[int(first) : int(last)]


def _small(values: Array) -> Array:
    return values.astype(np.float32 if values.dtype.kind == "f" else np.int32)
