"""Photon showers in ILD as points: HDF5 with ``energy`` (N, 1) and ``events``, (N, P, 4) or (N, 4, P)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.detectors import Detector, require_layered
from hitforge.events import Events, FieldInfo
from hitforge.readers._hdf5 import Hdf5Reader, floats, refuse_other_unit, refuse_unwritten_rows, written_rows
from hitforge.readers.files import FileConfig, FileReader, build, drops, physical, response_flags, sums


class IldPoints(Hdf5Reader, FileReader):
    """Points x, y, z [mm] and deposited energy [GeV] with the depth along y, turned so that the depth is along +z.

    The turn is about the x axis: (x, y, z) becomes (x, -z, y). Points in one cell are one hit, at the cell's centre
    and with the weight of its layer, as everywhere in events of layers. Points with energy 0 fill the file up. Points
    beside the detector, or farther than ``tolerance`` from each layer, are left out and counted. Times are 0. What the
    depth is and in which order the columns stand is decided once a file, from all its points; the field
    ``depth_is_position`` says it. The field ``first_layer_hit`` is 0 where many events have no point in layer 0, as
    in a file whose layers are counted from 1.
    """

    class Config(FileConfig):
        """Files, split and the file's frame."""

        depth: Literal["auto", "position", "layer"] = Field(
            "auto",
            description="what y is: a position [mm], or a number of layers from 0; auto: what a file's points fit",
        )
        order: Literal["auto", "points", "columns"] = Field(
            "auto",
            description="points: (N, P, 4), columns: (N, 4, P), where P is 4; auto: what a file's points fit",
        )
        first_layer: float | None = Field(
            None, description="y of the first active layer in the file, if a position [mm]; None: the detector's own"
        )
        tolerance: float = Field(1.0, gt=0, description="farthest that a position may lie from its layer [mm]")
        pdg: int = Field(22, description="true particle, PDG number")

    BLOCK = 64

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, require_layered(detector, "ild_points"))

    def _needed(self) -> tuple[str, ...]:
        return "events", "energy"

    def count(self, path: Path) -> int:
        """Return the number of events in a file."""
        with self._arrays(path) as found:
            points, energy = (floats(found[name], name, path) for name in self._needed())
            if points.ndim != 3 or 4 not in points.shape[1:]:
                raise DataError("'events' must have the shape (N, P, 4) or (N, 4, P)", came=points.shape, where=path)
            if energy.shape not in ((len(points),), (len(points), 1)):
                came = f"{energy.shape} for {len(points)} events"
                raise DataError("'energy' must have the shape (N, 1)", came=came, where=path)
            for name in self._needed():  # of the points at least one column
                refuse_other_unit(found[name], name, "GeV", path)
            refuse_unwritten_rows(points, "events", path, self.config.limit)
            return len(points)

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the events ``first`` to ``last - 1`` of a file."""
        frame = self._frame(path)
        with self._arrays(path) as found:
            points, true = (written_rows(found[name], name, path, first, last) for name in self._needed())
        points, true = _columns_last(points, frame.order), true.reshape(-1).astype(np.float64)
        event, place = np.nonzero(points[..., 3] != 0)
        count, (x, depth, z, energy) = len(points), points[event, place].T
        physical({"x": x, "y": depth, "z": z, "energy": energy}, event, path, first)
        self.refuse_large(np.bincount(event, minlength=count), path, first)
        wrong = np.flatnonzero(~(np.isfinite(true) & (true > 0)))
        if len(wrong):
            where = f"{path}, event {first + int(wrong[0])}"
            raise DataError("'energy' must be finite and positive", came=true[wrong[0]], where=where)
        layer = self._layer(depth, frame.depth)
        known = layer >= 0
        cell = np.full(len(x), -1)
        cell[known] = self.detector.cell_in(layer[known], x[known], -z[known], np.ones(int(known.sum())))
        keep = cell >= 0
        self.saw(keep, x=x, depth=depth, z=z)
        is_position = np.full(count, frame.depth == "position")
        fields = {
            "primary_pdg": (np.full(count, self.config.pdg), FieldInfo("int32", "", "true particle, PDG number")),
            "energy": (true, FieldInfo("float32", "GeV", "true energy of the particle")),
            "depth_is_position": (
                is_position,
                FieldInfo("int8", "", "what y is in the file: 1 a position [mm], 0 a number of layers"),
            ),
            "first_layer_hit": (
                np.full(count, not frame.from_1),
                FieldInfo(
                    "int8", "", "0 if no point of a file of many events is in layer 0: is it counted from 1?", "flag"
                ),
            ),
            **response_flags(sums(event, energy, count), true, _LOWEST, self.config.pdg, path, first),
            **drops(event, energy, {"unknown_layer": ~known, "outside": known & ~keep}, count),
        }
        return self._hits(event[keep], cell[keep], energy[keep], fields, count)

    def _hits(self, event: Array, cell: Array, energy: Array, fields: Any, count: int) -> Events:
        """Merge the points of a cell."""
        order = np.lexsort((cell, event))
        event, cell, energy = event[order], cell[order], energy[order]
        new = np.ones(len(cell), np.bool_)
        new[1:] = (np.diff(event) != 0) | (np.diff(cell) != 0)
        merged = np.bincount(np.cumsum(new) - 1, energy, int(new.sum())) if len(cell) else energy
        event, cell = event[new], cell[new]
        layer, position = self.detector.layer(cell), self.detector.position(cell)
        columns = {
            "x": position[:, 0],
            "y": position[:, 1],
            "z": position[:, 2],
            "time": np.zeros(len(cell)),
            "energy": merged * self.detector.layers.weight[layer],
            "cell": cell,
            "layer": layer,
            "subsystem": self.detector.layers.section[layer],
        }
        return build(np.bincount(event, minlength=count), columns, fields)

    def _layer(self, depth: Array, what: str) -> Array:
        """Layer of each point, -1 where none is near."""
        z, c = self.detector.layers.z, self.config
        if what == "layer":
            inside = (depth >= 0) & (depth < len(z))  # before the cast: a number may be beyond all integers
            return np.floor(np.where(inside, depth, -1)).astype(np.int64)
        at = depth - (z[0] if c.first_layer is None else c.first_layer) + z[0]
        nearest = np.abs(at[:, None] - z).argmin(axis=1) if len(at) else np.empty(0, np.int64)  # (P,)
        return np.where(np.abs(at - z[nearest]) <= c.tolerance, nearest, -1)

    @cached_property
    def _frames(self) -> dict[Path, _Frame]:
        """What was found out about each file, which a worker process need not do again."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_frames": self._frames}

    def _frame(self, path: Path) -> _Frame:
        """Return the order of columns and what the depth is, from the settings or from all points of the file.

        Raises:
            DataError: Both or neither would do.
        """
        if path not in self._frames:
            self._frames[path] = self._find_frame(path)
        return self._frames[path]

    def _find_frame(self, path: Path) -> _Frame:
        c = self.config
        with self._arrays(path) as found:
            points = found["events"]
            square = points.shape[1:] == (4, 4) and c.order == "auto"
            by_shape: _Order = "points" if points.shape[2] == 4 else "columns"
            orders: tuple[_Order, ...] = ("points", "columns") if square else (by_shape,)
            if c.order != "auto" and points.shape[1:] == (4, 4):
                orders = (c.order,)
            if c.depth == "position" and not square:
                return _Frame(orders[0], c.depth)
            depths: tuple[_Depth, ...] = ("position", "layer") if c.depth == "auto" else (c.depth,)
            many = len(points) >= _MANY
            seen = {order: self._survey(points, order, path) for order in orders}
        sound = [order for order in orders if not seen[order].wrong] or [orders[0]]
        if not any(seen[order].rows for order in orders):
            return _Frame(orders[0], depths[0])
        fits = [
            _Frame(order, depth, many and depth == "layer" and seen[order].low >= 1)
            for order in sound
            for depth in seen[order].fitting(c.depth)
        ]
        for order in sound if "layer" in depths else ():
            self._refuse_from_1(seen[order], path)
        if len(fits) == 1:
            if fits[0].depth == "layer" and c.depth == "auto":
                self._refuse_unit(seen[fits[0].order], path)
            return fits[0]
        if not square and c.depth == "layer":  # as it was asked for
            return _Frame(orders[0], c.depth, many and seen[orders[0]].low >= 1)
        first = seen[sound[0]]
        shares = (
            f"{first.share['position']:.0%} near a layer as positions, {first.share['layer']:.0%} numbers of layers"
        )
        came = f"y from {first.low:.6g} to {first.high:.6g}: {shares}{'; P is 4, either order could be' * square}"
        raise DataError(
            "what y and the columns of 'events' are must be clear from the points of the file",
            came=came,
            where=path,
            do="set 'depth' to position or layer"
            + ", and 'order' to points or columns" * square
            + ("" if fits else ", and for positions 'first_layer' and 'tolerance'"),
        )

    def _refuse_from_1(self, seen: _Look, path: Path) -> None:
        layers = len(self.detector.layers)
        numbers = seen.share["layer"] > _MOST >= seen.share["position"]
        if numbers and seen.low >= 1 and layers <= seen.high < layers + 1:
            came = f"y from {seen.low:g} to {seen.high:g}, for {layers} layers"
            raise DataError("layers must be counted from 0", came=came, where=path, do="subtract 1 in the file")

    def _refuse_unit(self, seen: _Look, path: Path) -> None:
        unit = max(_UNITS, key=lambda name: seen.share[name])
        if seen.share[unit] > _NEARLY_ALL:
            came = f"y from {seen.low:.6g} to {seen.high:.6g}: {seen.share[unit]:.0%} near a layer in {unit}"
            do = "convert x, y and z to mm, or set 'depth' to layer"
            raise DataError("x, y and z must be in mm", came=came, where=path, do=do)

    def _survey(self, points: h5py.Dataset, order: _Order, path: Path) -> _Look:
        """Read all points in one order of columns."""
        rows, wrong, near = 0, 0, {"position": 0, "layer": 0}
        scaled = dict.fromkeys(_UNITS, 0)
        low, high = np.inf, -np.inf
        for first in range(0, len(points), self.BLOCK):
            block = _columns_last(written_rows(points, "events", path, first, first + self.BLOCK), order)
            block = block[block[..., 3] != 0]  # (rows, 4)
            sound = np.isfinite(block).all(axis=1) & (block[:, 3] > 0)
            depth = block[sound, 1]
            rows, wrong = rows + len(depth), wrong + int((~sound).sum())
            for what in near:
                near[what] += int((self._layer(depth, what) >= 0).sum())
            for unit, factor in _UNITS.items():
                scaled[unit] += int((self._layer(depth * factor, "position") >= 0).sum())
            low, high = min(low, depth.min(initial=np.inf)), max(high, depth.max(initial=-np.inf))
        return _Look(rows, wrong, {what: count / max(rows, 1) for what, count in (near | scaled).items()}, low, high)


_Order = Literal["points", "columns"]
_Depth = Literal["position", "layer"]
_LOWEST = 5e-5  # share of the energy: silicon takes a hundredth, in another unit 1e-5
_UNITS = {"cm": 10.0, "m": 1000.0}  # in mm
_MANY = 16  # events, of which some have a point in the first layer
_ALL, _NEARLY_ALL, _MOST = 0.99, 0.9, 0.5
"""Shares of the points: numbers of layers fit all; positions of hits most, and nearly all where both would do."""


@dataclass(frozen=True)
class _Frame:
    """How a file is read: columns are the last axis or the one before, what y is, and if its layers may begin at 1."""

    order: _Order
    depth: _Depth
    from_1: bool = False


@dataclass(frozen=True)
class _Look:
    """Sound points, others, the share of the sound ones that fits each depth or unit, and the range of their depths."""

    rows: int
    wrong: int
    share: dict[str, float]
    low: float
    high: float

    def fitting(self, asked: str) -> list[_Depth]:
        """What the depth may be, of all or of what is asked for."""
        position, layer = self.share["position"], self.share["layer"]
        if asked != "auto":
            return [depth for depth in ("position", "layer") if depth == asked and self.share[depth] > _MOST]
        found: list[_Depth] = ["layer"] if layer >= _ALL else []
        return [*found, "position"] if position > (_NEARLY_ALL if found else _MOST) else found


def _columns_last(points: Array, order: _Order) -> Array:
    """(n, P, 4) or (n, 4, P) -> (n, P, 4) float64."""
    return (points if order == "points" else points.transpose(0, 2, 1)).astype(np.float64)
