"""Events of several showers in the small calorimeter, with hits that showers share, noise, and their truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hitforge.events import Collection, Events
from tests.layered import HONEYCOMB, LAYERS

PLANE = 3221.0
KINDS = (11, 22, 211, -211, 111)


def many_showers(
    particles: Sequence[int], seed: int = 1, spots: int = 300, noise: int = 60, spread: float = 80.0, low: float = 10.0
) -> Events:
    """Events of so many particles each, in spots of equal energy about points of the plane near an axis of the event.

    Noise of 20 MeV lies over both sides; one particle of 5 GeV, that is not listed, on the other.

    Args:
        particles: Number of each event.
        seed: Of the numbers.
        spots: Of each particle.
        noise: Hits of each event, half of them on either side.
        spread: Half the edge of the square about the axis that particles lie in [mm].
        low: Least energy; the highest is 100 GeV.
    """
    random = np.random.default_rng(seed)
    parts: list[tuple[Collection, Collection, Collection]] = []
    for number in particles:
        side, slope = random.choice([-1, 1]), 0.25 * np.array([np.cos(seed), np.sin(seed)])
        energy = np.sort(random.uniform(low, 100, number))[::-1]
        pdg = random.choice(KINDS, number)
        at = slope * PLANE + random.uniform(-spread, spread, (number, 2))  # (P, 2)
        owner = np.repeat(np.arange(number), spots)
        layer = np.minimum(random.gamma(4.0, 1.1, len(owner)).astype(np.int64), LAYERS - 1)
        radius, angle = random.exponential(12.0, len(owner)), random.uniform(0, 2 * np.pi, len(owner))
        place = at[owner] + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        place *= HONEYCOMB.layers.z[layer][:, None] / PLANE
        cells = [HONEYCOMB.cell_in(layer, *place.T, np.full(len(owner), side))]
        owners, gave = [owner], [energy[owner] / spots]
        for sign, axis in ((1, 0.0), (-1, 0.0)):  # noise about the axis and about its mirror image
            beside = side * sign * slope * PLANE + axis + random.uniform(-200, 200, (noise // 2, 2))
            layer = random.integers(0, LAYERS, noise // 2)
            cells.append(HONEYCOMB.cell_in(layer, *beside.T, np.full(noise // 2, side * sign)))
            owners.append(np.full(noise // 2, -1))
            gave.append(np.full(noise // 2, 0.02))
        cells.append(HONEYCOMB.cell_in(np.array([3]), *(-slope * PLANE)[:, None], np.array([-side])))
        owners.append(np.array([-1]))
        gave.append(np.array([5.0]))
        parts.append(_event(*(np.concatenate(values) for values in (cells, owners, gave)), pdg, energy, side, at))
    return Events(
        {name: Collection.concatenate([part[i] for part in parts])
         for i, name in enumerate(("hits", "particles", "links"))}
    )  # fmt: skip


def _event(cell: Any, owner: Any, gave: Any, pdg: Any, energy: Any, side: int, at: Any) -> Any:
    """Merge what lies in one cell."""
    unique, hit = np.unique(cell, return_inverse=True)
    x, y, z = HONEYCOMB.position(unique).T
    total, layer = np.bincount(hit, gave), HONEYCOMB.layer(unique)
    hits = {
        "x": x, "y": y, "z": z, "time": np.full(len(unique), 11.0), "energy": total, "cell": unique, "layer": layer,
        "subsystem": HONEYCOMB.layers.section[layer],
    }  # fmt: skip
    pairs, of_pair = np.unique(np.stack([hit, owner], 1)[owner >= 0], axis=0, return_inverse=True)
    share = np.bincount(of_pair.ravel(), gave[owner >= 0], len(pairs)) / total[pairs[:, 0].astype(int)]
    links = {"hit": pairs[:, 0], "particle": pairs[:, 1], "weight": share}
    flight = np.column_stack([at, np.full(len(pdg), side * PLANE)])
    momentum = energy[:, None] * flight / np.linalg.norm(flight, axis=1, keepdims=True)
    none = np.zeros(len(pdg))
    particles = {
        "pdg": pdg, "charge": np.where(np.isin(pdg, (22, 111)), 0, -np.sign(pdg)), "energy": energy,
        **{name: momentum[:, i] for i, name in enumerate(("px", "py", "pz"))},
        **dict.fromkeys(("vx", "vy", "vz", "time"), none), "parent": none - 1,
    }  # fmt: skip
    one = [{name: np.asarray(v) for name, v in columns.items()} for columns in (hits, particles, links)]
    return tuple(Collection.from_counts(np.array([len(next(iter(c.values())))]), c) for c in one)
