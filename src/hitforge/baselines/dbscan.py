"""DBSCAN on the hits of a calorimeter."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from hitforge.baselines._clusters import TRIED, FinderConfig, ShowerFinder
from hitforge.baselines._scan import Ladder
from hitforge.baselines._shower_features import ClusteredHits
from hitforge.baselines.clustering import dbscan
from hitforge.core.arrays import Array


class Dbscan(ShowerFinder):
    """DBSCAN in u, v and depth; a scan on training events chooses distance, density and depth."""

    tried: ClassVar[dict[str, Ladder]] = {
        "eps": Ladder((3.0, 5.0, 7.0, 9.0, 12.0, 16.0, 22.0, 30.0, 42.0, 60.0)),
        "min_hits_near": Ladder((1.0, 2.0, 4.0, 6.0, 10.0, 15.0, 25.0, 40.0, 60.0, 100.0, 160.0, 250.0, 400.0)),
        "step": Ladder((0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0)),
        **TRIED,
    }

    class Config(FinderConfig):
        """Distance and density."""

        eps: float = Field(12.0, gt=0, le=1000, description="distance of neighbours in u, v and depth [mm]")
        min_hits_near: float = Field(15.0, ge=1, le=10_000, description="hits within eps of a core, itself included")
        step: float = Field(4.0, ge=0, le=100, description="length in depth that a layer stands for [mm]")

    def labels(self, points: ClusteredHits, settings: Config) -> Array:
        """Return the shower of each hit, (K,) int64, -1 for noise."""
        return dbscan(
            points.u, points.v, settings.eps, settings.min_hits_near, group=points.event,
            depth=points.layer * settings.step,
        )  # fmt: skip
