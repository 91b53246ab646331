"""Share of blobs that are found."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from hitforge.core import config
from hitforge.metrics import Metric, Predictions, Result, Value


class BlobEfficiency(Metric):
    """A blob is found if a candidate holds more than half of its hits."""

    kind: ClassVar[str | None] = "blob"

    class Config(config.Config):
        """Nothing to set."""

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``blob_efficiency``."""
        particles, matches = predictions.tables["particles"], predictions.tables["matches"]
        most = {}
        for event, particle, hits in zip(matches.event, matches["particle"], matches["hits"], strict=True):
            most[event, particle] = max(most.get((event, particle), 0), hits)
        rows = zip(particles.event, particles["particle"], particles["hits"], strict=True)
        found = np.array([2 * most.get((event, particle), 0) > hits for event, particle, hits in rows])
        share, text = float(found.mean()), f"blobs of {self.target.min_hits} hits and more"
        return Result({"blob_efficiency": Value(share, share, share, text, len(found))})
