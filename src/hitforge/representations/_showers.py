"""What the representations of many showers share: the region of interest, where its hits stand, and their truth.

Places are pointing coordinates: a hit stands where the line from the origin through it crosses the detector's reference
plane, so a shower from the origin keeps u and v along its depth, the number of the layer.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.core.particles import ELECTROMAGNETIC
from hitforge.detectors import Detector, pointing, require_layered
from hitforge.events import Collection, Events
from hitforge.representations import Per, Prepared, Representation, Shapes, Target
from hitforge.representations.region import ROI
from hitforge.representations.region.extent import extents
from hitforge.representations.truth import Particles

_FLOOR, _BRIGHT = 0.01, 1.0  # energy below which logarithms are linear, and that becomes 1 [GeV]
_UNITS = (25.0, 100.0, 1000.0)  # of the features: layers, places [mm], distance from the beam [mm]
_MOST_BINS = 256  # on a side of the square, in the search for hits nearby


class ShowerSettings(config.Config):
    """Which hits are used."""

    renamed: ClassVar[dict[str, str]] = {
        "min_energy": "target.min_deposited",
        "plane": "plane of the detector",
        "least": "noise_cuts of the detector",
    }

    size: float = Field(480.0, ge=20, le=10_000, description="edge of the region of interest, a square in u and v [mm]")
    threshold: float = Field(0.0, ge=0, le=100, description="hits above this energy are used [GeV]")
    reach: float = Field(
        15.0, ge=2, le=500, description="distance of hits that count in the density of energy at a hit [mm]"
    )
    mirror: bool = Field(
        False, description="in training mirror u and v at random, though the lattice of hexagons is not symmetric so"
    )


class ShowerRepresentation(Representation):
    """Base of the representations of many showers: hits of one side in a square, flat over a batch, and their truth.

    The side is the one with more energy, the square's centre the energy-weighted mean of u and v on it; both depend on
    the hits alone, or stand in the event fields ``ROI`` where events are parts of larger ones. Arrays of a batch,
    flat over the H hits of its B events:

    - ``nodes`` (H, F): u and v from the centre / 100 mm, layer / 25, log(1 + E / 10 MeV) / log(101) of the hit's energy
      and of the energy within ``reach`` in its layer and the two beside, distance of the hit from the beam / 1 m, and
      one column for each section of the detector
    - ``place`` (H, 3): depth, u and v in the coordinates of the representation
    - ``energy`` (H,) [GeV]; ``layer``, ``event`` and ``kind``, the section, (H,) int32
    """

    kind: ClassVar[str | None] = "shower"
    reads: ClassVar[frozenset[str]] = frozenset({"hits", "particles", "links"})

    def __init__(self, config: Any, detector: Detector, target: Any = None) -> None:
        super().__init__(config, detector, target)
        layers = require_layered(detector, f"the representation '{self.name}'").layers
        self._layers, self._sections = len(layers), int(layers.section.max()) + 1
        # place = (value + shift) / unit of the layer, u [mm] and v [mm]; no box is less than ``_cell`` wide in these
        self._shift, self._unit, self._cell = np.zeros(3), np.array([25.0, 100.0, 100.0]), np.array([1.0, 10.0, 10.0])

    @property
    def tile_size(self) -> float | None:
        """Edge of the region of interest [mm]."""
        return float(self.config.size)

    def shapes(self) -> Shapes:
        """Return the shapes of one row of the arrays that are flat over the hits of a batch."""
        return {"nodes": (6 + self._sections,), "place": (3,), "energy": (), "layer": (), "event": (), "kind": ()}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the features of a hit and of its coordinates."""
        names = ["u", "v", "depth", "log_energy", "log_density", "radius"]
        names += [f"section_{i}" for i in range(self._sections)]
        plain = {name: [name] for name in ("energy", "layer", "event", "kind")}
        return {"nodes": names, "place": ["depth", "u", "v"], **plain}

    def prepare(self, events: Events) -> Prepared:
        """Return the hits that are used, and the truth where the events have it.

        Rows: ``u``, ``v`` from the centre [mm], ``energy``, ``density`` [GeV], ``layer``, ``section``, and ``index``,
        the hit in its event. Arrays: ``centre`` (N, 2) [mm] and ``side`` (N,), the sign of z. Tables, with truth:
        ``objects``, the particles to be found, in the order of the event's ``particle``, with places in layers and mm,
        and ``shares``: ``node`` and ``object``, numbers in their event, and ``weight``, the share of the hit's energy.

        Raises:
            DataError: The events have no hits, a hit is not finite, or its layer is not one of the detector's.
        """
        settings, hits = self.config, events.hits
        event, half = hits.event, np.float32(settings.size / 2)
        keep, u, v, side, centre = self._roi(events)
        keep &= hits["energy"] > settings.threshold
        small = np.uint8 if self._layers <= 256 else np.uint16
        whole = Collection(hits.offsets, {
            "u": u, "v": v, "energy": hits["energy"], "layer": hits["layer"].astype(small),
            "section": np.clip(hits["subsystem"], 0, self._sections - 1).astype(np.uint8),
            "index": (np.arange(hits.rows) - hits.offsets[event]).astype(np.int32),
        })  # fmt: skip
        nodes = whole.select_rows(keep)
        nodes.columns["density"] = _density(
            nodes.offsets, nodes["layer"], nodes["u"], nodes["v"], nodes["energy"], settings.reach, half, self._layers
        )
        dense: dict[str, Array] = {"centre": centre.astype(np.float32), "side": side.astype(np.int8)}
        if not {"links", "particles"} <= events.collections.keys():
            return Prepared(nodes, dense)
        return Prepared(nodes, dense, self._objects(events, nodes, np.where(keep, np.cumsum(keep) - 1, -1)))

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return the hits of the events ``index``, flat; mirrored at random where that is set."""
        index = np.asarray(index, np.int64)
        nodes, sign = self._nodes(prepared, index), self._sign(index, random)
        event = nodes.event
        turned = self._turned(nodes, sign)
        features = np.zeros((nodes.rows, 6 + self._sections), np.float32)
        features[:, :2], features[:, 2] = turned[:, 1:] / _UNITS[1], turned[:, 0] / _UNITS[0]
        for column, name in ((3, "energy"), (4, "density")):
            features[:, column] = np.log1p(nodes[name] / _FLOOR) / np.log1p(_BRIGHT / _FLOOR)
        middle = prepared.dense["centre"][index][event]  # (H, 2)
        features[:, 5] = np.hypot(nodes["u"] + middle[:, 0], nodes["v"] + middle[:, 1]) / _UNITS[2]
        features[np.arange(nodes.rows), 6 + nodes["section"].astype(np.int64)] = 1
        return {
            "nodes": features,
            "place": self._place(turned),
            "energy": nodes["energy"],
            "layer": nodes["layer"].astype(np.int32),
            "event": event.astype(np.int32),
            "kind": nodes["section"].astype(np.int32),
        }

    def truth(self, prepared: Prepared, index: Array, per: Per, random: np.random.Generator | None = None) -> Target:
        """Return what a network should find, the same for each hit and object, float32 but for ``event``.

        With M the most particles to be found in an event of the batch, at least 1:

        - ``fraction`` (H, M): share of each hit's energy that each particle gave; the rest is noise, pile-up and
          particles that are not to be found
        - ``energy`` (H,) [GeV], ``event`` (H,) int32 and ``place`` (H, 3), as in the batch
        - ``objects`` (B, M, 14): see ``Particles``; zeros where there is no particle

        Raises:
            DataError: The events came without links or particles.
            ConfigError: ``per`` is neither ``hit`` nor ``object``.
        """
        if per not in ("hit", "object"):
            return super().truth(prepared, index, per, random)
        if "objects" not in prepared.tables:
            raise DataError("truth must come with the events", came="events without links or particles")
        index = np.asarray(index, np.int64)
        nodes, sign = self._nodes(prepared, index), self._sign(index, random)
        objects, shares = (prepared.tables[name].take(index) for name in ("objects", "shares"))
        most = max(int(objects.counts.max(initial=0)), 1)
        fraction = np.zeros((nodes.rows, most), np.float32)
        at = (nodes.offsets[shares.event] + shares["node"]) * most + shares["object"]
        np.add.at(fraction.reshape(-1), at, shares["weight"])
        fraction /= np.maximum(fraction.sum(1, keepdims=True), 1)  # rounding
        event = objects.event
        rows = np.zeros((objects.rows, len(Particles._fields)), np.float32)
        rows[:, 0], rows[:, -1] = 1, 1
        for column, name in enumerate(Particles._fields[1:-1], 1):
            rows[:, column] = objects[name]
        both = np.column_stack([np.ones(objects.rows), sign[event]])  # (K, 3)
        low, high = rows[:, 7:10] * both, rows[:, 10:13] * both
        for first, place in ((4, rows[:, 4:7] * both), (7, np.minimum(low, high)), (10, np.maximum(low, high))):
            rows[:, first : first + 3] = (place + self._shift) / self._unit
        padded = np.zeros((len(index), most, len(Particles._fields)), np.float32)
        padded[event, np.arange(objects.rows) - objects.offsets[event]] = rows
        return {
            "fraction": fraction,
            "energy": nodes["energy"],
            "event": nodes.event.astype(np.int32),
            "place": self._place(self._turned(nodes, sign)),
            "objects": padded,
        }

    def hit_index(self, prepared: Prepared, index: Array) -> Array:
        """Return the index in its event of each hit of a batch, (H,) int64; other hits are not used."""
        return self._nodes(prepared, np.asarray(index, np.int64))["index"].astype(np.int64)

    def _place(self, values: Array) -> Array:
        """Layer, u and v [mm] of hits in the representation's coordinates, (H, 3) -> (H, 3) float32."""
        return np.asarray((values + self._shift) / self._unit, np.float32)

    def _nodes(self, prepared: Prepared, index: Array) -> Collection:
        assert prepared.ragged is not None  # prepare always gives it
        return prepared.ragged.take(index)

    def _sign(self, index: Array, random: np.random.Generator | None) -> Array:
        """Factors of u and v of each event of a batch, (B, 2) float32; -1 where it is mirrored."""
        if random is None or not self.config.mirror:
            return np.ones((len(index), 2), np.float32)
        return np.where(random.random((len(index), 2)) < 0.5, -1, 1).astype(np.float32)

    def _turned(self, nodes: Collection, sign: Array) -> Array:
        """Layer, u and v [mm] of the hits of a batch as it is mirrored, (H, 3) float32."""
        return np.column_stack([nodes["layer"], np.stack([nodes["u"], nodes["v"]], 1) * sign[nodes.event]])

    def _check(self, events: Events) -> None:
        hits = events.hits
        wrong = {name: (~np.isfinite(hits[name]), "finite") for name in ("x", "y", "z", "energy")}
        beyond = (hits["layer"] < 0) | (hits["layer"] >= self._layers)
        wrong["layer"] = beyond, f"from 0 to {self._layers - 1}, the layers of '{self.detector.name}'"
        for name, (bad, must) in wrong.items():
            if bad.any():
                first = int(bad.argmax())
                raise DataError(
                    f"hits.{name} must be {must}",
                    came=f"{hits[name][first]} and {int(bad.sum()) - 1} more such values",
                    where=f"event {int(np.searchsorted(hits.offsets, first, side='right') - 1)}",
                )

    def pointing(self, events: Events) -> Array:
        """Return u and v of each hit, (hits, 2) [mm]."""
        hits = events.hits
        return pointing(hits["x"], hits["y"], hits["z"], self.detector.plane)

    def clear(self, events: Events) -> Array:
        """Return the hits that choose side and centre, (hits,) bool: those above noise cuts, or all where none is."""
        energy = np.maximum(events.hits["energy"], 0)
        bright = ~self.detector.is_faint(events.hits["energy"], events.hits["subsystem"]) & (energy > 0)
        some = np.bincount(events.hits.event, bright, len(events)) > 0
        result: Array = np.where(some[events.hits.event], bright, energy > 0)
        return result

    def region(self, events: Events) -> Array:
        """Return the hits in the region of interest, (hits,) bool, whatever their energy.

        Raises:
            DataError: As in ``prepare``.
        """
        return self._roi(events)[0]

    def _roi(self, events: Events) -> tuple[Array, Array, Array, Array, Array]:
        """Hits in the square, (hits,) bool, u and v from its centre [mm], side and centre of each event."""
        self._check(events)
        event = events.hits.event
        u, v = self.pointing(events).T
        side, centre = self._frame(events, event, u, v)
        u, v = (u - centre[event, 0]).astype(np.float32), (v - centre[event, 1]).astype(np.float32)
        half = np.float32(self.config.size / 2)
        keep = (np.sign(events.hits["z"]) == side[event]) & (u >= -half) & (u < half) & (v >= -half) & (v < half)
        return keep, u, v, side, centre

    def _frame(self, events: Events, event: Array, u: Array, v: Array) -> tuple[Array, Array]:
        """Side with more energy, (N,) of -1 or 1, and energy-weighted mean of u and v on it, (N, 2) [mm]."""
        if events.fields.keys() >= ROI.keys():
            side, *centre = (events.fields[name] for name in ROI)
            return np.where(side < 0, -1, 1), np.stack(centre, 1)
        count = len(events)
        energy = np.where(self.clear(events), events.hits["energy"].astype(np.float64), 0.0)
        sign = np.sign(events.hits["z"])
        side = np.where(np.bincount(event, energy * sign, count) < 0, -1, 1)
        energy = energy * (sign == side[event])
        total = np.maximum(np.bincount(event, energy, count), 1e-12)
        return side, np.stack([np.bincount(event, energy * place, count) / total for place in (u, v)], 1)

    def _objects(self, events: Events, nodes: Collection, node_of: Array) -> dict[str, Collection]:
        """Tables ``objects`` and ``shares``; ``node_of`` is the row among the nodes of each hit, -1 for none."""
        links, particles = events.links, events.particles
        row = node_of[events.hits.offsets[links.event] + links["hit"]]
        links, row = links.select_rows(row >= 0), row[row >= 0]
        owner = particles.offsets[links.event] + links["particle"]
        given = (links["weight"] * nodes["energy"][row]).astype(np.float64)
        deposited = np.bincount(owner, given, particles.rows)
        target = deposited > 0
        if self.target is not None:
            target &= deposited >= self.target.config.min_deposited
        number = np.cumsum(target) - 1  # row among the objects
        local = np.arange(particles.rows) - particles.offsets[particles.event]
        hadron = ~np.isin(np.abs(particles["pdg"]), ELECTROMAGNETIC)
        objects = Collection(particles.offsets, {
            "particle": local.astype(np.int32), "kind": hadron.astype(np.float32), "energy": particles["energy"],
            "deposited": deposited.astype(np.float32),
        }).select_rows(target)  # fmt: skip
        mine = target[owner] & (links["weight"] > 0)
        links, row, given, owner = links.select_rows(mine), row[mine], given[mine], number[owner[mine]]
        shares = Collection(links.offsets, {
            "node": (row - nodes.offsets[links.event]).astype(np.int32),
            "object": (owner - objects.offsets[links.event]).astype(np.int16),
            "weight": links["weight"],
        })  # fmt: skip
        order = np.argsort(owner, kind="stable")
        row = row[order]
        place = np.column_stack([nodes[name][row] for name in ("layer", "u", "v")]).astype(np.float64)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=objects.rows))])
        extent = extents(offsets, place, given[order], self._cell)
        objects.columns.update({name: extent[:, i] for i, name in enumerate(Particles._fields[4:-1])})
        return {"objects": objects, "shares": shares}


@njit(nogil=True, cache=True)
def _density(offsets, layer, u, v, energy, reach, half, layers):  # type: ignore[no-untyped-def]
    """Energy within ``reach`` of each hit in its layer and the two beside, (rows,) float32, from lists of bins."""
    side = max(min(int(2 * half / reach), _MOST_BINS), 1)
    edge = 2 * half / side  # at least the reach
    head = np.full(layers * side * side, -1, np.int64)
    following, total = np.empty(len(u), np.int64), np.empty(len(u), np.float32)
    row, column = np.empty(len(u), np.int64), np.empty(len(u), np.int64)
    for event in range(len(offsets) - 1):
        for i in range(offsets[event], offsets[event + 1]):
            row[i], column[i] = min(int((u[i] + half) / edge), side - 1), min(int((v[i] + half) / edge), side - 1)
            key = (layer[i] * side + row[i]) * side + column[i]
            following[i], head[key] = head[key], i
        for i in range(offsets[event], offsets[event + 1]):
            near = 0.0
            for depth in range(max(int(layer[i]) - 1, 0), min(int(layer[i]) + 2, layers)):
                for a in range(max(row[i] - 1, 0), min(row[i] + 2, side)):
                    for b in range(max(column[i] - 1, 0), min(column[i] + 2, side)):
                        j = head[(depth * side + a) * side + b]
                        while j >= 0:
                            if (u[i] - u[j]) ** 2 + (v[i] - v[j]) ** 2 <= reach * reach:
                                near += energy[j]
                            j = following[j]
            total[i] = near
        for i in range(offsets[event], offsets[event + 1]):
            head[(layer[i] * side + row[i]) * side + column[i]] = -1
    return total
