"""Events of a calorimeter whose hits have energy of known particles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hitforge.events import Collection, Events

Hit = tuple[float, Mapping[int, float]]
"""Energy, and the share of it that each particle gave."""


def event(hits: Sequence[Hit], particles: int = 2, places: Sequence[Sequence[float]] = (), **columns: object) -> Events:
    """One event; hits stand at ``places`` (x, y, z, layer), particles fly along z from the origin."""
    where = np.array(places if len(places) else [[0, 0, 3221.0, 1]] * len(hits), float).reshape(-1, 4)
    zero, count = np.zeros(len(hits)), len(hits)
    links = [(number, particle, share) for number, (_, given) in enumerate(hits) for particle, share in given.items()]
    hit, particle, share = np.array(links, float).reshape(-1, 3).T
    one = {
        "pdg": np.full(particles, 22), "charge": np.zeros(particles), "px": np.zeros(particles),
        "py": np.zeros(particles), "pz": np.full(particles, 50.0), "energy": np.full(particles, 50.0),
        "vx": np.zeros(particles), "vy": np.zeros(particles), "vz": np.zeros(particles), "time": np.zeros(particles),
        "parent": np.full(particles, -1),
    } | {name: np.array(values) for name, values in columns.items()}  # fmt: skip
    seen = {
        "x": where[:, 0], "y": where[:, 1], "z": where[:, 2], "time": zero, "layer": where[:, 3].astype(np.int32),
        "energy": np.array([energy for energy, _ in hits], np.float32), "cell": np.arange(count),
        "subsystem": np.zeros(count, np.int32),
    }  # fmt: skip
    told = {"hit": hit.astype(np.int32), "particle": particle.astype(np.int32), "weight": share.astype(np.float32)}
    return Events(
        {
            "hits": Collection.from_counts(np.array([count]), seen),
            "particles": Collection.from_counts(np.array([particles]), one),
            "links": Collection.from_counts(np.array([len(hit)]), told),
        }
    )


def found(*events: Sequence[Mapping[int, float]], **columns: Sequence[float]) -> tuple[Collection, Collection]:
    """Members and parameters of showers; each event is a list of showers, each the share of each of its hits."""
    rows = [
        (number, hit, share) for showers in events for number, own in enumerate(showers) for hit, share in own.items()
    ]
    shower, hit, weight = np.array(rows, float).reshape(-1, 3).T
    total = sum(len(showers) for showers in events)
    usual = {"score": np.ones(total), "energy": np.full(total, 50.0), "hadron": np.zeros(total)}
    members = {"shower": shower.astype(np.int32), "hit": hit.astype(np.int32), "weight": weight.astype(np.float32)}
    return (
        Collection.from_counts(np.array([sum(len(own) for own in showers) for showers in events]), members),
        Collection.from_counts(
            np.array([len(showers) for showers in events]), usual | {k: np.array(v) for k, v in columns.items()}
        ),
    )
