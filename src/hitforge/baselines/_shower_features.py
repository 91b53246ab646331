"""What is told of a cluster of hits beside its energy, so that trees can say how much was missed and what it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit

_GROUPS = 10  # of layers, whose shares of the energy are told
_RADII = (10.0, 25.0, 50.0, 100.0)  # about the centre, in pointing coordinates [mm]
_NEAR = 1e4  # distance to the nearest other shower where there is none [mm]

NAMES = (
    "log_energy", "log_hits", "hottest_share", "depth", "depth_width", "depth_skewness", "first_layer", "last_layer",
    "widest_layer_share", "widest_layer", "log_mips", "above_5_mip", "above_10_mip", "below_3_mip_share",
    *(f"layers_{i}_share" for i in range(_GROUPS)), "width_major", "width_minor", "radius",
    *(f"within_{r:g}" for r in _RADII), *(f"others_within_{r:g}" for r in _RADII),
    "showers", "rank", "energy_share", "nearest", "nearest_energy",
)  # fmt: skip
"""Names of the features, in order."""


@dataclass(frozen=True)
class ClusteredHits:
    """The K hits that are clustered.

    Attributes:
        row: Row in the collection of hits, (K,) int64.
        event: (K,) int64.
        x: (K,) float64 [mm].
        y: (K,) [mm].
        u: Pointing coordinate, (K,) [mm].
        v: (K,) [mm].
        layer: (K,) int64.
        energy: (K,) float64 [GeV].
        mip: Energy of a minimum ionising particle in the layer, (K,) [GeV].
    """

    row: Array
    event: Array
    x: Array
    y: Array
    u: Array
    v: Array
    layer: Array
    energy: Array
    mip: Array


def shower_features(points: ClusteredHits, label: Array, showers: int, layers: int) -> Array:
    """Return the features ``NAMES`` of each shower, (S, F) float32.

    Depths are layers. ``within_...`` are shares of the shower's energy about its centre, ``others_within_...`` what
    all other hits hold there, over its energy; widths are root mean squares in pointing coordinates [mm].

    Args:
        points: All hits that are clustered, K of them.
        label: Shower of each hit, (K,) int64, -1 for none; each shower has hits of one event, with energy.
        showers: Number of showers, S.
        layers: Number of layers.
    """
    own = np.flatnonzero(label >= 0)
    shower, energy, layer = label[own], points.energy[own], points.layer[own].astype(np.float64)
    mips = energy / points.mip[own]

    def total(values: Array) -> Array:
        return np.bincount(shower, values, showers)

    raw, hits = total(energy), np.bincount(shower, minlength=showers)
    safe, number = np.maximum(raw, 1e-12), np.maximum(hits, 1)
    depth = total(energy * layer) / safe
    away = layer - depth[shower]
    spread = np.sqrt(total(energy * away**2) / safe)
    skewness = total(energy * away**3) / safe / np.maximum(spread, 0.1) ** 3
    profile = np.bincount(shower * layers + points.layer[own], energy, showers * layers).reshape(showers, layers)
    hottest, first, last = np.zeros(showers), np.full(showers, float(layers)), np.zeros(showers)
    np.maximum.at(hottest, shower, energy)
    np.minimum.at(first, shower, layer)
    np.maximum.at(last, shower, layer)
    group = np.arange(layers) * _GROUPS // layers
    shares = np.stack([profile[:, group == i].sum(axis=1) for i in range(_GROUPS)], axis=1) / safe[:, None]
    centre = np.stack([total(energy * at[own]) / safe for at in (points.u, points.v)], axis=1)
    du, dv = points.u[own] - centre[shower, 0], points.v[own] - centre[shower, 1]
    uu, vv, uv = (total(energy * product) / safe for product in (du * du, dv * dv, du * dv))
    middle, half = 0.5 * (uu + vv), np.sqrt((0.5 * (uu - vv)) ** 2 + uv**2)
    event = np.zeros(showers, np.int64)
    event[shower] = points.event[own]
    around = _around(points.event, points.u, points.v, points.energy, label, event, centre, np.array(_RADII))
    columns = [
        np.log(safe), np.log(number), hottest / safe, depth, spread, skewness, first, last,
        profile.max(axis=1) / safe, profile.argmax(axis=1), np.log(np.maximum(total(mips), 1e-12)),
        total(mips > 5) / number, total(mips > 10) / number, total(energy * (mips < 3)) / safe, *shares.T,
        np.sqrt(middle + half), np.sqrt(np.maximum(middle - half, 0.0)), np.hypot(*centre.T),
        *(around / safe[:, None, None]).reshape(showers, 2 * len(_RADII)).T, *_company(event, raw, centre).T,
    ]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32) if showers else np.zeros((0, len(NAMES)), np.float32)


def _company(event: Array, raw: Array, centre: Array) -> Array:
    """Of each shower, (S, 5): showers of the event, rank and share of the energy, the nearest one and its energy."""
    table = np.zeros((len(event), 5))
    table[:, 3] = _NEAR
    order = np.argsort(event, kind="stable")
    bounds = np.flatnonzero(np.diff(event[order])) + 1
    for rows in np.split(order, bounds) if len(order) else []:
        energy = raw[rows]
        table[rows, 0] = len(rows)
        table[rows[np.argsort(-energy, kind="stable")], 1] = np.arange(len(rows))
        table[rows, 2] = energy / max(energy.sum(), 1e-12)
        if len(rows) > 1:
            gap = np.hypot(*np.moveaxis(centre[rows][:, None] - centre[rows][None], 2, 0))
            np.fill_diagonal(gap, np.inf)
            near = gap.argmin(axis=1)
            table[rows, 3], table[rows, 4] = gap.min(axis=1), energy[near] / np.maximum(energy, 1e-12)
    return table


@njit(nogil=True, cache=True)
def _around(event, u, v, energy, label, of_shower, centre, radii):  # type: ignore[no-untyped-def]
    """Energy within each radius of a shower's centre, of its own hits and of all others, (S, 2, R)."""
    showers, steps = len(of_shower), len(radii)
    result = np.zeros((showers, 2, steps))
    count = 0
    for shower in of_shower:
        count = max(count, shower + 1)
    for hit in event:
        count = max(count, hit + 1)
    begin = np.zeros(count + 1, np.int64)
    for shower in of_shower:
        begin[shower + 1] += 1
    for i in range(count):
        begin[i + 1] += begin[i]
    place, order = begin[:-1].copy(), np.empty(showers, np.int64)
    for shower in range(showers):
        order[place[of_shower[shower]]] = shower
        place[of_shower[shower]] += 1
    for hit in range(len(event)):
        for k in range(begin[event[hit]], begin[event[hit] + 1]):
            shower = order[k]
            square = (u[hit] - centre[shower, 0]) ** 2 + (v[hit] - centre[shower, 1]) ** 2
            kind = 0 if label[hit] == shower else 1
            for step in range(steps):
                if square <= radii[step] ** 2:
                    result[shower, kind, step] += energy[hit]
    return result
