"""Events of several showers in fifty layers, and showers that were found, missed, merged, split and made of noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.files import write_arrays
from hitforge.detectors import DETECTORS
from hitforge.events import COLLECTIONS, Collection, Events
from hitforge.metrics import Predictions
from hitforge.objects.shower.matching import match_showers
from tests.targets import target

HGCAL = DETECTORS.build("hgcal", where="test")
PLANE = HGCAL.plane
LAYER_Z = PLANE + np.concatenate([10.0 * np.arange(28), 320.0 + 50.0 * np.arange(22)])
KINDS = np.array([22, 211, 11, -211])


def explain_showers(
    events: Events, predictions: Predictions, folder: Path, detector: Any, metrics: Sequence[Any] = ()
) -> None:
    """Write ``display_shower.npz`` as a run does."""
    arrays = target("shower", detector).display(events, predictions.tables, metrics)
    write_arrays(folder / "display_shower.npz", arrays)


def _flat(parts: list[dict[str, np.ndarray]]) -> Collection:
    counts = np.array([len(next(iter(part.values()))) for part in parts])
    return Collection.from_counts(counts, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def shower_events(
    counts: tuple[int, ...] = (4, 2, 6, 3, 5), seed: int = 5, spots: int = 250, noise: int = 80
) -> Events:
    """Events of so many particles; photons and electrons early and narrow, pions late and wide; cells of 10 mm.

    Noise lies over the square, and a few hits on the other side.
    """
    random = np.random.default_rng(seed)
    parts: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in ("hits", "particles", "links")}
    for number in counts:
        energy = np.sort(random.uniform(20.0, 150.0, number))[::-1]
        pdg = random.choice(KINDS, number)
        hadron = np.abs(pdg) == 211
        centre = np.array([700.0, 350.0])
        at = centre + random.uniform(-90.0, 90.0, (number, 2))
        owner = np.append(np.repeat(np.arange(number), spots), np.full(noise, -1))
        late, true = hadron[owner], owner >= 0
        deep = random.gamma(np.where(late, 4.0, 6.0), np.where(late, 5.0, 1.8)).astype(int)
        layer = np.where(true, np.minimum(deep, 49), random.integers(0, 50, len(owner)))
        radius, angle = random.exponential(np.where(late, 22.0, 9.0)), random.uniform(0, 2 * np.pi, len(owner))
        place = np.where(
            true[:, None],
            at[owner] + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1),
            centre + random.uniform(-200.0, 200.0, (len(owner), 2)),
        )
        cell = np.column_stack([layer, np.floor(place / 10.0)]).astype(np.int64)
        gave = np.where(true, energy[owner] / spots * random.exponential(1.0, len(owner)), 0.03)
        unique, hit = np.unique(cell, axis=0, return_inverse=True)
        hit = hit.ravel()
        total, (depth, column, row) = np.bincount(hit, gave), unique.T
        z = -LAYER_Z[depth]
        x, y = (10.0 * (index + 0.5) * np.abs(z) / PLANE for index in (column, row))
        far = np.arange(len(total)) >= len(total) - 3  # three hits are on the other side, without truth
        columns = {
            "x": x, "y": y, "z": np.where(far, -z, z), "time": 0 * x + 11.0, "energy": np.where(far, 0.5, total),
            "cell": np.arange(len(x)), "layer": depth, "subsystem": np.where(depth < 28, 0, 1),
        }  # fmt: skip
        pair, inverse = np.unique(np.column_stack([hit, owner])[true & ~far[hit]], axis=0, return_inverse=True)
        share = np.bincount(inverse.ravel(), gave[true & ~far[hit]]) / total[pair[:, 0]]
        parts["hits"].append(columns)
        parts["links"].append({"hit": pair[:, 0], "particle": pair[:, 1], "weight": np.minimum(share, 1.0)})
        flight = np.column_stack([at, np.full(number, -PLANE)])
        momentum = energy[:, None] * flight / np.linalg.norm(flight, axis=1, keepdims=True)
        zero = np.zeros(number)
        own = {
            "pdg": pdg,
            "energy": energy,
            "parent": zero - 1,
            **dict(zip(("px", "py", "pz"), momentum.T, strict=True)),
        }
        parts["particles"].append({name: own.get(name, zero) for name in COLLECTIONS["particles"]})
    return Events({name: _flat(tables) for name, tables in parts.items()})


def found_showers(events: Events, worse: float = 0.0, seed: int = 2) -> Predictions:
    """Showers of all particles but the last of each event, which the first takes along in events of an even number.

    Two particles alone are told apart from 80 mm on.

    The second particle is found in two pieces where there are four or more; one shower is of noise, one is a proposal.

    Args:
        events: With truth.
        worse: Share of the hits that showers lose, of showers that are not found, and of the error of energies.
        seed: Of the random numbers.
    """
    random = np.random.default_rng(seed)
    members, parameters = [], []
    for index in range(len(events)):
        hits, particles, links = (
            events.collections[name].slice(index, index + 1) for name in ("hits", "particles", "links")
        )
        number = particles.rows
        shower = np.asarray(links["particle"], np.int64)
        u, v = (particles[name] / particles["pz"] * PLANE for name in ("px", "py"))
        merged = number % 2 == 0 and (number > 2 or np.hypot(*(np.diff(one)[0] for one in (u, v))) < 80.0)
        kept = np.full(len(shower), merged or number == 2) | (shower != number - 1)
        if merged:
            shower = np.where(shower == number - 1, 0, shower)
        if number >= 4:
            shower = np.where((shower == 1) & (links["hit"] % 2 == 0), number, shower)
        kept &= (random.random(len(shower)) > worse) & ~(random.random(number + 1) < 0.5 * worse)[shower]
        side = np.flatnonzero(hits["z"] < 0)
        noise = np.setdiff1d(side, links["hit"])
        row = [shower[kept], np.full(len(noise), number + 1), np.full(5, number + 2)]
        hit = [links["hit"][kept], noise, links["hit"][:5]]
        weight = [links["weight"][kept], np.ones(len(noise)), np.full(5, 0.2)]
        columns = zip(("shower", "hit", "weight"), (row, hit, weight), strict=True)
        members.append({name: np.concatenate(values) for name, values in columns})
        energy = np.append(particles["energy"], [particles["energy"][min(1, number - 1)] / 2, 4.0, 5.0])
        hadron = np.append(np.abs(particles["pdg"]) == 211, [0, 0, 0])
        score = np.append(random.uniform(0.6, 1.0, number + 1), [0.7, 0.05])
        parameters.append(
            {
                "score": score,
                "energy": energy * random.normal(1.0, 0.05 + worse, len(energy)),
                "hadron": np.clip(0.1 + 0.8 * hadron + random.normal(0, 0.1 + worse, len(hadron)), 0.0, 1.0),
            }
        )
    tables = match_showers(events, _flat(members), _flat(parameters), HGCAL)
    return Predictions({}, tables=tables)
