"""Reconstructed hits of the CMS high-granularity calorimeter: the ntuple ``ana/hgc`` (ROOT) and HGCalML's Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.units import C_LIGHT
from hitforge.detectors import Detector, require_layered
from hitforge.events import Events, FieldInfo
from hitforge.events.schema import ORIGIN
from hitforge.readers._cms_truth import truth_of
from hitforge.readers._root import Tree
from hitforge.readers.files import FileConfig, FileReader, build, drops, physical, sums

_MM = 10.0  # the files are in cm
_TREE = "ana/hgc"
_COLUMNS = ("x", "y", "z", "energy", "time")
_PARQUET = {"event": "event", **{name: f"recHit{name.capitalize()}" for name in _COLUMNS}}


class CmsHgcal(FileReader):
    """Hits found again on the detector's lattice, with the simulated clusters of the ntuple as true particles.

    The layer is the ntuple's layer number, counted from 1, or the plane next to z in the Parquet file. Hits of a layer
    that the detector does not have, or beside its cells, are left out, counted and summed in event fields; a hit whose
    place in the file is farther than ``near`` from its cell's centre in x and y is kept and counted. Times in the
    file have the flight of light subtracted and an offset added; hits without one (-1) get 0 and are counted. An older
    geometry has other planes: the field ``largest_shift_z`` tells how far hits were moved to the detector's.
    """

    class Config(FileConfig):
        """Files, split and positions."""

        endcaps: Literal["both", "split"] = Field(
            "both", description="both: an event as in the file; split: one for each side, part 0 at +z and part 1 at -z"
        )
        positions: Literal["cell", "file"] = Field(
            "cell", description="place of a hit: its cell's centre, or what the file says"
        )
        tolerance: float = Field(2.5, gt=0, description="farthest that z may lie from a plane, in Parquet files [mm]")
        near: float = Field(0.1, gt=0, description="hits farther than this from their cell's centre are counted [mm]")
        time_offset: float = Field(5.0, ge=0, description="time in the file of light from the origin [ns]")

    BLOCK = 8

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, require_layered(detector, "cms_hgcal"))

    @property
    def _sides(self) -> int:
        return 2 if self.config.endcaps == "split" else 1

    def count(self, path: Path) -> int:
        """Return the number of events in a file."""
        if _is_parquet(path):
            counts = np.unique(_parquet(path, ["event"])["event"], return_counts=True)[1]
        else:
            with Tree(path, _TREE) as tree:
                tree.need("rechit_layer", *(f"rechit_{name}" for name in _COLUMNS))
                counts = tree.flat("rechit_energy")[1]
        if not counts.sum():
            raise DataError("the file must hold hits", came=f"{len(counts)} events without any", where=path)
        return len(counts) * self._sides

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the events ``first`` to ``last - 1`` of a file."""
        start, stop = first // self._sides, -(-last // self._sides)
        rows, origin = np.arange(first, last), {}
        if _is_parquet(path):
            column, counts, numbers = self._parquet(path, start, stop)
            origin["event_number"] = numbers[rows // self._sides - start]
            layer, truth = self._plane(column["z"]), None
        else:
            with Tree(path, _TREE, start, stop) as tree:
                column = {name: tree.flat(f"rechit_{name}")[0].astype(np.float64) for name in _COLUMNS}
                number, counts = tree.flat("rechit_layer")
                truth = truth_of(tree, path, start) if "simcluster_hits_indices" in tree else None
            column |= {name: column[name] * _MM for name in "xyz"}
            known = (number >= 1) & (number <= len(self.detector.layers))
            layer = np.where(known, number.astype(np.int64) - 1, -1)
        event = np.repeat(np.arange(len(counts)), counts)
        physical(column, event, path, start)
        self.refuse_large(counts, path, start)
        side = np.where(column["z"] < 0, -1, 1)
        if self._sides == 2:
            event = 2 * event + (side < 0)
            truth = truth.split() if truth is not None else None
            origin |= {"event": rows // 2, "part": rows % 2}
        events = self._place(column, layer, side, event, len(counts) * self._sides, truth)
        return events.take(rows - start * self._sides).with_fields(origin, {name: ORIGIN[name] for name in origin})

    def _parquet(self, path: Path, start: int, stop: int) -> tuple[dict[str, Array], Array, Array]:
        """Columns of the events ``start`` to ``stop - 1`` in rising order of their numbers, hits of each, numbers."""
        number, event = np.unique(_parquet(path, ["event"])["event"], return_inverse=True)
        chosen = np.flatnonzero((event >= start) & (event < min(stop, len(number))))
        chosen = chosen[np.argsort(event[chosen], kind="stable")]
        table = _parquet(path, [_PARQUET[name] for name in _COLUMNS], chosen)
        column = {name: table[_PARQUET[name]].astype(np.float64) for name in _COLUMNS}
        column |= {name: column[name] * _MM for name in "xyz"}
        return column, np.bincount(event[chosen] - start, minlength=stop - start), number[start:stop]

    def _plane(self, z: Array) -> Array:
        """Layer whose plane is next to each z, -1 where none is near, (rows,) int64."""
        planes = self.detector.layers.z  # (L,), rising
        depth = np.abs(z)
        above = np.clip(np.searchsorted(planes, depth), 1, len(planes) - 1)
        nearest = np.where(depth - planes[above - 1] < planes[above] - depth, above - 1, above)
        return np.where(np.abs(depth - planes[nearest]) <= self.config.tolerance, nearest, -1)

    def _place(
        self, column: dict[str, Array], layer: Array, side: Array, event: Array, count: int, truth: Any
    ) -> Events:
        """Find the cells, leave out and count what has none, and build events."""
        order = np.argsort(event, kind="stable")  # by side, where the sides are events of their own
        rows = len(event)
        known, cell = layer >= 0, np.full(rows, -1)
        cell[known] = self.detector.cell_in(layer[known], column["x"][known], column["y"][known], side[known])
        dropped = {"unknown_layer": ~known, "outside": known & (cell < 0)}
        fields = drops(event, column["energy"], dropped, count)
        kept = order[cell[order] >= 0]
        cell, layer, event = cell[kept], layer[kept], event[kept]
        column = {name: values[kept] for name, values in column.items()}
        centre = self.detector.position(cell)
        shift = np.hypot(centre[:, 0] - column["x"], centre[:, 1] - column["y"])
        moved = np.zeros(count)
        np.maximum.at(moved, event, np.abs(centre[:, 2] - column["z"]))
        timed = column["time"] > -1.0 + 1e-3
        place = centre.T if self.config.positions == "cell" else (column["x"], column["y"], column["z"])
        flight = np.sqrt(column["x"] ** 2 + column["y"] ** 2 + column["z"] ** 2) / C_LIGHT
        hits = {
            **dict(zip("xyz", place, strict=True)),
            "time": np.where(timed, column["time"] - self.config.time_offset + flight, 0.0),
            "energy": column["energy"],
            "cell": cell,
            "layer": layer,
            "subsystem": self.detector.layers.section[layer],
        }
        fields |= {
            "far_hits": (
                sums(event[shift > self.config.near], None, count),
                FieldInfo("int32", "", "hits kept whose place in the file is not their cell's centre in x and y"),
            ),
            "largest_shift_z": (
                moved,
                FieldInfo("float32", "mm", "largest distance of a hit's z to its layer's plane"),
            ),
            "untimed_hits": (sums(event[~timed], None, count), FieldInfo("int32", "", "hits kept without a time")),
        }
        counts = np.bincount(event, minlength=count)
        if truth is None:
            return build(counts, hits, fields)
        new = np.full(rows, -1)
        new[kept] = np.arange(len(kept)) - np.repeat(np.cumsum(counts) - counts, counts)
        more, true_fields = truth.collections(new)
        return build(counts, hits, {**true_fields, **fields}, **more)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as handle:
        magic = handle.read(4)
    if magic not in (b"PAR1", b"root"):
        raise DataError("the file must be a ROOT or a Parquet file", came=f"one that begins with {magic!r}", where=path)
    return magic == b"PAR1"


def _parquet(path: Path, names: list[str], rows: Array | None = None) -> dict[str, Array]:
    """Rows (all if None) of some columns, from the row groups that hold them; what is no number is refused."""
    with pq.ParquetFile(path) as file:
        have = set(file.schema_arrow.names)
        missing = [name for name in _PARQUET.values() if name not in have]
        if missing:
            came = f"none named {', '.join(missing)}"
            raise DataError("the Parquet file must have the columns of HGCalML", came=came, where=path)
        sizes = np.array([file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)], np.int64)
        rows = np.arange(sizes.sum()) if rows is None else rows
        ends = np.cumsum(sizes)
        groups = np.unique(np.searchsorted(ends, rows, side="right"))
        table = file.read_row_groups(groups.tolist(), columns=names)
    skipped = np.where(np.isin(np.arange(len(sizes)), groups), 0, sizes)  # rows of the groups that were not read
    at = rows - np.cumsum(skipped)[np.searchsorted(ends, rows, side="right")] if len(rows) else rows
    for name in names:
        kind = table.column(name).type
        if table.column(name).null_count or not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            came = f"{kind}, {table.column(name).null_count} nulls"
            raise DataError(f"the column '{name}' must hold a number for each hit", came=came, where=path)
    return {name: table.column(name).to_numpy()[at] for name in names}
