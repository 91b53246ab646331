"""Where hits lie on the sensors of a tracker, and events of such hits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hitforge.core.arrays import Array
from hitforge.detectors import Modules
from hitforge.events import Collection, Events, FieldInfo

__all__ = ["assemble", "one", "sensor_distance"]


def sensor_distance(modules: Modules, row: Array, position: Array) -> Array:
    """Return how far points lie off sensors: the largest of the distances across the sensor and beyond its edges.

    Args:
        modules: The sensors.
        row: Of each point's sensor, (N,) int64.
        position: What ``modules.local`` gave, (N, 3) [mm].

    Returns:
        (N,) [mm], >= 0.
    """
    u, v, w = position.T
    off: Array = np.maximum.reduce([np.abs(w), np.abs(u) - modules.half_u(row, v), np.abs(v) - modules.half_v[row]])
    return off


def assemble(
    modules: Modules,
    row: Array,
    keep: Array,
    xyz: Array,
    clusters: Mapping[str, Array],
    truth: tuple[Collection, Array, Array, Array] | None,
    fields: Mapping[str, tuple[Array, FieldInfo]],
) -> Events:
    """Return one event of hits on sensors, sorted by sensor, then u, then v; energy and time are not measured: 0.

    Args:
        modules: The sensors.
        row: Of each hit's sensor, (N,) int64.
        keep: Which hits are kept, (N,) bool.
        xyz: (N, 3) [mm].
        clusters: Columns of the collection, (N,) each.
        truth: Particles, and for each link its hit in the file, particle and weight; None: no truth.
        fields: Event field -> (1,) value and description.
    """
    kept = np.flatnonzero(keep)
    kept = kept[np.lexsort((clusters["v"][kept], clusters["u"][kept], row[kept]))]
    at, nothing = row[kept], np.zeros(len(kept))
    hits = {
        **dict(zip("xyz", xyz[kept].T, strict=True)),
        "time": nothing,
        "energy": nothing,
        "cell": modules.number[at],
        "layer": modules.layer[at],
        "subsystem": modules.volume[at],
    }
    collections = {"hits": one(hits), "clusters": one({name: values[kept] for name, values in clusters.items()})}
    if truth is not None:
        particles, hit, particle, weight = truth
        place = np.full(len(row), -1)
        place[kept] = np.arange(len(kept))
        hit = place[hit]
        order = np.lexsort((particle, hit))
        order = order[hit[order] >= 0]
        links = {"hit": hit[order], "particle": particle[order], "weight": weight[order]}
        collections |= {"particles": particles, "links": one(links)}
    return Events(
        collections,
        {name: values for name, (values, _) in fields.items()},
        {name: info for name, (_, info) in fields.items()},
    )


def one(columns: Mapping[str, Array]) -> Collection:
    """Return a collection of one event."""
    return Collection(np.array([0, len(next(iter(columns.values())))]), columns)
