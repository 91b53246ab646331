"""Numbers of order 1 about an event's region, for the last layers of a network."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.detectors import Detector, pointing_scale
from hitforge.events import Events
from hitforge.representations.region import Regions, RegionSettings, faint_hits

SUMMARY: tuple[str, ...] = (
    "log_energy",
    "log_energy_0",
    "log_energy_1",
    "log_energy_2",
    "log_energy_beyond",
    "log_hits",
    "core_share",
    "hottest_share",
    "log_hit_energy",
    "eta",
    "depth",
    "depth_spread",
    "start",
    "end",
    "lit_layers",
    "width",
    "log_clean_energy",
    "centroid_x",
    "centroid_y",
    "centroid_z",
)
"""Names of the columns that ``summarise`` returns."""


def summarise(events: Events, regions: Regions, settings: RegionSettings, detector: Detector) -> Array:
    """Return the numbers ``SUMMARY`` of each event, (N, S) float32: finite, of order 1, zeros where nothing was found.

    With E in GeV, L(E) = log(1 + E) / 5, and sums over the hits of the region (those within ``settings.radius``):

    - ``log_energy``: L of the energy; ``log_energy_0``, ``_1``, ``_2``: of the energy in each subsystem (later
      subsystems count with 2); ``log_energy_beyond``: of the energy on the same side outside the region
    - ``log_hits``: log(1 + hits) / 7
    - ``core_share``, ``hottest_share``: share of the energy within ``settings.core``, and in the hottest hit
    - ``log_hit_energy``: energy-weighted mean of log(1 + E / 10 MeV) / 5; dense, electromagnetic showers have more
    - ``eta``: abs(eta) of the axis / 3
    - ``depth``, ``depth_spread``: energy-weighted mean and RMS of the layer / 30
    - ``start``, ``end``: the layer / 30 below which 10 % and 90 % of the energy lie
    - ``lit_layers``: layers with a hit / 30
    - ``width``: energy-weighted RMS distance from the axis, in pointing coordinates, over ``settings.core``
    - ``log_clean_energy``: L of the energy in hits that are not faint
    - ``centroid_x``, ``centroid_y``, ``centroid_z``: energy-weighted mean position of these hits minus the region's
      centre; over 10, 10 and 50 mm

    Args:
        events: Events with hits.
        regions: What ``find_regions`` found in them.
        settings: The settings that it used.
        detector: The detector that it used.
    """
    hits = events.hits
    table = _summarise(
        hits.offsets, hits["x"], hits["y"], hits["z"], hits["layer"], hits["subsystem"], hits["energy"],
        regions.found, regions.side, regions.slope_x, regions.slope_y,
        regions.x, regions.y, regions.z, detector.plane, settings.core, settings.radius,
        faint_hits(events, settings, detector),
    )  # fmt: skip
    return np.asarray(table, np.float32)  # (N, S)


@njit(nogil=True, cache=True)
def _summarise(  # type: ignore[no-untyped-def]
    offsets,
    x,
    y,
    z,
    layer,
    subsystem,
    energy,
    found,
    side,
    slope_x,
    slope_y,
    centre_x,
    centre_y,
    centre_z,
    plane,
    core,
    radius,
    faint,
):
    events = len(offsets) - 1
    out = np.zeros((events, 20))
    highest = 1
    for hit in range(len(layer)):
        highest = max(highest, layer[hit] + 1)
    of_layer, lit = np.zeros(highest), np.zeros(highest, np.bool_)
    of_subsystem = np.zeros(3)
    for event in range(events):
        if not found[event]:
            continue
        of_layer[:], of_subsystem[:], lit[:] = 0.0, 0.0, False
        total, beyond, count, near, hottest = 0.0, 0.0, 0, 0.0, 0.0
        logs, first, second, square = 0.0, 0.0, 0.0, 0.0
        clean, sum_x, sum_y, sum_z = 0.0, 0.0, 0.0, 0.0
        for hit in range(offsets[event], offsets[event + 1]):
            e = energy[hit]
            if z[hit] * side[event] <= 0 or e <= 0:
                continue
            scale = pointing_scale(z[hit], plane)
            distance = (x[hit] * scale - slope_x[event] * plane) ** 2 + (y[hit] * scale - slope_y[event] * plane) ** 2
            if distance > radius * radius:
                beyond += e
                continue
            total += e
            count += 1
            of_layer[layer[hit]] += e
            of_subsystem[min(max(subsystem[hit], 0), 2)] += e
            lit[layer[hit]] = True
            if distance < core * core:
                near += e
            hottest = max(hottest, e)
            logs += e * np.log1p(e / 0.01)
            first += e * layer[hit]
            second += e * layer[hit] * layer[hit]
            square += e * distance
            if not faint[hit]:
                clean += e
                sum_x += e * (x[hit] - centre_x[event])
                sum_y += e * (y[hit] - centre_y[event])
                sum_z += e * (z[hit] - centre_z[event])
        if total <= 0.0:
            continue
        mean = first / total
        begin, end, running = -1, -1, 0.0
        for i in range(highest):
            running += of_layer[i]
            if begin < 0 and running >= 0.1 * total:
                begin = i
            if end < 0 and running >= 0.9 * total:
                end = i
        out[event, 0] = np.log1p(total) / 5
        for i in range(3):
            out[event, 1 + i] = np.log1p(of_subsystem[i]) / 5
        out[event, 4] = np.log1p(beyond) / 5
        out[event, 5] = np.log1p(count) / 7
        out[event, 6] = near / total
        out[event, 7] = hottest / total
        out[event, 8] = logs / total / 5
        out[event, 9] = np.arcsinh(1 / max(np.hypot(slope_x[event], slope_y[event]), 1e-3)) / 3
        out[event, 10] = mean / 30
        out[event, 11] = np.sqrt(max(second / total - mean * mean, 0.0)) / 30
        out[event, 12], out[event, 13] = begin / 30, end / 30
        out[event, 14] = lit.sum() / 30
        out[event, 15] = np.sqrt(square / total) / core
        out[event, 16] = np.log1p(clean) / 5
        if clean > 0.0:
            out[event, 17], out[event, 18] = sum_x / clean / 10, sum_y / clean / 10
            out[event, 19] = sum_z / clean / 50
    return out


__all__ = ["SUMMARY", "summarise"]
