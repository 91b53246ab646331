"""The plain algorithm: the sum of the hits, and the log-weighted centroid of the layers."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.baselines import Sample
from hitforge.baselines._centroid import LINEAR, Candidate, best_candidate, centroids
from hitforge.baselines._scan import Ladder, SearchedSettings
from hitforge.baselines._shower import ShowerBaseline
from hitforge.core.arrays import Array
from hitforge.core.progress import Progress
from hitforge.events import Events
from hitforge.representations.region import Regions


class LogWeightedCentroid(ShowerBaseline):
    """Energy: sum of the region's hits times one factor. Barycentre: log-weighted centroid layer by layer.

    The weights are max(0, w0 + log(E / E of the layer)), Awes et al., NIM A 311 (1992) 130; w0 and the distance from
    the axis up to which hits count are those with the smallest mean absolute error in x and y on training events (the
    energies themselves as weights, the limit of a large w0, are tried too and then recorded as w0 = 1000). The
    depth is the region's, the direction that of the line from the origin to the barycentre. Nothing else is fitted.
    """

    class Config(SearchedSettings):
        """What is tried."""

        w0: tuple[Annotated[float, Field(gt=0, le=20)], ...] = Field(
            (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0), min_length=1, description="offsets of the logarithm to try"
        )
        radii: tuple[Annotated[float, Field(gt=0, le=5000)], ...] = Field(
            (10.0, 15.0, 20.0, 30.0, 60.0, 90.0, 150.0), min_length=1, description="distances from the axis to try [mm]"
        )
        renamed: ClassVar[dict[str, str]] = {"least": "min_hit_mip"}

        min_hit_mip: float = Field(1.0, ge=0, le=100, description="energy that a hit must have to count [MIP]")

    tried: ClassVar[dict[str, Ladder]] = {"min_hit_mip": Ladder((0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0), low_is_end=True)}

    def use(self, settings: Any) -> None:
        """Work with these settings from now on."""
        super().use(settings)
        self._min_hit_energy = settings.min_hit_mip * self.layered.mips

    def learn(self, train: Sample, validation: Sample, progress: Progress) -> dict[str, Any]:
        """Find the factor, w0 and the distance.

        Returns:
            ``factor``, ``w0``, ``radius`` [mm], ``train_events`` and ``seconds``.

        Raises:
            DataError: The events lack the truth, or none has a region.
        """
        start = perf_counter()
        candidates = [Candidate(w0, radius) for w0 in (*self.chosen.w0, LINEAR) for radius in self.chosen.radii]

        def measure(events: Events, regions: Regions) -> dict[str, Array]:
            centre, _ = self._centres(events, regions, candidates)
            return {"raw": regions.energy, "centre": (centre - _middle(regions)[:, None]).astype(np.float32),
                    "reference": _middle(regions)}  # fmt: skip

        table = self.collect(train, "train", progress, measure)
        numbers = {"factor": 1.0, "w0": 3.0, "radius": self.chosen.radii[-1]}
        if "energy" in self.shower.quantities:
            numbers["factor"] = float(np.median(table["energy"] / table["raw"]))
        if "barycentre" in self.shower.quantities:
            best = best_candidate(table["centre"], table["position"][:, :2] - table["reference"])
            numbers |= {"w0": candidates[best].w0, "radius": candidates[best].radius}
        self._numbers = numbers
        return {**numbers, "train_events": len(table["raw"]), "seconds": round(perf_counter() - start, 3)}

    def residuals(self, events: Events, regions: Regions) -> Array:
        """Return the task's outputs, (N, ``task.outputs``)."""
        numbers = self.numbers
        centre, _ = self._centres(events, regions, [Candidate(numbers["w0"], numbers["radius"])])
        position = np.column_stack([centre[:, 0], regions.z])
        slopes = position[:, :2] / np.maximum(np.abs(regions.z), 1.0)[:, None]
        return self.shower.encode(regions, numbers["factor"] * regions.energy, position, slopes)

    def made_for(self) -> dict[str, Any]:
        """Return what must be the same for numbers to be loaded."""
        region, layers = self.shower.region.model_dump(), len(self._min_hit_energy)
        return {"region": region, "min_hit_mip": self.chosen.min_hit_mip, "layers": layers}

    def expected(self) -> set[str]:
        """Return the names of the fitted numbers."""
        return {"factor", "w0", "radius"}

    def _centres(self, events: Events, regions: Regions, candidates: list[Candidate]) -> tuple[Array, Array]:
        return centroids(events, regions, self.layered.plane, candidates, self._min_hit_energy)


def _middle(regions: Regions) -> Array:
    """The region's x and y, (N, 2) [mm]."""
    return np.stack([regions.x, regions.y], axis=1)
