"""Log-weighted centroids of a shower layer by layer, for many settings at once, and the line through the layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.detectors import pointing_scale
from hitforge.events import Events
from hitforge.representations.region import Regions

LINEAR = 1e3
"""A w0 so large that the weights are the energies' own."""


@dataclass(frozen=True)
class Candidate:
    """One way to find the centroid.

    Attributes:
        w0: Of the weights max(0, w0 + log(E / E of the layer)); ``LINEAR`` for the energies themselves.
        radius: Distance from the region's axis of the hits that count, in pointing coordinates [mm].
    """

    w0: float
    radius: float


def centroids(
    events: Events, regions: Regions, plane: float, candidates: list[Candidate], min_hit_energy: Array
) -> tuple[Array, Array]:
    """Return centres and slopes by each candidate.

    A layer's centroid has the weights of Awes et al., NIM A 311 (1992) 130; the centre is the mean of the layers'
    centroids with their energies as weights. The slopes are those of the line that fits the layers' centroids best,
    with the same weights; where fewer than two layers count, those of the region's axis.

    Args:
        events: N events with hits.
        regions: Their regions.
        plane: abs(z) at which distances from the axis are counted [mm].
        candidates: C ways.
        min_hit_energy: Energy that a hit of each layer must have, (L,) [GeV].

    Returns:
        x and y (N, C, 2) [mm], and dx/d|z| and dy/d|z| (N, C, 2); the region's own where no hit counts, zeros without
        a region.
    """
    hits = events.hits
    axis = np.stack([regions.slope_x, regions.slope_y, regions.side, regions.x, regions.y], axis=1)  # (N, 5)
    settings = np.array([(c.w0, c.radius) for c in candidates])  # (C, 2)
    table = _centroids(
        hits.offsets, hits["x"], hits["y"], hits["z"], hits["layer"], hits["energy"], regions.found, axis, plane,
        settings, LINEAR, np.asarray(min_hit_energy, np.float64),
    )  # fmt: skip
    return table[:, :, :2], table[:, :, 2:]


def best_candidate(centre: Array, true: Array) -> int:
    """Return the candidate with the smallest mean absolute error in x and y.

    Args:
        centre: (N, C, 2) [mm].
        true: (N, 2) [mm], from the same reference.
    """
    return int(np.abs(centre - true[:, None]).mean(axis=(0, 2)).argmin())


@njit(nogil=True, cache=True)
def _centroids(offsets, x, y, z, layer, energy, found, axis, plane, settings, linear, min_hit_energy):  # type: ignore[no-untyped-def]
    events, ways, depth = len(offsets) - 1, len(settings), len(min_hit_energy)
    out = np.zeros((events, ways, 4))
    widest = settings[:, 1].max() ** 2
    total, floor, heights = np.zeros(depth), np.zeros(depth), np.zeros(depth)
    weight, mean_x, mean_y = np.zeros(depth), np.zeros(depth), np.zeros(depth)
    for event in range(events):
        if not found[event]:
            continue
        slope_x, slope_y, side = axis[event, 0], axis[event, 1], axis[event, 2]
        first, last = offsets[event], offsets[event + 1]
        near, distance, logs = np.empty(last - first, np.int64), np.empty(last - first), np.empty(last - first)
        count = 0
        for hit in range(first, last):
            if z[hit] * side <= 0.0 or energy[hit] <= 0.0 or energy[hit] < min_hit_energy[layer[hit]]:
                continue
            scale = pointing_scale(z[hit], plane)
            square = (x[hit] * scale - slope_x * plane) ** 2 + (y[hit] * scale - slope_y * plane) ** 2
            if square < widest:
                near[count], distance[count], logs[count] = hit, square, np.log(energy[hit])
                heights[layer[hit]] = abs(z[hit])
                count += 1
        for way in range(ways):
            w0, reach = settings[way, 0], settings[way, 1] ** 2
            total[:], weight[:], mean_x[:], mean_y[:] = 0.0, 0.0, 0.0, 0.0
            for i in range(count):
                if distance[i] < reach:
                    total[layer[near[i]]] += energy[near[i]]
            for i in range(depth):
                floor[i] = np.log(total[i]) - w0 if total[i] > 0.0 else 0.0
            for i in range(count):
                if distance[i] >= reach:
                    continue
                hit = near[i]
                share = energy[hit] if w0 >= linear else logs[i] - floor[layer[hit]]
                if share > 0.0:
                    weight[layer[hit]] += share
                    # counted from the axis, against cancellation far from the beam
                    mean_x[layer[hit]] += share * (x[hit] - slope_x * abs(z[hit]))
                    mean_y[layer[hit]] += share * (y[hit] - slope_y * abs(z[hit]))
            norm, sum_x, sum_y, sum_z, sum_zz, sum_xz, sum_yz, lit = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0
            for i in range(depth):
                if weight[i] > 0.0:
                    e, u, v, h = total[i], mean_x[i] / weight[i], mean_y[i] / weight[i], heights[i]
                    lit += 1
                    norm += e
                    sum_x += e * u
                    sum_y += e * v
                    sum_z += e * h
                    sum_zz += e * h * h
                    sum_xz += e * u * h
                    sum_yz += e * v * h
            if norm <= 0.0:
                out[event, way, 0], out[event, way, 1] = axis[event, 3], axis[event, 4]
                out[event, way, 2], out[event, way, 3] = slope_x, slope_y
                continue
            mean = sum_z / norm
            out[event, way, 0] = sum_x / norm + slope_x * mean
            out[event, way, 1] = sum_y / norm + slope_y * mean
            out[event, way, 2], out[event, way, 3] = slope_x, slope_y
            spread = sum_zz / norm - mean * mean
            if lit > 1 and spread > 1.0:
                out[event, way, 2] += (sum_xz / norm - mean * sum_x / norm) / spread
                out[event, way, 3] += (sum_yz / norm - mean * sum_y / norm) / spread
    return out
