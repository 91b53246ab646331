"""The next point of the lattice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from blob_kind.task import grouped
from hitforge.baselines import Baseline, Sample
from hitforge.core import config
from hitforge.core.progress import Progress
from hitforge.events import Collection, Events
from hitforge.objects import Candidates


class BlobLattice(Baseline):
    """Hits belong to the next point of the lattice."""

    kind: ClassVar[str | None] = "blob"

    class Config(config.Config):
        """Nothing to set."""

    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Learn nothing."""
        return {}

    def outputs(self, events: Events) -> Any:
        """Give none."""
        raise NotImplementedError

    def find(self, events: Events) -> Candidates:
        """Return the blobs."""
        assert self.task.object_kind is not None
        least, parts = self.task.object_kind.config.min_hits, []
        for i in range(len(events)):
            hits = events.hits.slice(i, i + 1)
            parts.append(grouped(np.stack([hits["x"], hits["y"]], 1) / 100.0, least))
        counts = np.array([len(part.hit) for part in parts])
        columns = {"blob": np.concatenate([p.member for p in parts]), "hit": np.concatenate([p.hit for p in parts])}
        return Candidates(Collection.from_counts(counts, columns))

    def save(self, folder: Path) -> None:
        """Write nothing."""

    def load(self, folder: Path) -> None:
        """Read nothing."""
