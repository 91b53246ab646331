"""Hits say where the centre of their blob is."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from hitforge.core import config
from hitforge.representations import Per
from hitforge.tasks import Objects, ObjectTask


def grouped(place: Any, least: int) -> Objects:
    """Hits whose centres are next to the same point of the lattice are one blob."""
    _, owner, size = np.unique(np.rint(place), axis=0, return_inverse=True, return_counts=True)
    owner = owner.ravel()
    number = np.where(size >= least, np.cumsum(size >= least) - 1, -1)[owner]
    hit = np.flatnonzero(number >= 0)
    hit = hit[np.argsort(number[hit], kind="stable")]
    return Objects(number[hit].astype(np.int32), hit.astype(np.int32), int((size >= least).sum()))


class FindBlobs(ObjectTask):
    """Two outputs a hit: the way to the centre."""

    kind: ClassVar[str | None] = "blob"
    per: ClassVar[Per] = "hit"
    usual_metrics: ClassVar[tuple[str, ...]] = ("blob_efficiency",)

    class Config(config.Config):
        """Nothing to set."""

    @property
    def outputs(self) -> int:
        """x and y."""
        return 2

    def torch_loss(self, outputs: Any, target: Any) -> Any:
        """Mean distance."""
        return (outputs - target).abs().mean()

    def objects(self, outputs: Any, inputs: dict[str, Any]) -> Objects:
        """Group the hits."""
        assert self.object_kind is not None
        return grouped(inputs["nodes"] + outputs, self.object_kind.config.min_hits)
