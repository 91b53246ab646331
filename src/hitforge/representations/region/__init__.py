"""Where the main shower of an event is: an axis, a first guess of its centre, and the energy around it.

Image, graph, task and classical algorithm all count from the same region, which depends on the hits alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.detectors import Detector, pointing_scale
from hitforge.events import Events

ROI = {
    "roi_side": ("", "sign of z of the region of interest"),
    "roi_u": ("mm", "middle of the region of interest, in pointing coordinates"),
    "roi_v": ("mm", "the same in v"),
}
"""Event fields that say where to look, instead of the hits: unit and description of each."""
_MOST_LAYERS = 1000


class RegionSettings(config.Config):
    """How the region is found."""

    renamed: ClassVar[dict[str, str]] = {"plane": "plane of the detector", "least": "min_mip"}

    tower: float = Field(
        30.0, gt=0, le=1000, description="edge of the towers; the seed is searched in two by two of them [mm]"
    )
    seed: Literal["transverse", "energy"] = Field(
        "transverse",
        description="what the seed has most of: transverse energy, against pile-up near the beam, or energy, for "
        "showers on the z axis itself, which have no transverse energy",
    )
    core: float = Field(30.0, gt=0, le=1000, description="distance from the axis of hits that place it [mm]")
    radius: float = Field(150.0, gt=0, le=5000, description="distance from the axis of hits that belong to it [mm]")
    min_mip: float = Field(
        1.0,
        ge=0,
        le=100,
        description="energy of hits that place axis and centre, in noise cuts of the detector, which are one minimum "
        "ionising particle; where no hit has it, all count",
    )
    log_floor: float = Field(2.9, gt=0, le=20, description="w0 of the weights max(0, w0 + log(E / E of the layer))")


@dataclass(frozen=True)
class Regions:
    """One region an event, each array (N,).

    Attributes:
        found: True where the event has hits with energy.
        side: Sign of z of the region.
        slope_x: The axis runs from the origin through ``(slope_x, slope_y, side) * abs(z)``.
        slope_y: The same in y.
        x: Centre [mm]: log-weighted centroid of the hits of each layer near the axis, then the mean over the layers
            with their energies as weights (Awes et al., NIM A 311 (1992) 130, layer by layer). Faint hits, see
            ``faint_hits``, do not count.
        y: The same in y.
        z: Energy-weighted mean of z of the same hits [mm], signed.
        energy: Sum of the hits' energies within ``radius`` [GeV].
        hits: Number of these hits.
    """

    found: Array
    side: Array
    slope_x: Array
    slope_y: Array
    x: Array
    y: Array
    z: Array
    energy: Array
    hits: Array


def find_regions(events: Events, settings: RegionSettings, detector: Detector) -> Regions:
    """Find the region around the two by two towers with the highest (transverse) energy in each event.

    The windows overlap, so that a shower on the edge of a tower is not halved. Distances from the axis are taken
    in pointing coordinates of the detector. The axis is moved three times to the
    energy-weighted mean of the hits in its core.

    Args:
        events: Events with hits.
        settings: Sizes.
        detector: Says where pointing coordinates are counted, and which hits are faint.

    Raises:
        ConfigError: The detector has no reference plane.
        DataError: A hit's place or energy is not finite, or its layer is not that of a calorimeter; or the events have
            no hits.
    """
    hits = events.hits
    for name in ("x", "y", "z", "energy"):
        _refuse(events, ~np.isfinite(hits[name]), name, "finite")
    _refuse(events, (hits["layer"] < 0) | (hits["layer"] >= _MOST_LAYERS), "layer", f"from 0 to {_MOST_LAYERS - 1}")
    table = _find(
        hits.offsets, hits["x"], hits["y"], hits["z"], hits["layer"], hits["energy"], detector.plane, settings.tower,
        settings.seed == "transverse",
        settings.core, settings.radius, settings.log_floor, faint_hits(events, settings, detector),
    )  # fmt: skip
    found, side, slope_x, slope_y, x, y, z, energy, count = table.T
    return Regions(found > 0, side, slope_x, slope_y, x, y, z, energy, count.astype(np.int64))


def faint_hits(events: Events, settings: RegionSettings, detector: Detector) -> Array:
    """Return which hits are below ``settings.min_mip`` noise cuts of their section, (rows,) bool."""
    return detector.is_faint(events.hits["energy"], events.hits["subsystem"], settings.min_mip)


def _refuse(events: Events, bad: Array, column: str, must: str) -> None:
    if bad.any():
        first = int(bad.argmax())
        raise DataError(
            f"hits.{column} must be {must}",
            came=f"{events.hits[column][first]} and {int(bad.sum()) - 1} more such values",
            where=f"event {int(np.searchsorted(events.hits.offsets, first, side='right') - 1)}",
        )


@njit(nogil=True, cache=True)
def _hottest_window(key, u, v, energy, plane):  # type: ignore[no-untyped-def]
    """Return the highest transverse energy of two by two towers, and the key of the lowest row and column of them.

    With ``plane`` 0 it is the energy.
    """
    order = np.argsort(key)
    tower, total = np.empty(len(key), np.int64), np.zeros(len(key))
    towers = 0
    for i in order:
        if towers == 0 or key[i] != tower[towers - 1]:
            tower[towers] = key[i]
            towers += 1
        radial = np.sqrt(u[i] * u[i] + v[i] * v[i])
        share = radial / np.sqrt(radial * radial + plane * plane) if plane > 0.0 else 1.0
        total[towers - 1] += energy[i] * share
    window = np.empty(4 * towers, np.int64)  # each tower belongs to four windows
    for i in range(towers):
        for k in range(4):
            window[4 * i + k] = tower[i] - 2 * ((k // 2) * 65536 + k % 2)
    best, best_key, running = 0.0, np.int64(-1), 0.0
    order = np.argsort(window)
    for place in range(len(order)):
        if place > 0 and window[order[place]] != window[order[place - 1]]:
            running = 0.0
        running += total[order[place] // 4]
        if running > best:
            best, best_key = running, window[order[place]]
    return best, best_key


@njit(nogil=True, cache=True)
def _find(offsets, x, y, z, layer, energy, plane, tower, transverse, core, radius, floor, faint):  # type: ignore[no-untyped-def]
    events = len(offsets) - 1
    out = np.zeros((events, 9))
    close = min(4.0 * core * core, radius * radius)  # squared distance of the hits that make the centre
    highest = 1
    for hit in range(len(layer)):
        highest = max(highest, layer[hit] + 1)
    layer_energy, weight_sum = np.zeros(highest), np.zeros(highest)
    mean_x, mean_y = np.zeros(highest), np.zeros(highest)
    for event in range(events):
        first, last = offsets[event], offsets[event + 1]
        count = last - first
        if count == 0:
            continue
        u, v = np.empty(count), np.empty(count)
        key = np.empty(count, np.int64)
        for i in range(count):
            hit = first + i
            scale = pointing_scale(z[hit], plane)
            u[i], v[i] = x[hit] * scale, y[hit] * scale
            side = 0 if z[hit] < 0 else 1
            row = np.int64(min(max(np.floor(u[i] / tower), -32767.0), 32767.0)) + 32768  # towers far out share one
            column = np.int64(min(max(np.floor(v[i] / tower), -32767.0), 32767.0)) + 32768
            key[i] = (row * 65536 + column) * 2 + side
        best, best_key = _hottest_window(key, u, v, energy[first:last], plane if transverse else 0.0)
        if best <= 0.0:  # hits on the beam axis alone, or without energy
            continue
        sign = -1.0 if best_key % 2 == 0 else 1.0
        centre_u = (np.float64((best_key // 2) // 65536 - 32768) + 1.0) * tower
        centre_v = (np.float64((best_key // 2) % 65536 - 32768) + 1.0) * tower
        bright = False
        for i in range(count):
            inside = (u[i] - centre_u) ** 2 + (v[i] - centre_v) ** 2 < core * core
            if inside and z[first + i] * sign > 0 and not faint[first + i]:
                bright = True
                break
        for _ in range(3):
            total, sum_u, sum_v = 0.0, 0.0, 0.0
            for i in range(count):
                if z[first + i] * sign <= 0 or (bright and faint[first + i]):
                    continue
                if (u[i] - centre_u) ** 2 + (v[i] - centre_v) ** 2 < core * core:
                    total += energy[first + i]
                    sum_u += energy[first + i] * u[i]
                    sum_v += energy[first + i] * v[i]
            if total > 0:
                centre_u, centre_v = sum_u / total, sum_v / total
        layer_energy[:], weight_sum[:], mean_x[:], mean_y[:] = 0.0, 0.0, 0.0, 0.0
        total, members, sum_z, near = 0.0, 0, 0.0, 0.0
        for i in range(count):
            hit = first + i
            distance = (u[i] - centre_u) ** 2 + (v[i] - centre_v) ** 2
            if z[hit] * sign <= 0 or distance > radius * radius:
                continue
            total += energy[hit]
            members += 1
            if distance < close and not (bright and faint[hit]):
                layer_energy[layer[hit]] += energy[hit]
                sum_z += energy[hit] * z[hit]
                near += energy[hit]
        for i in range(count):
            hit = first + i
            distance = (u[i] - centre_u) ** 2 + (v[i] - centre_v) ** 2
            if z[hit] * sign <= 0 or distance >= close or energy[hit] <= 0.0:
                continue
            if bright and faint[hit]:
                continue
            weight = floor + np.log(energy[hit] / layer_energy[layer[hit]])
            if weight > 0.0:
                weight_sum[layer[hit]] += weight
                mean_x[layer[hit]] += weight * x[hit]
                mean_y[layer[hit]] += weight * y[hit]
        weighed, sum_x, sum_y = 0.0, 0.0, 0.0
        for i in range(highest):
            if weight_sum[i] > 0.0:
                weighed += layer_energy[i]
                sum_x += layer_energy[i] * mean_x[i] / weight_sum[i]
                sum_y += layer_energy[i] * mean_y[i] / weight_sum[i]
        if weighed <= 0.0 or near <= 0.0:
            continue
        out[event, 0], out[event, 1] = 1.0, sign
        out[event, 2], out[event, 3] = centre_u / plane, centre_v / plane
        out[event, 4], out[event, 5], out[event, 6] = sum_x / weighed, sum_y / weighed, sum_z / near
        out[event, 7], out[event, 8] = total, members
    return out


__all__ = ["RegionSettings", "Regions", "faint_hits", "find_regions"]
