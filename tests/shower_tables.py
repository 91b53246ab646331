"""Predictions of showers whose numbers can be told by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from hitforge.events import Collection
from hitforge.metrics import Predictions

_PARTICLE = {"pdg": 22, "kind": 0, "energy": 50.0, "deposited": 40.0, "u": 0.0, "v": 0.0, "depth": 9.0}
_COLUMNS = {
    "particles": ("particle", *_PARTICLE, "nearest", "eta"),
    "showers": ("score", "energy", "hadron", "raw", "of_particles", "u", "v"),
    "matches": ("shower", "particle", "shared", "union"),
}


class Sample:
    """One event after the other, from particles and the showers that share energy with them."""

    def __init__(self) -> None:
        self.events: list[dict[str, list[dict[str, float]]]] = []

    def event(self) -> Sample:
        self.events.append({name: [] for name in _COLUMNS})
        return self

    def particle(self, **values: float) -> Sample:
        """Add a photon of 50 GeV, of which 40 GeV are deposited; its number in the event is twice its place."""
        rows = self.events[-1]["particles"]
        rows.append({**_PARTICLE, "nearest": np.inf, "eta": -2.0, "particle": 2 * len(rows)} | values)
        return self

    def shower(self, score: float, *shared: tuple[int, float], raw: float = 40.0, **values: float) -> Sample:
        """Add a shower of 50 GeV; ``shared`` are pairs of a particle's place and the energy in common."""
        event = self.events[-1]
        for particle, energy in shared:
            union = raw + event["particles"][particle]["deposited"] - energy
            row = {"shower": len(event["showers"]), "particle": particle, "shared": energy, "union": union}
            event["matches"].append(row)
        given = min(sum(energy for _, energy in shared), raw)
        row = {"score": score, "energy": 50.0, "hadron": 0.0, "raw": raw, "of_particles": given, "u": 0.0, "v": 0.0}
        event["showers"].append(row | values)
        return self

    def pair(self, separation: float, found: bool, measured: bool = True, **values: float) -> Sample:
        """Add an event with two particles and a shower of each; none of the second, or with half of its energy."""
        self.event().particle(nearest=separation, **values).particle(nearest=separation, **values)
        energy = values.get("energy", 50.0)
        self.shower(0.9, (0, 40.0), energy=1.1 * energy)
        return self.shower(0.9, (1, 40.0), energy=energy if measured else 0.5 * energy) if found else self

    def predictions(self) -> Predictions:
        tables: dict[str, Any] = {}
        for name, columns in _COLUMNS.items():
            rows = [row for event in self.events for row in event[name]]
            counts = np.array([len(event[name]) for event in self.events], np.int64)
            integer = {"particle", "shower", "pdg", "kind"}
            values = {key: np.array([row[key] for row in rows], int if key in integer else float) for key in columns}
            tables[name] = Collection.from_counts(counts, values)
        return Predictions({"number": np.arange(len(self.events))}, tables=tables)


def perfect(events: int = 20, seed: int = 1) -> Sample:
    """Showers that are the particles, two to five an event, half of them hadrons."""
    random, sample = np.random.default_rng(seed), Sample()
    for _ in range(events):
        sample.event()
        count = int(random.integers(2, 6))
        for number in range(count):
            energy = float(random.uniform(20, 200))
            kind = number % 2
            particle = {
                "energy": energy,
                "deposited": 0.9 * energy,
                "nearest": 40.0,
                "kind": kind,
                "pdg": (22, 211)[kind],
            }
            sample.particle(**particle)
            score, hadron = float(random.random()), 0.1 + 0.8 * kind
            sample.shower(score, (number, 0.9 * energy), raw=0.9 * energy, energy=energy, hadron=hadron)
    return sample
