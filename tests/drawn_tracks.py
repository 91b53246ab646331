"""A tracker of ten layers around the beam, events of helices in it, and tracks that were found, faked and doubled."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.files import write_arrays
from hitforge.detectors import Modules, TrackerDetector
from hitforge.events import COLLECTIONS, Collection, Events, FieldInfo
from hitforge.metrics import Predictions
from hitforge.objects.track.matching import match
from tests.targets import target

RADII = 35.0 * 1.45 ** np.arange(10)  # [mm]
SIDES = 16


def explain_tracks(events: Events, predictions: Predictions, folder: Path, **cuts: Any) -> None:
    """Write ``display_track.npz`` as a run does."""
    write_arrays(folder / "display_track.npz", target("track", **cuts).display(events, predictions.tables))


class Rings(TrackerDetector):
    """Ten layers of sixteen long sensors; number = 100 * layer + side."""

    @cached_property
    def modules(self) -> Modules:
        layer, side = np.divmod(np.arange(len(RADII) * SIDES), SIDES)
        angle, radius = 2 * np.pi * side / SIDES, RADII[layer]
        zero, one = np.zeros(len(layer)), np.ones(len(layer))
        out = np.stack([np.cos(angle), np.sin(angle), zero], axis=1)
        u = np.stack([-np.sin(angle), np.cos(angle), zero], axis=1)
        axes = np.stack([u, np.broadcast_to([0.0, 0.0, 1.0], u.shape), out], axis=1)
        half = radius * np.tan(np.pi / SIDES)
        centre, volume = radius[:, None] * out, np.where(layer < 4, 8, 13).astype(np.int32)
        rest = 1500.0 * one, 0.05 * one, 0.5 * one, layer.astype(np.int32), volume, 0.3 * one
        return Modules(100 * layer + side, centre, axes, half, half, *rest)

    @property
    def field(self) -> float:
        return 2.0

    @property
    def pixel_volumes(self) -> tuple[int, ...]:
        return (8,)

    def cell_at(self, position: np.ndarray) -> np.ndarray:
        x, y, _ = position.T
        layer = np.abs(RADII - np.hypot(x, y)[:, None]).argmin(axis=1)
        return 100 * layer + np.rint(np.arctan2(y, x) * SIDES / (2 * np.pi)).astype(int) % SIDES

    def neighbours(self, cell: np.ndarray) -> np.ndarray:
        return np.stack([cell // 100 * 100 + (cell + step) % 100 % SIDES for step in (-1, 1)], axis=1)


def helices(counts: tuple[int, ...] = (20, 12, 40, 5), noise: int = 30) -> tuple[Events, Rings]:
    """Events of particles from the beam line, in a field of 2 T, with noise; the hits are in random order."""
    random, detector = np.random.default_rng(3), Rings(Rings.Config())
    rows: dict[str, list[np.ndarray]] = {"hits": [], "particles": [], "links": []}
    for count in counts:
        pt, eta = 0.6 + random.exponential(1.5, count), random.uniform(-1.5, 1.5, count)
        phi, charge = random.uniform(-np.pi, np.pi, count), random.choice([-1, 1], count)
        start = random.normal(0.0, 30.0, count)
        turn = np.arcsin(np.minimum(RADII * 0.0003 / pt[:, None], 1.0)) * charge[:, None]  # sagitta at 2 T
        at = phi[:, None] - turn  # (K, L)
        x, y = RADII * np.cos(at), RADII * np.sin(at)
        z = start[:, None] + RADII * np.sinh(eta)[:, None]
        true = np.stack([x, y, z], axis=-1).reshape(-1, 3)
        angle = random.uniform(-np.pi, np.pi, noise)
        far = RADII[random.integers(0, len(RADII), noise)]
        wrong = np.stack([far * np.cos(angle), far * np.sin(angle), random.uniform(-500, 500, noise)], axis=1)
        place = np.concatenate([true, wrong])
        order = random.permutation(len(place))
        where = np.argsort(order)[: len(true)]
        rows["hits"].append(place[order])
        zero = np.zeros(count)
        kind = np.where(charge > 0, 211, -211)
        px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
        energy = np.hypot(pt * np.cosh(eta), 0.14)
        rows["particles"].append(
            np.stack([kind, charge, px, py, pz, energy, zero, zero, start, zero, zero - 1], axis=1)
        )
        owner = np.repeat(np.arange(count), len(RADII))
        rows["links"].append(np.stack([where, owner, np.ones(len(where))], axis=1))
    flat = {name: np.concatenate(parts) for name, parts in rows.items()}
    sizes = {name: np.array([len(part) for part in parts]) for name, parts in rows.items()}
    cell = detector.cell_at(flat["hits"])
    row = detector.row(cell)
    zero = np.zeros(len(cell))
    hits = dict(zip("xyz", flat["hits"].T, strict=True)) | {"time": zero, "energy": zero, "cell": cell}
    hits |= {"layer": detector.modules.layer[row], "subsystem": detector.modules.volume[row]}
    truth = {name: dict(zip(COLLECTIONS[name], flat[name].T, strict=True)) for name in ("particles", "links")}
    tables = {"hits": hits, **truth}
    mu = np.full(len(counts), 20.0)
    events = Events(
        {name: Collection.from_counts(sizes[name], table) for name, table in tables.items()},
        {"mu": mu},
        {"mu": FieldInfo("float32", "", "pile-up")},
    )
    return events, detector


def found_tracks(events: Events, fitted: bool = True) -> Predictions:
    """Tracks of all particles but the hardest of each event, the second twice, and one of hits of three others."""
    tracks, members = [], []
    for index in range(len(events)):
        links, particles = (events.collections[name].slice(index, index + 1) for name in ("links", "particles"))
        pt = np.hypot(particles["px"], particles["py"])
        rank = np.argsort(-pt)
        hits_of = [links["hit"][links["particle"] == one] for one in range(len(pt))]
        mine = [hits_of[one] for one in rank[1:]]
        mine.append(hits_of[rank[1]][:8])
        mine.append(np.concatenate([hits_of[one][:3] for one in rank[2:5]]))
        best = np.append(rank[1:], [rank[1], rank[2]])
        eta = np.arcsinh(particles["pz"] / pt)[best]
        phi = np.arctan2(particles["py"], particles["px"])[best]
        curve = 1.0 / (pt[best] * np.cosh(eta))
        tracks.append({"q_over_p": curve, "theta": 2.0 * np.arctan(np.exp(-eta)), "phi": phi})
        number = np.repeat(np.arange(len(mine)), [len(one) for one in mine])
        members.append({"track": number, "hit": np.concatenate(mine)})
    found = _flat(members)
    tables = match(events, found, _flat(tracks) if fitted else None)
    return Predictions({}, tables={**tables, "members": found})


def _flat(parts: list[dict[str, np.ndarray]]) -> Collection:
    counts = np.array([len(next(iter(part.values()))) for part in parts])
    return Collection.from_counts(counts, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
