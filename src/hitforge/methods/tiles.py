"""Whole events of a calorimeter, square after square: neighbours overlap, and each object is kept by one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.events import Collection, Events, FieldInfo
from hitforge.representations import Representation
from hitforge.representations.region import ROI
from hitforge.tasks import Objects


@dataclass(frozen=True)
class Tile:
    """Part of an event.

    Attributes:
        event: One event with the hits of the tile and its margin, and where the representation is to look.
        hit: Index of each hit in the whole event, (h,) int64.
        place: Of each hit in the lattice of tiles: row and column, where tile i is [i - 0.5, i + 0.5), (h, 2).
        number: Row and column of the tile, (2,) int64.
    """

    event: Events
    hit: Array
    place: Array
    number: Array

    def own(self, objects: Objects, row: Array) -> Objects:
        """Leave out the objects whose energy-weighted mean place lies in another tile, which sees them, too.

        Args:
            objects: What was found in this tile.
            row: Hit of the tile for each row of the batch, (H,).
        """
        share = np.ones(len(objects.member)) if objects.weight is None else objects.weight.astype(np.float64)
        hit = row[objects.hit]
        energy = self.event.hits["energy"][hit] * share
        whole = np.maximum(np.bincount(objects.member, energy, objects.count), 1e-12)
        mean = [np.bincount(objects.member, energy * axis[hit], objects.count) / whole for axis in self.place.T]
        stay = (np.floor(np.stack(mean, 1) + 0.5).astype(np.int64) == self.number).all(1)
        return _kept(objects, stay)


def without_doubles(parts: Sequence[Objects], energy: Array, limit: float = 0.5) -> list[Objects]:
    """Leave out objects that another tile found better: two tiles may each hold one near their border to be its own.

    Of two objects of different tiles whose energy-weighted IoU is above ``limit``, that of the lower score goes.

    Args:
        parts: Objects of each tile, whose members are hits of the whole event; with ``score``.
        energy: Of the event's hits, (H,) [GeV].
        limit: Energy-weighted IoU.
    """
    begin = np.cumsum([0, *(part.count for part in parts)])
    tile = np.repeat(np.arange(len(parts)), np.diff(begin))
    owner = np.concatenate([part.member + first for part, first in zip(parts, begin[:-1], strict=True)])
    hit = np.concatenate([part.hit for part in parts])
    weight = np.concatenate([np.ones(len(p.member)) if p.weight is None else p.weight for p in parts])
    own = np.maximum(energy, 0.0).astype(np.float64)
    raw = np.bincount(owner, weight * own[hit], len(tile))
    order = np.argsort(hit, kind="stable")
    owner, hit, weight = owner[order], hit[order], weight[order]
    keys, shared = [np.zeros(0, np.int64)], [np.zeros(0)]
    for step in range(1, int(np.bincount(hit, minlength=1).max())):  # members of a hit with the one ``step`` behind
        first = np.flatnonzero(hit[step:] == hit[:-step])
        one, other = owner[first], owner[first + step]
        apart = tile[one] != tile[other]
        keys.append((np.minimum(one, other) * len(tile) + np.maximum(one, other))[apart])
        shared.append((own[hit[first]] * np.minimum(weight[first], weight[first + step]))[apart])
    key, place = np.unique(np.concatenate(keys), return_inverse=True)
    common = np.bincount(place, np.concatenate(shared), len(key))
    pair = np.stack([key // max(len(tile), 1), key % max(len(tile), 1)], 1)
    double = pair[common > limit * np.maximum(raw[pair].sum(1) - common, 1e-12)]
    score = np.concatenate([part.parameters["score"] for part in parts])
    stay = np.ones(len(tile), bool)
    for one, other in double[np.argsort(-score[double].max(1, initial=0.0), kind="stable")]:
        if stay[one] and stay[other]:
            stay[other if score[one] >= score[other] else one] = False
    return [_kept(part, stay[first : first + part.count]) for part, first in zip(parts, begin[:-1], strict=True)]


def _kept(objects: Objects, stay: Array) -> Objects:
    """Objects without those that do not stay, (count,) bool, numbered anew."""
    number, mine = np.cumsum(stay) - 1, stay[objects.member]
    return Objects(
        number[objects.member[mine]].astype(np.int32),
        objects.hit[mine],
        int(stay.sum()),
        {name: values[stay] for name, values in objects.parameters.items()},
        None if objects.weight is None else objects.weight[mine],
    )


def require_tiles(representation: Representation, edge: float) -> Any:
    """Return the representation if it can look at tiles of this edge [mm].

    Raises:
        ConfigError: It looks at whole events, or at squares that are not larger than the tiles.
    """
    if representation.tile_size is None:
        raise ConfigError(
            "only representations of showers look at tiles",
            came=representation.name,
            where="evaluation.tile",
            do="set evaluation.tile: 0",
        )
    if edge >= representation.tile_size:
        raise ConfigError(
            f"tiles must be smaller than the region of interest, {representation.tile_size:g} mm, so that "
            "neighbours overlap",
            came=f"{edge:g} mm",
            where="evaluation.tile",
        )
    return representation


def tiles_of(event: Events, representation: Any, edge: float) -> Iterator[Tile]:
    """Cut one event into tiles.

    On each side of the detector a lattice of squares of ``edge`` covers the plane of pointing coordinates; one square
    has its middle where the representation would look at the whole event. With each go the hits of the
    representation's square about the same middle. Tiles without a hit above noise are left out.

    Args:
        event: One event with hits.
        representation: Says how large the squares are, what is noise, and where the middle is.
        edge: Of the tiles, without margins [mm].
    """
    hits, half = event.hits, representation.tile_size / 2
    place = representation.pointing(event)  # (hits, 2)
    clear = representation.clear(event)
    sign = np.sign(hits["z"])
    for side in (-1, 1):
        mine = np.flatnonzero(sign == side)
        bright = mine[clear[mine]]
        if not len(bright):
            continue
        weight = hits["energy"][bright].astype(np.float64)
        middle = (place[bright] * weight[:, None]).sum(0) / weight.sum()
        lattice = (place - middle) / edge
        for number in np.unique(np.floor(lattice[bright] + 0.5).astype(np.int64), axis=0):
            centre = middle + number * edge
            near = mine[(np.abs(place[mine] - centre) <= half).all(1)]
            fields = dict(zip(ROI, np.array([[side], [centre[0]], [centre[1]]], np.float64), strict=True))
            info = {name: FieldInfo("float64", unit, text) for name, (unit, text) in ROI.items()}
            columns = {name: column[near] for name, column in hits.columns.items()}
            part = Events({"hits": Collection.from_counts(np.array([len(near)]), columns)}, fields, info)
            yield Tile(part, near, lattice[near], number)
