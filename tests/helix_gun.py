"""Events of exact helices through the silicon tracker's sensors: no material, errors of the measurement or none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.random import stream
from hitforge.core.units import CURVATURE
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events

Array = NDArray[Any]
TRACKER: Any = DETECTORS.build("silicon_barrel_endcap", where="test")


def gun(
    events: int, multiplicity: int, seed: int, *, smear: bool, spread: float = 0.5, largest: float = 2.0
) -> tuple[Events, Collection, dict[str, Array]]:
    """Return events, the true membership of hits, and the true parameters of each track; hits in random order.

    Impact parameters are Gaussian with ``spread`` [mm], pt is flat from 1 to 10 GeV, eta up to ``largest``.
    """
    random = stream(seed, "helix gun")
    number = events * multiplicity
    charge = random.choice([-1.0, 1.0], number)
    pt, eta = random.uniform(1, 10, number), random.uniform(-largest, largest, number)
    truth = {
        "loc0": random.normal(0, spread, number), "z0": random.normal(0, 50, number),
        "phi": random.uniform(-np.pi, np.pi, number), "theta": 2 * np.arctan(np.exp(-eta)),
        "q_over_p": charge / (pt * np.cosh(eta)),
    }  # fmt: skip
    rho = -CURVATURE * TRACKER.field * charge / pt  # change of phi over the length of the arc
    # at most 4 mm in space: longer ones pass over discs at large eta, which then look like holes
    steps = np.arange(10.0, 1400.0, 4.0 / np.cosh(largest))
    coarse = _at(truth, rho, np.broadcast_to(steps, (number, len(steps))))  # (P, S, 3)
    cell = TRACKER.cell_at(coarse.reshape(-1, 3)).reshape(number, -1)
    owner, step = np.nonzero(cell >= 0)
    _, first = np.unique(np.stack([owner, cell[owner, step]]), axis=1, return_index=True)
    owner, arc, cell = owner[first], steps[step[first]], cell[owner[first], step[first]]
    row, modules = TRACKER.row(cell), TRACKER.modules
    one = {name: values[owner] for name, values in truth.items()}
    for _ in range(6):  # Newton: to the sensor's plane
        place = _at(one, rho[owner], arc[:, None])[:, 0]
        slope = (_at(one, rho[owner], arc[:, None] + 0.01)[:, 0] - place) / 0.01
        normal = modules.axes[row, 2]
        arc = arc - ((place - modules.centre[row]) * normal).sum(1) / (slope * normal).sum(1)
    away = _at(one, rho[owner], arc[:, None])[:, 0] - modules.centre[row]
    u, v, w = np.einsum("nij,nj->in", modules.axes[row], away)
    low, high = modules.half_u_low[row], modules.half_u_high[row]
    width = low + (high - low) * (v / modules.half_v[row] + 1.0) / 2.0
    keep = (np.abs(u) < width) & (np.abs(v) < modules.half_v[row]) & (np.abs(w) < 1e-6)
    owner, u, v, cell, row = owner[keep], u[keep], v[keep], cell[keep], row[keep]
    sigma = np.stack([modules.pitch_u[row], modules.pitch_v[row]]) / np.sqrt(12.0)
    if smear:
        u, v = np.stack([u, v]) + sigma * random.normal(size=sigma.shape)
    order = np.lexsort((random.uniform(size=len(owner)), owner // multiplicity))
    owner, u, v, cell, row, sigma = owner[order], u[order], v[order], cell[order], row[order], sigma[:, order]
    x, y, z = TRACKER.to_global(cell, u, v).T
    zero = np.zeros(len(owner))
    counts = np.bincount(owner // multiplicity, minlength=events)
    hits = {"x": x, "y": y, "z": z, "time": zero, "energy": zero, "cell": cell}
    hits |= {"layer": modules.layer[row], "subsystem": modules.volume[row]}
    clusters = {"u": u, "v": v, "sigma_u": sigma[0], "sigma_v": sigma[1]}
    clusters |= dict.fromkeys(("size_u", "size_v", "cells", "charge", "weight"), zero)
    hit = np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner // multiplicity]
    members = Collection.from_counts(counts, {"track": owner % multiplicity, "hit": hit})
    tables = {name: Collection.from_counts(counts, table) for name, table in (("hits", hits), ("clusters", clusters))}
    return Events(tables), members, truth


def _at(truth: dict[str, Array], rho: Array, arc: Array) -> Array:
    """Points of helices, (P, S) -> (P, S, 3)."""
    phi, rho = truth["phi"][:, None], rho[:, None]
    turned = phi + rho * arc
    x = -truth["loc0"][:, None] * np.sin(phi) + (np.sin(turned) - np.sin(phi)) / rho
    y = truth["loc0"][:, None] * np.cos(phi) - (np.cos(turned) - np.cos(phi)) / rho
    return np.stack([x, y, truth["z0"][:, None] + arc / np.tan(truth["theta"])[:, None]], axis=-1)


def shuffled(events: Events, seed: int) -> tuple[Events, list[Array]]:
    """The same events with the hits of each in another order, and where each old hit went."""
    random, moved, rows = stream(seed, "shuffle"), [], []
    for event in range(len(events)):
        order = random.permutation(int(events.hits.counts[event]))  # old hit at each new place
        rows.append(order + events.hits.offsets[event])
        moved.append(np.argsort(order))
    row = np.concatenate(rows)
    tables = {
        name: Collection(table.offsets, {key: values[row] for key, values in table.columns.items()})
        for name, table in events.collections.items()
    }
    return Events(tables), moved
