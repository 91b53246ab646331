"""A toy tracker of eight cylinders, and helices through it with noise and overlapping modules."""

from __future__ import annotations

from typing import Any

import numpy as np

from hitforge.core.config import Config
from hitforge.detectors import Modules, TrackerDetector
from hitforge.events import Collection, Events
from hitforge.representations.graph.edges import Hits, Truth
from hitforge.representations.hits.track_hits import TrackHits

RADII = np.array([32.0, 72.0, 116.0, 172.0, 260.0, 360.0, 500.0, 660.0])  # [mm]
SECTORS, RINGS, HALF = 16, 12, 1200.0  # modules in azimuth and along z of a layer; half length [mm]


class ToyTracker(TrackerDetector):
    """Cylinders cut into modules; the outer four are strips."""

    def __init__(self) -> None:
        super().__init__(Config())
        count = len(RADII) * SECTORS * RINGS
        layer = np.repeat(np.arange(len(RADII)), SECTORS * RINGS).astype(np.int32)
        nothing = np.zeros(count)
        self._modules = Modules(
            number=10 * np.arange(count),
            centre=np.zeros((count, 3)),
            axes=np.zeros((count, 3, 3)),
            half_u_low=nothing,
            half_u_high=nothing,
            half_v=nothing,
            pitch_u=nothing,
            pitch_v=nothing,
            layer=layer,
            volume=np.where(layer < 4, 8, 13).astype(np.int32),
            thickness=nothing,
        )

    @property
    def modules(self) -> Modules:
        return self._modules

    @property
    def field(self) -> float:
        return 2.0

    @property
    def pixel_volumes(self) -> tuple[int, ...]:
        return (8,)

    def cell_at(self, position: Any) -> Any:
        raise NotImplementedError

    def neighbours(self, cell: Any) -> Any:
        raise NotImplementedError


def helices(counts: list[int], seed: int = 1, noise: int = 30, overlap: float = 0.05, smear: float = 0.02) -> Events:
    """Events of so many charged particles, 0.6 to 10 GeV, in a field of 2 T, whose hits come in random order."""
    random = np.random.default_rng(seed)
    total = sum(counts)
    pt, phi = np.exp(random.uniform(np.log(0.6), np.log(10), total)), random.uniform(-np.pi, np.pi, total)
    slope, vz = random.uniform(-1.5, 1.5, total), random.normal(0, 50, total)
    charge = random.choice([-1.0, 1.0], total)
    bend = np.arcsin(0.3 * 2.0 * RADII / (2000 * pt[:, None])) * charge[:, None]  # R = pT / (0.3 B)
    arc = 2 * np.abs(bend) * (pt * 1000 / 0.6)[:, None]
    where = phi[:, None] - bend
    z = vz[:, None] + slope[:, None] * arc  # (P, layers)
    event = np.repeat(np.arange(len(counts)), counts)
    particle = np.arange(total) - np.repeat(np.cumsum([0, *counts])[:-1], counts)
    rows = []
    for copy in range(2):
        inside = (np.abs(z) < HALF) & ((copy == 0) | (random.random(z.shape) < overlap))
        p, layer = np.nonzero(inside)
        rows.append(np.stack([event[p], particle[p], layer, where[p, layer], z[p, layer], RADII[layer] + copy], axis=1))
    many = noise * len(counts)
    layer = random.integers(0, len(RADII), many)
    rows.append(
        np.stack(
            [
                np.repeat(np.arange(len(counts)), noise), np.full(many, -1), layer,
                random.uniform(-np.pi, np.pi, many), random.uniform(-HALF, HALF, many), RADII[layer],
            ],
            axis=1,
        )
    )  # fmt: skip
    table = np.concatenate(rows)
    table = table[np.lexsort((random.random(len(table)), table[:, 0]))]
    event, owner, layer = table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2].astype(int)
    around = table[:, 3] + random.normal(0, smear, len(table)) / table[:, 5]
    place = table[:, 4] + random.normal(0, smear, len(table))
    sector = (around % (2 * np.pi) / (2 * np.pi) * SECTORS).astype(int) % SECTORS
    ring = np.clip((place + HALF) / (2 * HALF) * RINGS, 0, RINGS - 1).astype(int)
    hits = {
        "x": table[:, 5] * np.cos(around),
        "y": table[:, 5] * np.sin(around),
        "z": place,
        "time": np.zeros(len(table)),
        "energy": np.zeros(len(table)),
        "cell": 10 * ((layer * SECTORS + sector) * RINGS + ring),
        "layer": layer,
        "subsystem": np.where(layer < 4, 8, 13),
    }
    nothing = np.zeros(total)
    particles = {
        "pdg": nothing + 13,
        "charge": charge,
        "px": pt * np.cos(phi),
        "py": pt * np.sin(phi),
        "pz": pt * slope,
        "energy": pt * np.hypot(1, slope),
        "vx": nothing,
        "vy": nothing,
        "vz": vz,
        "time": nothing,
        "parent": nothing - 1,
    }
    per_event = np.bincount(event, minlength=len(counts))
    local = np.arange(len(table)) - np.repeat(np.cumsum(per_event) - per_event, per_event)
    real = owner >= 0
    links = {"hit": local[real], "particle": owner[real], "weight": np.ones(real.sum())}
    clusters = {
        name: np.full(len(table), 2) for name in ("size_u", "size_v", "cells", "charge", "sigma_u", "sigma_v")
    } | {name: np.zeros(len(table)) for name in ("u", "v", "weight")}
    return Events(
        {
            "hits": Collection.from_counts(per_event, hits),
            "particles": Collection.from_counts(np.array(counts), particles),
            "links": Collection.from_counts(np.bincount(event[real], minlength=len(counts)), links),
            "clusters": Collection.from_counts(per_event, clusters),
        }
    )


def shuffled(events: Events, seed: int = 5) -> tuple[Events, Any]:
    """One event with its hits in another order, and where each of its hits was before."""
    order = np.random.default_rng(seed).permutation(events.hits.rows)
    new = {
        name: Collection(
            events.collections[name].offsets, {k: v[order] for k, v in events.collections[name].columns.items()}
        )
        for name in ("hits", "clusters")
    }
    links = dict(events.links.columns) | {"hit": np.argsort(order)[events.links["hit"]]}
    new |= {"particles": events.particles, "links": Collection(events.links.offsets, links)}
    return Events(new), order


def hits_of(events: Events) -> list[Hits]:
    """The nodes of each event, as edge builders take them."""
    representation = TrackHits(TrackHits.Config(), ToyTracker())
    return [hits for hits, _, _ in representation.each(events)]


def true_set(truth: Truth) -> set[tuple[int, int]]:
    """The true pairs of hits."""
    return set(zip(truth.source.tolist(), truth.destination.tolist(), strict=True))


__all__ = ["ToyTracker", "helices", "hits_of", "shuffled", "true_set"]
