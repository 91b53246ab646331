"""Reconstructed hits of the CMS high-granularity calorimeter: the ntuple ``ana/hgc`` (ROOT) and HGCalML's Parquet."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.units import C_LIGHT
from hitforge.detectors import Detector, require_layered
from hitforge.detectors.hgcal import HGCAL
from hitforge.events import Events, FieldInfo
from hitforge.events.schema import ORIGIN
from hitforge.readers._cms_parquet import columns_of, events_of
from hitforge.readers._cms_sense import EARLY, contrary_angles, has_time, nearest_plane, refuse_early, refuse_nonsense
from hitforge.readers._cms_truth import refuse_unlinked, truth_of
from hitforge.readers._foreign import in_disguise
from hitforge.readers._root import Tree, whole
from hitforge.readers.files import FileConfig, FileReader, build, drops, physical, sums

_MM = 10.0  # the files are in cm
_TREE, _TRUTH = "ana/hgc", "simcluster_hits_indices"
_COLUMNS = ("x", "y", "z", "energy", "time")
_CHECKS = ("eta", "phi", "wafer_u", "wafer_v")
"""Columns that say again where a hit is; they are compared where the file has them."""
_PARQUET = {name: f"recHit{name.capitalize()}" for name in (*_COLUMNS, *_CHECKS)}
_SAME_NUMBER = FieldInfo(
    "int8", "", "events of the number of the one before: a column such as job or file alone tells them apart", "sum"
)
_SAMPLE = 16  # events by which a file's conventions are looked at, before the first is read


class CmsHgcal(FileReader):
    """Hits found again on the detector's lattice, with the simulated clusters of the ntuple as true particles.

    The layer is the ntuple's layer number, counted from ``first_layer``, or the plane next to z in the Parquet file.
    Hits of a layer that the detector does not have, or beside its cells, are left out, counted and summed in event
    fields. A hit is kept and counted in ``far_hits`` where the file contradicts its cell: its place is farther than
    ``near`` from the cell's centre in x and y, or farther than ``tolerance`` from the layer's plane in z
    (``far_hits_z``), or its eta, phi or wafer are others. A file is refused where most hits say that its unit or its
    first layer is another. Times in the file have the flight of light subtracted and an offset added; hits without one
    (-1, or 0) get 0 and are counted, and so are those long before light. An older geometry has other planes: the field
    ``largest_shift_z`` tells how far hits were moved to the detector's.

    In Parquet files an event is a stretch of rows with the same ``event`` and, where there are such columns, the same
    run, lumi section, job and file; one that begins again is refused.
    """

    class Config(FileConfig):
        """Files, split and positions."""

        endcaps: Literal["both", "split"] = Field(
            "both", description="both: an event as in the file; split: one for each side, part 0 at +z and part 1 at -z"
        )
        positions: Literal["cell", "file"] = Field(
            "cell", description="place of a hit: its cell's centre, or what the file says"
        )
        first_layer: int = Field(1, ge=0, description="number of the first layer in the ntuple")
        tolerance: float = Field(
            2.5,
            gt=0,
            description="hits whose z is farther from a plane are not of its layer [mm]: ROOT counts, Parquet drops",
        )
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
            starts, _ = self._events(path)
            counts, many = np.diff(starts), min(_SAMPLE, len(starts) - 1)
            column = self._rename(columns_of(path, _PARQUET, _COLUMNS, int(starts[0]), int(starts[many])))
            number = None
        else:
            with Tree(path, _TREE) as tree:
                tree.need("rechit_layer", *(f"rechit_{name}" for name in _COLUMNS))
                counts = tree.flat("rechit_energy")[1]
                sample = tree.part(0, _SAMPLE)
                column, number, _ = self._ntuple(sample)
                if _TRUTH in tree:
                    refuse_unlinked(truth_of(sample, path, 0), path)
        if not counts.sum():
            raise DataError("the file must hold hits", came=f"{len(counts)} events without any", where=path)
        planes, config = self.detector.layers.z, self.config
        refuse_nonsense(column, number, config.first_layer, planes, config.tolerance, path)
        told = has_time(column["time"], 0.0)  # 0 as well: a file of little else has times of another kind
        refuse_early(column["time"][told], config.time_offset, path)
        return len(counts) * self._sides

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the events ``first`` to ``last - 1`` of a file."""
        start, stop = first // self._sides, -(-last // self._sides)
        rows, origin = np.arange(first, last), {}
        if _is_parquet(path):
            starts, numbers = self._events(path)
            column = self._rename(columns_of(path, _PARQUET, _COLUMNS, int(starts[start]), int(starts[stop])))
            counts = np.diff(starts[start : stop + 1])
            origin["event_number"] = numbers[rows // self._sides]
            before = numbers[np.maximum(rows // self._sides - 1, 0)]
            origin["same_numbers"] = (rows >= self._sides) & (before == origin["event_number"])
            layer, truth = nearest_plane(column["z"], self.detector.layers.z, self.config.tolerance), None
        else:
            with Tree(path, _TREE, start, stop) as tree:
                column, number, counts = self._ntuple(tree)
                truth = truth_of(tree, path, start) if _TRUTH in tree else None
            layer = number - self.config.first_layer
            layer[(layer < 0) | (layer >= len(self.detector.layers))] = -1
        event = np.repeat(np.arange(len(counts)), counts)
        physical({name: column[name] for name in _COLUMNS}, event, path, start)
        self.refuse_large(counts, path, start)
        side = np.where(column["z"] < 0, -1, 1)
        if self._sides == 2:
            event = 2 * event + (side < 0)
            truth = truth.split() if truth is not None else None
            origin |= {"event": rows // 2, "part": rows % 2}
        events = self._place(column, layer, side, event, len(counts) * self._sides, truth)
        info = {name: ORIGIN.get(name, _SAME_NUMBER) for name in origin}
        return events.take(rows - start * self._sides).with_fields(origin, info)

    @cached_property
    def _known(self) -> dict[Path, tuple[Array, Array]]:
        return {}

    def _events(self, path: Path) -> tuple[Array, Array]:
        """First row of each event of a Parquet file and the end, (n + 1,), and their numbers, (n,); looked up once."""
        if path not in self._known:
            self._known[path] = events_of(path)
        return self._known[path]

    def _ntuple(self, tree: Tree) -> tuple[dict[str, Array], Array, Array]:
        """Columns of hits in our units, layers as the file counts them, hits of each event."""
        checks = [name for name in _CHECKS if f"rechit_{name}" in tree]
        found, counts = tree.columns(*(f"rechit_{name}" for name in (*_COLUMNS, *checks, "layer")))
        number = whole(found.pop("rechit_layer"), "rechit_layer", tree.path)
        return self._rename({name.removeprefix("rechit_"): values for name, values in found.items()}), number, counts

    @staticmethod
    def _rename(found: dict[str, Array]) -> dict[str, Array]:
        column = {name: values.astype(np.float64) for name, values in found.items()}
        return column | {name: column[name] * _MM for name in "xyz"}

    def _place(
        self, column: dict[str, Array], layer: Array, side: Array, event: Array, count: int, truth: Any
    ) -> Events:
        """Find the cells, leave out and count what has none, and build events."""
        of = event  # of each hit in the file
        order = np.argsort(event, kind="stable")  # by side, where the sides are events of their own
        rows = len(event)
        known, cell = layer >= 0, np.full(rows, -1)
        cell[known] = self.detector.cell_in(layer[known], column["x"][known], column["y"][known], side[known])
        self.saw(cell >= 0, **{name: column[name] for name in "xyz"})
        dropped = {"unknown_layer": ~known, "outside": known & (cell < 0)}
        fields = drops(event, column["energy"], dropped, count)
        kept = order[cell[order] >= 0]
        cell, layer, event = cell[kept], layer[kept], event[kept]
        column = {name: values[kept] for name, values in column.items()}
        centre = self.detector.position(cell)
        shift = np.hypot(centre[:, 0] - column["x"], centre[:, 1] - column["y"])
        moved, shift_z = np.zeros(count), np.abs(centre[:, 2] - column["z"])
        np.maximum.at(moved, event, shift_z)
        far_z = shift_z > self.config.tolerance
        far = (shift > self.config.near) | far_z | contrary_angles(column) | self._contrary_wafers(column, cell)
        timed = has_time(column["time"], self.config.time_offset)
        early = timed & (column["time"] < self.config.time_offset - EARLY)
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
                sums(event[far], None, count),
                FieldInfo(
                    "int32", "", "hits kept whose place, eta, phi or wafer in the file is not that of their cell", "sum"
                ),
            ),
            "far_hits_z": (
                sums(event[far_z], None, count),
                FieldInfo("int32", "", "those of them whose z in the file is not that of their layer's plane", "sum"),
            ),
            "largest_shift_z": (
                moved,
                FieldInfo("float32", "mm", "largest distance of a hit's z to its layer's plane", "largest"),
            ),
            "shared_cells": (
                sums(event[_shared(event, cell)], None, count),
                FieldInfo("int32", "", "hits kept in a cell that another hit of the event has, too", "sum"),
            ),
            "untimed_hits": (
                sums(event[~timed], None, count),
                FieldInfo("int32", "", "hits kept without a time", "sum"),
            ),
            "early_hits": (
                sums(event[early], None, count),
                FieldInfo("int32", "", f"hits kept that were there more than {EARLY:g} ns before light", "sum"),
            ),
        }
        counts = np.bincount(event, minlength=count)
        if truth is None:
            return build(counts, hits, fields)
        new = np.full(rows, -1)
        new[kept] = np.arange(len(kept)) - np.repeat(np.cumsum(counts) - counts, counts)
        more, true_fields = truth.collections(new, of)
        return build(counts, hits, {**true_fields, **fields}, **more)

    def _contrary_wafers(self, column: dict[str, Array], cell: Array) -> Array:
        """Which hits in silicon have another wafer in the file than their cell, (rows,) bool."""
        if not isinstance(self.detector, HGCAL) or "wafer_u" not in column or "wafer_v" not in column:
            return np.zeros(len(cell), np.bool_)
        wafer = self.detector.indices(cell)[:, :2]
        other: Array = (wafer[:, 0] != column["wafer_u"]) | (wafer[:, 1] != column["wafer_v"])
        return other & (self.detector.kind(cell) < 2)


def _shared(event: Array, cell: Array) -> Array:
    """Which hits are in a cell of which the event has an earlier one: two events may be mixed, (rows,) bool."""
    order = np.lexsort((cell, event))
    again = np.zeros(len(cell), np.bool_)
    again[order[1:]] = (np.diff(event[order]) == 0) & (np.diff(cell[order]) == 0)
    return again


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as handle:
        magic = handle.read(4)
    if magic not in (b"PAR1", b"root"):
        came, do = in_disguise(path) or (f"one that begins with {magic!r}" if magic else "an empty file", None)
        raise DataError("the file must be a ROOT or a Parquet file", came=came, where=path, do=do)
    return magic == b"PAR1"
