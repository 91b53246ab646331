"""Events of a tracker whose hits belong to known particles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.events import Collection, Events


def event(
    owners: Sequence[Sequence[int]],
    layers: Sequence[int] | None = None,
    particles: int | None = None,
    weight: Sequence[float] | None = None,
    **columns: Sequence[float],
) -> Events:
    """One event; ``owners`` names the particles of each hit (none: noise), ``columns`` change those of particles."""
    hits = len(owners)
    count = particles if particles is not None else 1 + max((p for group in owners for p in group), default=-1)
    layers = layers if layers is not None else list(range(hits))
    zero = np.zeros(hits)
    hit = np.array([number for number, group in enumerate(owners) for _ in group], np.int32)
    particle = np.array([p for group in owners for p in group], np.int32)
    share = np.array([1.0 / len(group) for group in owners for _ in group], np.float32)
    one = {
        "pdg": np.full(count, 13),
        "charge": np.full(count, -1.0),
        "px": np.full(count, 3.0),
        "py": np.full(count, 4.0),
        "pz": np.zeros(count),
        "energy": np.full(count, 5.0),
        "vx": np.zeros(count),
        "vy": np.zeros(count),
        "vz": np.zeros(count),
        "time": np.zeros(count),
        "parent": np.full(count, -1),
    } | {name: np.array(values) for name, values in columns.items()}
    place = {"x": 30.0 + 10.0 * np.array(layers, float), "y": zero, "z": zero, "time": zero, "energy": zero}
    where = {"cell": np.arange(hits), "layer": np.array(layers, int), "subsystem": np.array(layers, int) // 4}
    cluster = dict.fromkeys(("u", "v", "sigma_u", "sigma_v", "size_u", "size_v", "cells", "charge"), zero)
    cluster = cluster | {"weight": np.array(weight, float) if weight is not None else zero}
    return Events(
        {
            "hits": Collection.from_counts(np.array([hits]), place | where),
            "clusters": Collection.from_counts(np.array([hits]), cluster),
            "particles": Collection.from_counts(np.array([count]), one),
            "links": Collection.from_counts(np.array([len(hit)]), {"hit": hit, "particle": particle, "weight": share}),
        }
    )


def members(*events: Sequence[Sequence[int]]) -> Collection:
    """Memberships of tracks; each event is a list of tracks, each track a list of hits."""
    track = [number for tracks in events for number, hits in enumerate(tracks) for _ in hits]
    hit = [one for tracks in events for hits in tracks for one in hits]
    counts = [sum(len(hits) for hits in tracks) for tracks in events]
    return Collection.from_counts(np.array(counts), {"track": np.array(track, int), "hit": np.array(hit, int)})
