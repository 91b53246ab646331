"""Predictions of tracks whose numbers can be told by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitforge.events import Collection
from hitforge.metrics import Predictions


class Sample:
    """One event after the other, from hits of particles and the hits that tracks share with them."""

    def __init__(self) -> None:
        self.events: list[tuple[list[dict[str, float]], list[dict[str, float]], list[tuple[int, int, int]]]] = []

    def event(self) -> Sample:
        self.events.append(([], [], []))
        return self

    def particle(self, hits: int, **values: float) -> Sample:
        """Add a particle of 2 GeV; its number in the event is twice its place, as if others were left out."""
        particles = self.events[-1][0]
        usual = {"pdg": 13, "charge": -1, "pt": 2.0, "eta": 0.5, "phi": 0.25, "radius": 0.0, "vz": 0.0, "weight": 0.0}
        usual |= {"d0": 0.0, "z0": 0.0, "layers": hits}
        particles.append(usual | {"particle": 2 * len(particles), "hits": hits} | values)
        return self

    def track(self, hits: int, *shared: Sequence[int], **values: float) -> Sample:
        """Add a track; ``shared`` are pairs of a particle's place and the number of hits in common."""
        _, tracks, matches = self.events[-1]
        matches += [(len(tracks), 2 * particle, number) for particle, number in shared]
        tracks.append({"hits": hits} | values)
        return self

    def predictions(self) -> Predictions:
        tables = {}
        for place, name in enumerate(("particles", "tracks")):
            rows = [row for event in self.events for row in event[place]]
            names = rows[0] if rows else {"hits": 0, "particle": 0}
            counts = np.array([len(event[place]) for event in self.events])
            tables[name] = Collection.from_counts(counts, {key: np.array([row[key] for row in rows]) for key in names})
        weight = {
            (number, particle["particle"]): particle["weight"] / max(particle["hits"], 1)
            for number, event in enumerate(self.events)
            for particle in event[0]
        }
        rows = [(number, *match) for number, event in enumerate(self.events) for match in event[2]]
        columns = {
            "track": np.array([row[1] for row in rows], int),
            "particle": np.array([row[2] for row in rows], int),
            "hits": np.array([row[3] for row in rows], int),
            "weight": np.array([weight.get((row[0], row[2]), 0.0) * row[3] for row in rows]),
        }
        tables["matches"] = Collection.from_counts(np.array([len(event[2]) for event in self.events]), columns)
        return Predictions({"number": np.arange(len(self.events))}, tables=tables)
