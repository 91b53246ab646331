"""Cones of fixed size about the places that most energy points to."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from hitforge.baselines._clusters import TRIED, FinderConfig, ShowerFinder
from hitforge.baselines._scan import Ladder
from hitforge.baselines._shower_features import ClusteredHits
from hitforge.baselines.clustering import cones
from hitforge.core.arrays import Array


class SeededCone(ShowerFinder):
    """Cones from the origin about local maxima of the energy; a scan on training events chooses sizes and spacing."""

    tried: ClassVar[dict[str, Ladder]] = {
        "core": Ladder((1.0, 2.0, 4.0, 7.0, 10.0, 15.0, 22.0, 35.0)),
        "seed": Ladder((0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0, 20.0), low_is_end=True),
        "apart": Ladder((4.0, 8.0, 12.0, 16.0, 20.0, 27.0, 35.0, 50.0, 70.0)),
        "radius": Ladder((15.0, 25.0, 35.0, 50.0, 80.0, 120.0, 180.0, 300.0, 500.0, 1000.0), high_is_end=True),
        **TRIED,
    }

    class Config(FinderConfig):
        """Sizes in pointing coordinates."""

        core: float = Field(7.0, gt=0, le=1000, description="radius within which a seed's energy is summed [mm]")
        seed: float = Field(2.0, ge=0, le=1e4, description="least energy of a seed [GeV]")
        radius: float = Field(180.0, gt=0, le=5000, description="of a cone [mm]")
        apart: float = Field(12.0, gt=0, le=5000, description="seeds lie at least this far apart [mm]")

    def labels(self, points: ClusteredHits, settings: Config) -> Array:
        """Return the cone of each hit, (K,) int64, -1 for none."""
        return cones(
            points.u, points.v, points.energy, points.event, core=settings.core, apart=settings.apart,
            radius=settings.radius, min_seed=settings.seed,
        )  # fmt: skip
