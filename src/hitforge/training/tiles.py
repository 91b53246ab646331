"""Whole events of a calorimeter, square after square: neighbours overlap, and each object is kept by one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.errors import ConfigError
from hitforge.events import Collection, Events, FieldInfo
from hitforge.representations import Representation
from hitforge.representations._showers import LOOKED, ShowerRepresentation
from hitforge.tasks import Objects

Array = NDArray[Any]


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
        number = np.cumsum(stay) - 1
        kept = stay[objects.member]
        return Objects(
            number[objects.member[kept]].astype(np.int32),
            objects.hit[kept],
            int(stay.sum()),
            {name: values[stay] for name, values in objects.parameters.items()},
            None if objects.weight is None else objects.weight[kept],
        )


def require_tiles(representation: Representation, edge: float) -> ShowerRepresentation:
    """Return the representation if it can look at tiles of this edge [mm].

    Raises:
        ConfigError: It looks at whole events, or at squares that are not larger than the tiles.
    """
    if not isinstance(representation, ShowerRepresentation):
        raise ConfigError(
            "only representations of showers look at tiles",
            came=representation.name,
            where="evaluation.tile",
            do="set evaluation.tile: 0",
        )
    if edge >= representation.config.size:
        raise ConfigError(
            f"tiles must be smaller than the square that is looked at, {representation.config.size:g} mm, so that "
            "neighbours overlap",
            came=f"{edge:g} mm",
            where="evaluation.tile",
        )
    return representation


def tiles_of(event: Events, representation: ShowerRepresentation, edge: float) -> Iterator[Tile]:
    """Cut one event into tiles.

    On each side of the detector a lattice of squares of ``edge`` covers the plane of pointing coordinates; one square
    has its middle where the representation would look at the whole event. With each go the hits of the
    representation's square about the same middle. Tiles without a hit above noise are left out.

    Args:
        event: One event with hits.
        representation: Says how large the squares are, what is noise, and where the middle is.
        edge: Of the tiles, without margins [mm].
    """
    hits, half = event.hits, representation.config.size / 2
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
            fields = dict(zip(LOOKED, np.array([[side], [centre[0]], [centre[1]]], np.float64), strict=True))
            info = {name: FieldInfo("float64", unit, text) for name, (unit, text) in LOOKED.items()}
            columns = {name: column[near] for name, column in hits.columns.items()}
            part = Events({"hits": Collection.from_counts(np.array([len(near)]), columns)}, fields, info)
            yield Tile(part, near, lattice[near], number)
