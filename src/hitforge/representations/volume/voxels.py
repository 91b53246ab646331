"""Showers as volumes: the cells of each layer spread over square pixels by exact area."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.kernels import njit
from hitforge.detectors import Detector, require_layered
from hitforge.events import Collection, Events
from hitforge.representations import Prepared, Representation, Shapes
from hitforge.representations.region import Regions, RegionSettings, find_regions
from hitforge.representations.region.overlap import bounding_box, cover
from hitforge.representations.region.summary import SUMMARY, summarise

_Channel = Literal["energy", "log_energy", "sqrt_energy", "share"]
_CODES = {"energy": 0, "log_energy": 1, "sqrt_energy": 2, "share": 3}
_BLOCK = 100_000  # cells whose outlines are in memory at a time: 10 MB
_STANDARD = {"region": (24, 24), "endcap": (514, 513)}


class Voxels(Representation):
    """Volumes (slices, rows, columns, channels) of square pixels around the region, or of the whole endcap.

    Each hit's energy is shared among the pixels that its cell's outline overlaps, by area, so that energy is conserved.
    Rows follow y, columns x, slices the depth, on either side of the detector: nothing is mirrored. The compact form
    holds the lit voxels only; a dense array is made for a batch alone. Channels, for a voxel of energy E:

    - ``energy``: E / ``energy_scale``
    - ``log_energy``: log(1 + E / ``log_floor``) / log(1 + ``energy_scale`` / ``log_floor``)
    - ``sqrt_energy``: sqrt(E / ``energy_scale``)
    - ``share``: E over the energy of the region, / ``share_scale``

    With ``frame: region`` the window stands, to a fraction of a pixel, around the centre that the hits give (see
    ``Regions``), the point that positions are counted from; where ``projective`` it moves with the axis from layer to
    layer. With ``frame: endcap`` it stands around the beam and holds the side of the region: 514 rows, 513 columns and
    40 layers of 7 mm are 42 MB an event and channel as float32, so a batch beyond ``memory`` is refused.

    There is no augmentation, since no symmetry is exact: sixty degrees, under which the cells would fall onto each
    other, is no symmetry of pixels, a quarter turn or a mirror none of the tilted hexagons and of the axis that points
    away from the beam, and a task's target (position, direction) would have to be turned with the picture.
    """

    class Config(config.Config):
        """Window, depth and channels."""

        region: RegionSettings = Field(RegionSettings(), description="how the region is found")
        frame: Literal["region", "endcap"] = Field("region", description="window round the region, or a whole endcap")
        pixel: float = Field(7.0, ge=0.5, le=1000, description="edge of a pixel [mm]")
        rows: int | None = Field(None, ge=1, le=2048, description="pixels along y; if not given 24, of an endcap 514")
        columns: int | None = Field(
            None, ge=1, le=2048, description="pixels along x; if not given 24, of an endcap 513"
        )
        layers: int | Literal["all"] = Field("all", description="layers from the front that are taken, or all")
        merge: int = Field(1, ge=1, le=100, description="consecutive layers that are summed into one slice")
        layout: Literal["volume", "channels"] = Field(
            "volume", description="slices as a dimension of their own, or as channels of an image"
        )
        projective: bool = Field(True, description="let the window of a region follow its axis through the layers")
        channels: Annotated[tuple[_Channel, ...], config.DISTINCT] = Field(
            ("log_energy",), min_length=1, description="channels, in order"
        )
        energy_scale: float = Field(1.0, gt=0, description="energy that becomes 1 [GeV]")
        log_floor: float = Field(0.01, gt=0, description="energy below which log_energy is linear [GeV]")
        share_scale: float = Field(0.02, gt=0, description="share of the region's energy that becomes 1")
        memory: float = Field(4.0, gt=0, description="largest dense batch that is made [GB]")

        @model_validator(mode="after")
        def _consistent(self) -> Self:
            if self.layers != "all" and self.layers < 1:
                raise ValueError("layers must be at least 1, or 'all'")
            return self

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, detector)
        self._layered = require_layered(detector, "the representation 'voxels'")
        depth = len(self._layered.layers)
        self._depth = depth if config.layers == "all" else config.layers
        if self._depth > depth:
            raise ConfigError(
                f"'layers' must be at most {depth}, those of the detector '{detector.name}'", came=config.layers
            )
        standard = _STANDARD[config.frame]
        self._grid = (-(-self._depth // config.merge), config.rows or standard[0], config.columns or standard[1])
        self._codes = np.array([_CODES[name] for name in config.channels])  # (C,)
        event = 4e-9 * float(np.prod(self._grid)) * len(config.channels)
        if event > config.memory:
            raise ConfigError(
                f"one dense event may need at most {config.memory:g} GB ('memory')",
                came=f"{event:.3g} GB for {' x '.join(map(str, self._grid))} voxels",
                where="representation voxels",
                do="take fewer or larger pixels, 'merge' or 'frame: region', or allow more 'memory'",
            )
        log_scale = 1 / np.log1p(config.energy_scale / config.log_floor)
        self._scales = np.array([config.energy_scale, config.log_floor, log_scale, config.share_scale])

    def shapes(self) -> Shapes:
        """Return the shapes: ``volume`` (slices, rows, columns, channels), or ``image``, and ``summary`` (S,)."""
        slices, rows, columns = self._grid
        channels = len(self.config.channels)
        if self.config.layout == "volume":
            return {"volume": (slices, rows, columns, channels), "summary": (len(SUMMARY),)}
        return {"image": (rows, columns, slices * channels), "summary": (len(SUMMARY),)}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the channels (of an image: ``energy_0`` is that of slice 0) and of the summary."""
        names = list(self.config.channels)
        if self.config.layout == "volume":
            return {"volume": names, "summary": list(SUMMARY)}
        return {"image": [f"{n}_{i}" for i in range(self._grid[0]) for n in names], "summary": list(SUMMARY)}

    def place(self, voxel: Array) -> Array:
        """Return slice, row and column of voxels, (M,) -> (M, 3) int64."""
        return np.stack(np.unravel_index(np.asarray(voxel, np.int64), self._grid), axis=1)

    def prepare(self, events: Events) -> Prepared:
        """Return the lit voxels and numbers of each event.

        Rows: ``voxel`` (int32, (slice * rows + row) * columns + column) and ``energy`` [GeV] (float32). Arrays:
        ``summary`` (N, S); ``region_energy`` (N,) [GeV]; ``beside`` (N,) [GeV], the energy of the hits of the event
        that lies outside the voxels, the other side of the detector included. Events without a region have no voxels.

        Raises:
            DataError: A hit's cell or layer is not one of the detector's; or the events have no hits.
        """
        self._check(events)
        regions = find_regions(events, self.config.region, self.detector)
        voxels = self._spread(events, regions)
        beside = events.hits.sum(events.hits["energy"]) - voxels.sum(voxels["energy"])
        voxels.columns["energy"] = voxels["energy"].astype(np.float32)
        dense = {
            "summary": summarise(events, regions, self.config.region, self.detector),
            "region_energy": regions.energy.astype(np.float32),
            "beside": np.maximum(beside, 0).astype(np.float32),
        }
        return Prepared(voxels, dense)

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return ``volume`` or ``image``, and ``summary``, float32; nothing is augmented.

        Raises:
            ConfigError: The dense array would need more than ``memory``.
        """
        lit = prepared.ragged
        assert lit is not None  # prepare always gives it
        index = np.asarray(index, np.int64)
        name, shape = next(iter(self.shapes().items()))
        size = 4e-9 * len(index) * float(np.prod(shape))
        if size > self.config.memory:
            fit = int(self.config.memory / (4e-9 * np.prod(shape)))
            raise ConfigError(
                f"a dense batch may need at most {self.config.memory:g} GB ('memory')",
                came=f"{size:.3g} GB for {len(index)} events of {shape}",
                where="representation voxels",
                do=f"take batches of at most {fit} events, or fewer or larger pixels, 'merge' or 'frame: region'",
            )
        dense = np.zeros((len(index), *shape), np.float32)
        flat = dense.reshape(len(index), -1, len(self._codes))
        slices = self._grid[0] if self.config.layout == "channels" else 0
        energy = prepared.dense["region_energy"]
        _fill(flat, index, lit.offsets, lit["voxel"], lit["energy"], energy, self._codes, self._scales, slices)
        return {name: dense, "summary": prepared.dense["summary"][index]}

    def _check(self, events: Events) -> None:
        hits, detector = events.hits, self._layered
        wrong = np.flatnonzero(~detector.is_cell(hits["cell"]))
        if len(wrong):
            raise DataError(
                f"each hit's cell must be one of the detector '{detector.name}'",
                came=f"{int(hits['cell'][wrong[0]])} and {len(wrong) - 1} more such hits",
                where=f"event {int(np.searchsorted(hits.offsets, wrong[0], side='right') - 1)}",
                do="name the detector that the events were made with, or drop these hits where the file is read",
            )
        depth = len(detector.layers)
        wrong = np.flatnonzero((hits["layer"] < 0) | (hits["layer"] >= depth))
        if len(wrong):
            raise DataError(
                f"each hit's layer must be from 0 to {depth - 1}, as in the detector '{detector.name}'",
                came=f"{int(hits['layer'][wrong[0]])} and {len(wrong) - 1} more such hits",
                where=f"event {int(np.searchsorted(hits.offsets, wrong[0], side='right') - 1)}",
            )

    def _spread(self, events: Events, regions: Regions) -> Collection:
        """Columns ``voxel`` (int32) and ``energy`` (float64) of the lit voxels."""
        hits, pixel, (slices, rows, columns) = events.hits, self.config.pixel, self._grid
        centre: tuple[Array, ...] = (
            regions.x,
            regions.y,
            np.abs(regions.z),
            regions.slope_x,
            regions.slope_y,
        )  # (N,) each
        if self.config.frame == "endcap":
            centre = tuple(np.zeros(len(events)) for _ in centre)
        elif not self.config.projective:
            centre = (*centre[:3], np.zeros(len(events)), np.zeros(len(events)))
        reach = 100.0  # farthest that a corner may be from the hit [mm]; raised where a cell is larger
        while True:
            half = pixel * columns / 2 + reach, pixel * rows / 2 + reach
            where = (hits.offsets, hits["x"], hits["y"], hits["z"], hits["layer"], regions.found, regions.side, *centre)
            counts, row, x, y = _near(*where, half, self._depth)
            parts, farthest = [], 0.0
            place = np.full(slices * rows * columns, -1, np.int32)  # where a voxel of the event at hand was written
            offsets = np.concatenate([[0], np.cumsum(counts)])
            for first, last in _blocks(offsets):
                mine = slice(offsets[first], offsets[last])
                outline = self._layered.corners(hits["cell"][row[mine]])  # (n, V, 2)
                middle = np.stack([hits["x"][row[mine]], hits["y"][row[mine]]], 1, dtype=np.float64)
                farthest = max(farthest, float(np.abs(outline - middle[:, None]).max(initial=0)))
                corner = np.stack([x[mine] - pixel * columns / 2, y[mine] - pixel * rows / 2], 1)  # of the window
                outline = (outline - corner[:, None]) / pixel
                layer = hits["layer"][row[mine]] // self.config.merge
                local = offsets[first : last + 1] - offsets[first]
                lit = _voxels(local, outline, layer, hits["energy"][row[mine]], rows, columns, place)
                parts.append(Collection.from_counts(lit[0], {"voxel": lit[1], "energy": lit[2]}))
            if farthest <= reach:
                return Collection.concatenate(parts)
            reach = 2 * farthest


def _blocks(offsets: Array) -> list[tuple[int, int]]:
    """Runs of events with about ``_BLOCK`` rows, one event at least."""
    runs, first, last = [], 0, len(offsets) - 1
    while first < last:
        stop = int(np.searchsorted(offsets, offsets[first] + _BLOCK, side="right")) - 1
        runs.append((first, min(max(stop, first + 1), last)))
        first = runs[-1][1]
    return runs or [(0, 0)]


@njit(nogil=True, cache=True)
def _near(offsets, x, y, z, layer, found, side, x0, y0, z0, slope_x, slope_y, half, depth):  # type: ignore[no-untyped-def]
    """Rows of the hits near the window, counts (N,), and the middle of the window in the layer of each, (kept,)."""
    counts, row = np.zeros(len(offsets) - 1, np.int64), np.empty(len(x), np.int64)
    middle_x, middle_y = np.empty(len(x)), np.empty(len(x))
    kept = 0
    for event in range(len(offsets) - 1):
        if not found[event]:
            continue
        first = kept
        for hit in range(offsets[event], offsets[event + 1]):
            if z[hit] * side[event] <= 0 or layer[hit] >= depth:
                continue
            down = abs(np.float64(z[hit])) - z0[event]
            u, v = x0[event] + slope_x[event] * down, y0[event] + slope_y[event] * down
            if abs(x[hit] - u) < half[0] and abs(y[hit] - v) < half[1]:
                row[kept], middle_x[kept], middle_y[kept] = hit, u, v
                kept += 1
        counts[event] = kept - first
    return counts, row[:kept].copy(), middle_x[:kept].copy(), middle_y[:kept].copy()


@njit(nogil=True, cache=True)
def _voxels(offsets, outline, layer, energy, rows, columns, place):  # type: ignore[no-untyped-def]
    """Spread cells over pixels and merge those of one voxel: counts (N,), voxel and energy (lit,)."""
    counts = np.zeros(len(offsets) - 1, np.int64)
    voxel, total = np.empty(4 * len(layer) + 64, np.int32), np.empty(4 * len(layer) + 64)
    buffer, filled = np.zeros(1024), 0
    for event in range(len(offsets) - 1):
        first = filled
        for hit in range(offsets[event], offsets[event + 1]):
            box = bounding_box(outline[hit])
            if box[0] >= rows or box[1] >= columns or box[0] + box[2] <= 0 or box[1] + box[3] <= 0:
                continue
            stride = box[3] + 1
            size = box[2] * stride
            if size > len(buffer):
                buffer = np.zeros(2 * size)
            if filled + size > len(voxel):
                more_voxel, more_total = np.empty(2 * len(voxel) + size, np.int32), np.empty(2 * len(voxel) + size)
                more_voxel[:filled], more_total[:filled] = voxel[:filled], total[:filled]
                voxel, total = more_voxel, more_total
            cover(outline[hit], box, buffer)
            for i in range(max(0, -box[0]), min(box[2], rows - box[0])):
                for j in range(max(0, -box[1]), min(box[3], columns - box[1])):
                    share = buffer[i * stride + j]
                    if share <= 0.0:
                        continue
                    number = (layer[hit] * rows + box[0] + i) * columns + box[1] + j
                    at = place[number]
                    if at < 0:
                        at = filled
                        place[number], voxel[at], total[at] = at, number, 0.0
                        filled += 1
                    total[at] += share * energy[hit]
        for at in range(first, filled):
            place[voxel[at]] = -1
        counts[event] = filled - first
    return counts, voxel[:filled].copy(), total[:filled].copy()


@njit(nogil=True, cache=True)
def _fill(dense, index, offsets, voxel, energy, region, codes, scales, slices):  # type: ignore[no-untyped-def]
    """Write lit voxels into zeros, (B, voxels, C); with ``slices`` they become the inner dimension of the voxels."""
    pixels = dense.shape[1] // slices if slices > 0 else 1
    for b in range(len(index)):
        whole = max(region[index[b]], np.float32(1e-12)) * scales[3]
        for lit in range(offsets[index[b]], offsets[index[b] + 1]):
            at, value = np.int64(voxel[lit]), energy[lit]
            if slices > 0:
                at = at % pixels * slices + at // pixels
            for c in range(len(codes)):
                code = codes[c]
                if code == 0:
                    dense[b, at, c] = value / scales[0]
                elif code == 1:
                    dense[b, at, c] = np.log1p(value / scales[1]) * scales[2]
                elif code == 2:
                    dense[b, at, c] = np.sqrt(value / scales[0])
                else:
                    dense[b, at, c] = value / whole
