"""Showers as points: the hottest hits about the region's axis, each with its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.core.units import C_LIGHT
from hitforge.detectors import Detector, pointing_scale, require_layered
from hitforge.detectors.point_cloud import PointCloud
from hitforge.events import Collection, Events
from hitforge.representations import Prepared, Representation, Shapes
from hitforge.representations.points.graphs import GRAPHS, GraphBuilder
from hitforge.representations.region import RegionSettings, find_regions
from hitforge.representations.region.summary import SUMMARY, summarise

Feature = Literal[
    "dx", "dy", "depth", "layer", "log_energy", "energy_share", "layer_share", "distance", "time", "section"
]
_CODES = {name: code for code, name in enumerate(Feature.__args__)}  # type: ignore[attr-defined]
_STEP = 16  # numbers of points are rounded up to a multiple of this
_CLOUD = (50, 3)  # layers that become 1, and sections, where the detector is no lattice


class Points(Representation):
    """Sets of points (P, features) with their ``position``, ``mask``, ``neighbours`` and a ``summary`` of the event.

    Points are the hits of the region with energy, the hottest first (of equally hot ones the lower cell first), so the
    order of the hits in the event does not matter. Only the ``points`` hottest are kept; ``summary`` is made from all,
    and ``prepare`` counts the energy that is left out.
    A batch is padded with zeros to its fullest event, rounded up to a multiple of 16.

    Places are counted from the line through the region's centre (see ``Regions``) along its axis, so a shower stands at
    the origin wherever it points. With E the energy of a hit:

    - ``dx``, ``dy``: distance from that line in the hit's layer / ``length_scale``; ``distance``: length of (dx, dy)
    - ``depth``: (abs(z) - the detector's reference plane) / ``depth_scale``
    - ``layer``: number of the layer / number of layers
    - ``log_energy``: log(1 + E / ``log_floor``) / log(1 + ``energy_scale`` / ``log_floor``)
    - ``energy_share``: E over the energy of the region, / ``share_scale``; ``layer_share``: E over that of its layer
    - ``time``: arsinh of (time - that of light from the origin) / ``time_scale``; 0 where there is none
    - ``section``: one column for each section of the detector, 1 where the hit is

    The detector ``point_cloud`` has no layers of its own: there the number of the layer is over 50, and the hits'
    ``subsystem`` gives three sections, of which the last holds all further ones.

    ``position`` is (dx, dy, depth): places for networks that search neighbours themselves. ``neighbours`` are indices
    along P from the graph builder ``graph``, 0 where a point is padding.

    There is no augmentation: the detector's cells and the tilt of the axis keep no symmetry, and a task's target
    (position, direction) would have to be turned with the points.
    """

    class Config(config.Config):
        """Which points, their features, and the graph."""

        region: RegionSettings = Field(RegionSettings(), description="how the region is found")
        points: int = Field(256, ge=1, le=16384, description="hits of an event that are kept, the hottest")
        graph: dict[str, Any] | str | None = Field(
            "k_nearest",
            description="graph builder, by name or as a block; null for a network that finds its own graph",
            json_schema_extra={"plugins": "representations.points.graphs"},
        )
        features: Annotated[tuple[Feature, ...], config.DISTINCT] = Field(
            ("dx", "dy", "depth", "layer", "log_energy", "energy_share", "layer_share", "distance", "section"),
            min_length=1,
            description="features of each point, in order",
        )
        length_scale: float = Field(30.0, gt=0, description="distance across the axis that becomes 1 [mm]")
        depth_scale: float = Field(100.0, gt=0, description="distance in z that becomes 1 [mm]")
        energy_scale: float = Field(1.0, gt=0, description="energy of a hit that becomes 1 [GeV]")
        log_floor: float = Field(0.01, gt=0, description="energy below which log_energy is linear [GeV]")
        share_scale: float = Field(0.02, gt=0, description="share of the region's energy that becomes 1")
        time_scale: float = Field(0.1, gt=0, description="delay behind light below which time is linear [ns]")

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, detector)
        self._cloud = isinstance(detector, PointCloud)
        if self._cloud:
            self._layers, self._sections = _CLOUD
        else:
            layers = require_layered(detector, "the representation 'points'").layers
            self._layers, self._sections = len(layers), int(layers.section.max()) + 1
        self._graph: GraphBuilder | None = None
        if config.graph is not None:
            block = dict(config.graph) if isinstance(config.graph, Mapping) else config.graph
            self._graph = GRAPHS.build(block, where="representation.graph")
        self._codes = np.array([_CODES[name] for name in config.features])
        self._width = len(config.features) + ("section" in config.features) * (self._sections - 1)
        self._scales = np.array(
            [
                config.length_scale,
                config.depth_scale,
                self._layers,
                config.log_floor,
                1 / np.log1p(config.energy_scale / config.log_floor),
                config.share_scale,
                config.time_scale,
            ]
        )

    def shapes(self) -> Shapes:
        """Return the shapes of points, position, mask, neighbours (unless ``graph`` is null) and summary."""
        most = self.config.points
        shapes: Shapes = {"points": (most, self._width), "position": (most, 3), "mask": (most, 1)}
        if self._graph is not None:
            shapes["neighbours"] = (most, self._graph.neighbours)
        return {**shapes, "summary": (len(SUMMARY),)}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the features, of the coordinates and of the summary's numbers."""
        names: list[str] = []
        for name in self.config.features:
            names += [f"section_{i}" for i in range(self._sections)] if name == "section" else [name]
        labels = {"points": names, "position": ["dx", "dy", "depth"], "mask": ["real"]}
        if self._graph is not None:
            labels["neighbours"] = [f"neighbour_{i}" for i in range(self._graph.neighbours)]
        return {**labels, "summary": list(SUMMARY)}

    def prepare(self, events: Events) -> Prepared:
        """Return the points of each event, hottest first, with their neighbours.

        Arrays: ``summary`` (N, S); ``energy`` (N,) of the region [GeV]; ``left_out`` (N,), what of it belongs to hits
        beyond the hottest ``points`` [GeV]. Events without a region have no points.

        Raises:
            DataError: The events have no hits, a hit is not finite, or its layer is not one of the detector's.
        """
        settings, hits = self.config.region, events.hits
        regions = find_regions(events, settings, self.detector)
        if not self._cloud and hits.rows and int(hits["layer"].max()) >= self._layers:
            raise DataError(
                f"hits.layer must be below {self._layers}, the layers of '{self.detector.name}'",
                came=int(hits["layer"].max()),
                where=f"event {int(hits.event[hits['layer'].argmax()])}",
            )
        counts, row, layer_share = _select(
            hits.offsets, hits["x"], hits["y"], hits["z"], hits["energy"], hits["cell"], hits["layer"], regions.found,
            regions.side, regions.slope_x, regions.slope_y, self.detector.plane, settings.radius, self.config.points,
        )  # fmt: skip
        kept = Collection.from_counts(counts, {name: hits[name][row] for name in ("x", "y", "z", "layer", "energy")})
        event, away = kept.event, np.abs(kept["z"].astype(np.float64))
        down = away - np.abs(regions.z)[event]  # behind the centre [mm]
        columns = {
            "dx": (kept["x"] - regions.x[event] - regions.slope_x[event] * down).astype(np.float32),
            "dy": (kept["y"] - regions.y[event] - regions.slope_y[event] * down).astype(np.float32),
            "depth": (away - self.detector.plane).astype(np.float32),
            "layer": kept["layer"].astype(np.uint16),
            "section": np.clip(hits["subsystem"][row], 0, self._sections - 1).astype(np.uint8),
            "energy": kept["energy"],
            "layer_share": layer_share,
        }
        if "time" in self.config.features:
            flight = np.sqrt(kept["x"] ** 2 + kept["y"] ** 2 + away**2) / C_LIGHT
            late = np.nan_to_num(hits["time"][row] - flight, nan=0.0, posinf=0.0, neginf=0.0)
            columns["time"] = late.astype(np.float32)
        if self._graph is not None:
            columns["neighbours"] = self._graph.build(kept).astype(np.uint16)  # (rows, K)
        dense = {
            "summary": summarise(events, regions, settings, self.detector),  # (N, S)
            "energy": regions.energy.astype(np.float32),  # (N,)
            "left_out": np.maximum(regions.energy - kept.sum(kept["energy"]), 0).astype(np.float32),  # (N,)
        }
        return Prepared(Collection(kept.offsets, columns), dense)

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return points (B, P, F), position (B, P, 3), mask (B, P, 1), neighbours (B, P, K) int32 and summary (B, S).

        P is that of the fullest event, rounded up to a multiple of 16, at most ``points``. ``random`` is not used.
        """
        ragged = prepared.ragged
        assert ragged is not None  # prepare always gives it
        index = np.asarray(index, np.int64)
        fullest = int(ragged.counts[index].max(initial=1))
        most = min(-(-fullest // _STEP) * _STEP, self.config.points)
        shape = (len(index), most)
        batch = {
            "points": np.zeros((*shape, self._width), np.float32),
            "position": np.zeros((*shape, 3), np.float32),
            "mask": np.zeros((*shape, 1), np.float32),
        }
        _fill(
            batch["points"], batch["position"], batch["mask"], index, ragged.offsets, ragged["dx"], ragged["dy"],
            ragged["depth"], ragged["layer"], ragged["section"], ragged["energy"], ragged["layer_share"],
            ragged.columns.get("time", ragged["energy"]), prepared.dense["energy"], self._codes, self._scales,
            self._sections,
        )  # fmt: skip
        if self._graph is not None:
            batch["neighbours"] = np.zeros((*shape, self._graph.neighbours), np.int32)
            _link(batch["neighbours"], index, ragged.offsets, ragged["neighbours"])
        return {**batch, "summary": prepared.dense["summary"][index]}


@njit(nogil=True, cache=True)
def _select(  # type: ignore[no-untyped-def]
    offsets, x, y, z, energy, cell, layer, found, side, slope_x, slope_y, plane, radius, max_hits
):
    """Rows of the hottest hits of each region, hottest first: counts (N,), row and share of the layer's energy."""
    counts, row = np.zeros(len(offsets) - 1, np.int64), np.empty(len(x), np.int64)
    share = np.empty(len(x), np.float32)
    highest = 1
    for hit in range(len(layer)):
        highest = max(highest, layer[hit] + 1)
    of_layer = np.zeros(highest)
    kept = 0
    for event in range(len(offsets) - 1):
        if not found[event]:
            continue
        inside = np.empty(offsets[event + 1] - offsets[event], np.int64)
        number = 0
        of_layer[:] = 0.0
        for hit in range(offsets[event], offsets[event + 1]):
            if z[hit] * side[event] <= 0 or energy[hit] <= 0:
                continue
            scale = pointing_scale(z[hit], plane)
            u, v = x[hit] * scale - slope_x[event] * plane, y[hit] * scale - slope_y[event] * plane
            if u * u + v * v <= radius * radius:
                inside[number] = hit
                number += 1
                of_layer[layer[hit]] += energy[hit]
        inside = inside[:number]
        order = inside[np.argsort(-energy[inside], kind="mergesort")]
        for i in range(1, number):  # of equally hot ones the lower cell first
            hit, j = order[i], i
            while j > 0 and energy[order[j - 1]] == energy[hit] and cell[order[j - 1]] > cell[hit]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = hit
        counts[event] = min(number, max_hits)
        for i in range(counts[event]):
            row[kept], share[kept] = order[i], energy[order[i]] / of_layer[layer[order[i]]]
            kept += 1
    return counts, row[:kept].copy(), share[:kept].copy()


@njit(nogil=True, cache=True)
def _fill(  # type: ignore[no-untyped-def]
    points, position, mask, index, offsets, dx, dy, depth, layer, section, energy, layer_share, time, whole, codes,
    scales, sections,
):  # fmt: skip
    """Write features, places and mask of the events ``index`` into zeros."""
    for b in range(len(index)):
        total = max(whole[index[b]], np.float32(1e-12))
        first = offsets[index[b]]
        for p in range(offsets[index[b] + 1] - first):
            row = first + p
            across_x, across_y, down = dx[row] / scales[0], dy[row] / scales[0], depth[row] / scales[1]
            position[b, p, 0], position[b, p, 1], position[b, p, 2] = across_x, across_y, down
            mask[b, p, 0] = 1.0
            column = 0
            for code in codes:
                if code == 9:
                    points[b, p, column + section[row]] = 1.0
                    column += sections
                    continue
                if code == 0:
                    value = across_x
                elif code == 1:
                    value = across_y
                elif code == 2:
                    value = down
                elif code == 3:
                    value = layer[row] / scales[2]
                elif code == 4:
                    value = np.log1p(energy[row] / scales[3]) * scales[4]
                elif code == 5:
                    value = energy[row] / total / scales[5]
                elif code == 6:
                    value = np.float64(layer_share[row])
                elif code == 7:
                    value = np.sqrt(across_x * across_x + across_y * across_y)
                else:
                    value = np.arcsinh(time[row] / scales[6])
                points[b, p, column] = value
                column += 1


@njit(nogil=True, cache=True)
def _link(neighbours, index, offsets, of_row):  # type: ignore[no-untyped-def]
    """Write the neighbours of the events ``index`` into zeros, (B, P, K)."""
    for b in range(len(index)):
        first = offsets[index[b]]
        for p in range(offsets[index[b] + 1] - first):
            for k in range(of_row.shape[1]):
                neighbours[b, p, k] = of_row[first + p, k]
