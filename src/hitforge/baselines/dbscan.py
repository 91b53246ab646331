"""DBSCAN on the hits of a calorimeter."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from hitforge.baselines._clusters import ClusteredHits, FinderConfig, ShowerFinder
from hitforge.baselines.clustering import dbscan
from hitforge.core.arrays import Array


class Dbscan(ShowerFinder):
    """DBSCAN in u, v and depth; a scan on training events chooses ``eps`` and ``min_hits_near``."""

    tried: ClassVar[dict[str, tuple[float, ...]]] = {
        "eps": (9.0, 12.0, 16.0, 22.0, 30.0), "min_hits_near": (4.0, 10.0, 15.0, 25.0, 50.0),
    }  # fmt: skip

    class Config(FinderConfig):
        """Distance and density."""

        eps: float = Field(16.0, gt=0, le=1000, description="distance of neighbours in u, v and depth [mm]")
        min_hits_near: float = Field(10.0, ge=1, le=10_000, description="hits within eps of a core, itself included")
        step: float = Field(4.0, ge=0, le=100, description="length in depth that a layer stands for [mm]")

    def labels(self, points: ClusteredHits, settings: dict[str, float]) -> Array:
        """Return the shower of each hit, (K,) int64, -1 for noise."""
        return dbscan(
            points.u, points.v, settings["eps"], settings["min_hits_near"], group=points.event,
            depth=points.layer * self.config.step,
        )  # fmt: skip
