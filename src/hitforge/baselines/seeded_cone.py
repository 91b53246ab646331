"""Cones of fixed size about the places that most energy points to."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from hitforge.baselines._clusters import ClusteredHits, FinderConfig, ShowerFinder
from hitforge.baselines.clustering import cones
from hitforge.core.arrays import Array


class SeededCone(ShowerFinder):
    """Cones from the origin about local maxima of the energy; a scan on training events chooses sizes and spacing."""

    tried: ClassVar[dict[str, tuple[float, ...]]] = {
        "core": (4.0, 7.0, 15.0), "radius": (50.0, 80.0, 120.0, 180.0), "apart": (8.0, 12.0, 20.0, 35.0),
    }  # fmt: skip

    class Config(FinderConfig):
        """Sizes in pointing coordinates."""

        core: float = Field(15.0, gt=0, le=1000, description="radius within which a seed's energy is summed [mm]")
        seed: float = Field(2.0, ge=0, le=1e4, description="least energy of a seed [GeV]")
        radius: float = Field(50.0, gt=0, le=5000, description="of a cone [mm]")
        apart: float = Field(35.0, gt=0, le=5000, description="seeds lie at least this far apart [mm]")

    def labels(self, points: ClusteredHits, settings: dict[str, float]) -> Array:
        """Return the cone of each hit, (K,) int64, -1 for none."""
        return cones(
            points.u, points.v, points.energy, points.event, core=settings["core"], apart=settings["apart"],
            radius=settings["radius"], min_seed=self.config.seed,
        )  # fmt: skip
