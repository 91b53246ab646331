"""A few test events with their showers, kept for displays: hits, owners, boxes; matched, merged and fake showers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np

from hitforge.core.arrays import Array
from hitforge.detectors import Detector, pointing
from hitforge.events import Collection, Events
from hitforge.objects.shower.matching import roi_side
from hitforge.objects.shower.rules import MATCHING, ShowerCriteria, showers_of
from hitforge.representations.region.extent import extents

_EVENTS = 4  # events that are kept: from few particles to many; of equal numbers, from near to far ones
_MAX_HITS = 20_000  # hits of an event that are kept: those of particles and showers first, of these the hottest
_CELL = np.array([1.0, 10.0, 10.0])  # least size of a box [layer, mm, mm]


class ParticleFate(IntEnum):
    """What became of a particle."""

    FOUND = 0
    MISSED = 1
    MERGED = 2
    """It is in a shower that merges it with another."""


class ShowerStatus(IntEnum):
    """What a found shower is."""

    MATCHED = 0
    """It matches a particle."""
    FAKE = 1
    PIECE = 2
    """It is a piece of a particle."""
    MERGES = 3
    """It merges several particles."""
    PROPOSAL = 4
    """Its score or energy is too low to count."""
    WITHOUT_TRUTH = 5
    """It is of an event whose truth nobody knows."""


@dataclass(frozen=True)
class ShowerDisplays:
    """K events with their showers, as ``display_shower.npz`` of a method's folder holds them.

    The file has an array for each attribute that is no table, each column of a table as ``hit_x``, ``particle_pdg``,
    ``shower_score``, ``share_hit``, ``member_hit``, and the events' rows in a table as ``hit_offsets`` and alike.

    A box holds the place of 2 % and 98 % of an object's energy in depth [layer], u and v [mm]: depth_low, u_low, v_low,
    depth_high, u_high, v_high; u = x ``plane`` / abs(z), v alike; NaN for an object without hits.

    Attributes:
        chosen: Numbers of the events in the test sample, (K,).
        definition: What counts as found; empty without truth.
        plane: abs(z) where u and v are measured [mm].
        layer_z: abs(z) of each layer, (L,) [mm].
        left_hits: Hits of each event that were not kept, (K,).
        left_energy: Their energy, (K,) [GeV].
        hits: ``x``, ``y``, ``z`` [mm], ``energy`` [GeV], ``layer``, of the side of the detector with more energy.
        particles: To be found, by falling energy: ``pdg``, ``energy``, ``deposited`` [GeV], ``nearest`` [mm],
            ``status``, ``box`` (rows, 6).
        showers: ``score``, ``energy``, ``raw`` [GeV], ``hadron``, ``status``, ``particle`` (row of the event in
            ``particles`` that it overlaps most with, -1 none), ``iou`` (with it), ``box`` (rows, 6).
        shares: Who gave which share of a hit: ``hit``, ``particle``, as rows of the event, ``weight``.
        members: The same of found showers: ``hit``, ``shower``, ``weight``.
    """

    chosen: Array
    definition: str
    plane: float
    layer_z: Array
    left_hits: Array
    left_energy: Array
    hits: Collection
    particles: Collection
    showers: Collection
    shares: Collection
    members: Collection

    def arrays(self) -> dict[str, Array]:
        """Return the arrays of the file."""
        arrays = {"chosen": self.chosen, "definition": np.array(self.definition), "plane": np.array(self.plane)}
        arrays |= {"layer_z": self.layer_z, "left_hits": self.left_hits, "left_energy": self.left_energy}
        for kind in _COLUMNS:
            table: Collection = getattr(self, f"{kind}s")
            arrays |= {f"{kind}_{name}": values for name, values in table.columns.items()}
            arrays[f"{kind}_offsets"] = table.offsets
        return arrays

    @classmethod
    def read(cls, arrays: Mapping[str, Array]) -> Self:
        """Return what the arrays hold.

        Raises:
            KeyError: An array is absent.
            DataError: Arrays do not fit each other.
        """
        tables = {
            f"{kind}s": Collection(arrays[f"{kind}_offsets"], {name: arrays[f"{kind}_{name}"] for name in names})
            for kind, names in _COLUMNS.items()
        }
        return cls(
            arrays["chosen"],
            str(arrays["definition"]),
            float(arrays["plane"]),
            arrays["layer_z"],
            arrays["left_hits"],
            arrays["left_energy"],
            **tables,
        )


_COLUMNS = {
    "hit": ("x", "y", "z", "energy", "layer"),
    "particle": ("pdg", "energy", "deposited", "nearest", "status", "box"),
    "shower": ("score", "energy", "raw", "hadron", "status", "particle", "iou", "box"),
    "share": ("hit", "particle", "weight"),
    "member": ("hit", "shower", "weight"),
}


def shown_showers(
    events: Events,
    named: Mapping[str, Collection],
    detector: Detector,
    min_deposited: float,
    criteria: ShowerCriteria | None = None,
) -> ShowerDisplays:
    """Choose a few events and return them with what was found in them; all methods of a run keep the same ones.

    What is found, merged, fake or split is what ``shower_efficiency`` counts as such. Of each event the side of the
    detector is kept that has more energy. Where events have no links, their showers are kept without a match.

    Args:
        events: The first test events, in order, with hits and, where truth is known, links; one at least.
        named: Tables ``particles``, ``showers``, ``matches`` and ``members`` of the test events, of which the
            first are these.
        detector: Says where pointing coordinates are counted, and which hits are faint.
        min_deposited: Energy below which showers that match no particle do not count [GeV].
        criteria: Settings of ``shower_efficiency``; its usual ones if None.

    Raises:
        DataError: The predictions are not of showers.
    """
    side = roi_side(events, detector)
    known = "links" in events.collections
    told = _with_truth(named, min_deposited, criteria or ShowerCriteria()) if known else _without_truth(named)
    tables, text = {**named, **told[0]}, told[1]
    chosen = _chosen(tables["particles"], events, side)
    parts = [
        _event(events.take(np.array([one])), tables, one, _of(events, side, one), detector.plane)
        for one in chosen.tolist()
    ]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for kind, names in _COLUMNS.items():
        arrays[f"{kind}_offsets"] = np.cumsum([0, *(len(part[f"{kind}_{names[0]}"]) for part in parts)])
    about = {"definition": np.array(text), "plane": np.array(detector.plane), "layer_z": _layers(events)}
    return ShowerDisplays.read({"chosen": chosen, **about, **arrays})


def _with_truth(
    named: Mapping[str, Collection], min_deposited: float, criteria: ShowerCriteria
) -> tuple[dict[str, Collection], str]:
    """Particles with what became of them, showers with what they are, and the definition."""
    sample = showers_of(named, "display")
    told = sample.verdicts(criteria, min_deposited)
    matched = told.matched
    fate = np.where(told.found, ParticleFate.FOUND, np.where(told.merged, ParticleFate.MERGED, ParticleFate.MISSED))
    kind = np.where(told.fake, ShowerStatus.FAKE, np.where(told.merges, ShowerStatus.MERGES, ShowerStatus.PIECE))
    kind = np.where(told.counted, np.where(matched >= 0, ShowerStatus.MATCHED, kind), ShowerStatus.PROPOSAL)
    partner = np.where(matched >= 0, matched, sample.leading())
    overlap, own = np.zeros(len(partner)), partner[sample.shower] == sample.particle
    overlap[sample.shower[own]] = sample.iou[own]
    particles, showers = (named[name] for name in ("particles", "showers"))
    number = np.where(partner >= 0, partner - particles.offsets[showers.event], -1)
    tables = {
        "particles": _with(particles, status=fate),
        "showers": _with(showers, status=kind, particle=number, iou=overlap),
    }
    return tables, f"{MATCHING.format(criteria.iou)}; showers count from score {told.cut:.3g} on"


def _without_truth(tables: Mapping[str, Collection]) -> tuple[dict[str, Collection], str]:
    """Showers of events whose truth nobody knows."""
    showers = tables["showers"]
    none = {"status": np.full(showers.rows, ShowerStatus.WITHOUT_TRUTH), "particle": np.full(showers.rows, -1)}
    nobody = {name: np.zeros(0) for name in ("pdg", "energy", "deposited", "nearest", "status", "particle")}
    particles = Collection(np.zeros(len(showers) + 1, np.int64), nobody)
    return {"particles": particles, "showers": _with(showers, **none, iou=np.zeros(showers.rows))}, ""


def _chosen(particles: Collection, events: Events, side: Array) -> Array:
    """Events from few particles to many; of equal numbers, from near to far ones, then by hits."""
    seen = np.bincount(events.hits.event[side], minlength=len(events))
    number, nearest = particles.counts[: len(events)], np.full(len(particles), np.inf)
    np.minimum.at(nearest, particles.event, particles["nearest"])
    order = np.lexsort((seen, nearest[: len(events)], number))
    order = order[seen[order] > 0]
    return np.unique(order[np.linspace(0, len(order) - 1, min(_EVENTS, len(order))).astype(np.int64)])


def _event(event: Events, tables: dict[str, Collection], number: int, side: Array, plane: float) -> dict[str, Array]:
    hits = event.hits
    names: tuple[str, ...] = ("particles", "showers", "members")
    particles, showers, members = (tables[name].slice(number, number + 1) for name in names)
    energy = np.where(side, hits["energy"], 0.0).astype(np.float64)
    place = np.column_stack([hits["layer"], pointing(hits["x"], hits["y"], hits["z"], plane)])
    owned = [(*_given(event, particles), particles.rows)]
    owned.append((members["hit"], members["shower"], members["weight"], showers.rows))
    boxes = [_boxes(place[hit], owner, energy[hit] * weight, rows) for hit, owner, weight, rows in owned]
    used = np.zeros(hits.rows, np.bool_)
    for hit, *_ in owned:
        used[hit] = True
    kept = np.zeros(hits.rows, np.bool_)
    kept[np.lexsort((-energy, ~used))[:_MAX_HITS]] = True
    kept &= side
    row, left = np.cumsum(kept) - 1, side & ~kept
    result = {f"hit_{name}": hits[name][kept] for name in ("x", "y", "z", "energy", "layer")}
    result |= {"left_hits": left.sum(keepdims=True), "left_energy": energy[left].sum(keepdims=True)}
    result |= {f"particle_{name}": particles[name] for name in ("pdg", "energy", "deposited", "nearest", "status")}
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
    target = number[links["particle"]] >= 0
    return links["hit"][target], number[links["particle"][target]], links["weight"][target]


def _boxes(place: Array, owner: Array, energy: Array, count: int) -> Array:
    """Box of each object, (count, 6), see ``extents``; NaN without energy."""
    place, owner, energy = place[energy > 0], owner[energy > 0], energy[energy > 0]
    order = np.argsort(owner, kind="stable")
    hits = np.bincount(owner, minlength=count)
    boxes, some = np.full((count, 6), np.nan), hits > 0
    offsets = np.concatenate([[0], np.cumsum(hits[some])])
    boxes[some] = extents(offsets, place[order], energy[order], _CELL)[:, 3:]
    return boxes


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
