"""Photon showers in ILD as points: HDF5 with ``energy`` (N, 1) and ``events``, (N, P, 4) or (N, 4, P)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.detectors import Detector, require_layered
from hitforge.events import Events, FieldInfo
from hitforge.readers.calochallenge import array
from hitforge.readers.files import FileConfig, FileReader, build, drops, physical


class IldPoints(FileReader):
    """Points x, y, z [mm] and deposited energy [GeV] with the depth along y, turned so that the depth is along +z.

    The turn is about the x axis: (x, y, z) becomes (x, -z, y). Points in one cell are one hit, at the cell's centre
    and with the weight of its layer, as everywhere in events of layers. Points with energy 0 fill the file up. Points
    beside the detector, or farther than ``tolerance`` from each layer, are left out and counted. Times are 0.
    """

    class Config(FileConfig):
        """Files, split and the file's frame."""

        depth: Literal["auto", "position", "layer"] = Field(
            "auto", description="what y is: a position [mm], or a number of layers from 0; auto: by its largest value"
        )
        first_layer: float | None = Field(
            None, description="y of the first active layer in the file, if a position [mm]; None: the detector's own"
        )
        tolerance: float = Field(1.0, gt=0, description="farthest that a position may lie from its layer [mm]")
        pdg: int = Field(22, description="true particle, PDG number")

    BLOCK = 64

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, require_layered(detector, "ild_points"))

    def count(self, path: Path) -> int:
        """Return the number of events in a file."""
        with h5py.File(path, "r") as file:
            points, energy = array(file, "events", path), array(file, "energy", path)
            if points.ndim != 3 or 4 not in points.shape[1:]:
                raise DataError("'events' must have the shape (N, P, 4) or (N, 4, P)", came=points.shape, where=path)
            if energy.shape not in ((len(points),), (len(points), 1)):
                came = f"{energy.shape} for {len(points)} events"
                raise DataError("'energy' must have the shape (N, 1)", came=came, where=path)
            return len(points)

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the events ``first`` to ``last - 1`` of a file."""
        with h5py.File(path, "r") as file:
            points = file["events"][first:last]
            true = file["energy"][first:last].reshape(-1).astype(np.float64)
        points = (points if points.shape[2] == 4 else points.transpose(0, 2, 1)).astype(np.float64)  # (n, P, 4)
        event, place = np.nonzero(points[..., 3] != 0)
        count, (x, depth, z, energy) = len(points), points[event, place].T
        physical({"x": x, "y": depth, "z": z, "energy": energy}, event, path, first)
        self.refuse_large(np.bincount(event, minlength=count), path, first)
        wrong = np.flatnonzero(~(np.isfinite(true) & (true > 0)))
        if len(wrong):
            where = f"{path}, event {first + int(wrong[0])}"
            raise DataError("'energy' must be finite and positive", came=true[wrong[0]], where=where)
        layer = self._layer(depth)
        known = layer >= 0
        cell = np.full(len(x), -1)
        cell[known] = self.detector.cell_in(layer[known], x[known], -z[known], np.ones(int(known.sum())))
        keep = cell >= 0
        fields = {
            "primary_pdg": (np.full(count, self.config.pdg), FieldInfo("int32", "", "true particle, PDG number")),
            "energy": (true, FieldInfo("float32", "GeV", "true energy of the particle")),
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

    def _layer(self, depth: Array) -> Array:
        """Layer of each point, -1 where none is near."""
        z, c = self.detector.layers.z, self.config
        if c.depth == "layer" or (c.depth == "auto" and depth.max(initial=0.0) < len(z) + 1):
            layer = np.floor(depth).astype(np.int64)
            return np.where((layer >= 0) & (layer < len(z)), layer, -1)
        at = depth - (z[0] if c.first_layer is None else c.first_layer) + z[0]
        nearest = np.abs(at[:, None] - z).argmin(axis=1) if len(at) else np.empty(0, np.int64)  # (P,)
        return np.where(np.abs(at - z[nearest]) <= c.tolerance, nearest, -1)
