"""A calibrated calorimeter: weighted sums for the energy, a log-weighted centroid, a line for the direction."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.baselines import Sample
from hitforge.baselines._calibration import corrected, energy_weights, response_curve, robust_ridge
from hitforge.baselines._centroid import LINEAR, Candidate, best_candidate, centroids
from hitforge.baselines._scan import Ladder, SearchedSettings
from hitforge.baselines._shower import ShowerBaseline, layer_groups, zone_energies
from hitforge.core.arrays import Array
from hitforge.core.progress import Progress
from hitforge.events import Events
from hitforge.representations.region import Regions

_FARTHEST = 0.2  # of the fitted line's slope from the axis, beyond which it is taken for a failure


class WeightedSum(ShowerBaseline):
    """One weight for each group of layers, in the shower's core and around it.

    Energy: weights, pseudorapidity terms and a constant by least squares of the relative error, robust against few
    wild events; then the response is made 1 at every energy. The ring around the core lets pile-up be subtracted.
    Barycentre: log-weighted centroid with the best w0 and radius; the depth by a linear calibration. Direction: a mix
    of the line from the origin to the barycentre, the region's axis and the line through the layers' centroids, by
    least squares.
    """

    class Config(SearchedSettings):
        """Groups of layers, and what is tried."""

        groups: Literal["sections", "layers"] = Field(
            "layers", description="one weight for each section of the detector, or for each few layers"
        )
        layers: int = Field(2, ge=1, le=100, description="layers in a group, where groups are of layers")
        core: float = Field(40.0, gt=0, le=5000, description="radius of the core, of which the rest is the ring [mm]")
        ridge: float = Field(1e-5, ge=0, le=10, description="draws the weights of an energy towards a common one")
        w0: tuple[Annotated[float, Field(gt=0, le=20)], ...] = Field(
            (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0), min_length=1, description="offsets of the logarithm to try"
        )
        radii: tuple[Annotated[float, Field(gt=0, le=5000)], ...] = Field(
            (10.0, 15.0, 20.0, 30.0, 60.0, 90.0, 150.0), min_length=1, description="distances from the axis to try [mm]"
        )
        renamed: ClassVar[dict[str, str]] = {"least": "min_hit_mip"}

        min_hit_mip: float = Field(1.0, ge=0, le=100, description="energy that a hit must have for the centroid [MIP]")

    tried: ClassVar[dict[str, Ladder]] = {
        "layers": Ladder((1, 2, 3, 4, 6, 8), low_is_end=True),
        "core": Ladder((3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 65.0, 80.0)),
        "ridge": Ladder((1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)),
        "min_hit_mip": Ladder((0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0), low_is_end=True),
    }

    def use(self, settings: Any) -> None:
        """Work with these settings from now on."""
        super().use(settings)
        whole = settings.groups == "sections"
        self._group = layer_groups(self.layered.layers.section, 0 if whole else settings.layers)
        self._min_hit_energy = settings.min_hit_mip * self.layered.mips
        self._candidates = [Candidate(w0, radius) for w0 in (*settings.w0, LINEAR) for radius in settings.radii]

    def learn(self, train: Sample, validation: Sample, progress: Progress) -> dict[str, Any]:
        """Fit weights, response, centroid, depth and direction, as far as the task asks for them.

        Returns:
            ``train_events``, ``seconds``, ``w0``, ``radius`` [mm] and the ``weights`` of the energy.

        Raises:
            DataError: The events lack the truth, or none has a region.
        """
        start = perf_counter()

        def measure(events: Events, regions: Regions) -> dict[str, Array]:
            centre, lines = centroids(events, regions, self.layered.plane, self._candidates, self._min_hit_energy)
            middle = np.stack([regions.x, regions.y], axis=1)
            return {
                "sums": self._sums(events, regions).astype(np.float32),
                "centre": (centre - middle[:, None]).astype(np.float32),
                "lines": lines.astype(np.float32),
                "region": np.column_stack([_table(regions), middle]),
            }

        table = self.collect(train, "train", progress, measure)
        asked, region = self.shower.quantities, table["region"]
        numbers: dict[str, Any] = {
            "weights": [], "answers": [1.0], "energies": [1.0], "w0": 3.0, "radius": 60.0, "depth": [], "line": [],
        }  # fmt: skip
        sums = table["sums"].astype(np.float64)
        if "energy" in asked:
            numbers["weights"] = energy_weights(
                sums, _offsets(region, sums), table["energy"], self.chosen.ridge
            ).tolist()
            answer = _weighted(sums, region, numbers)
            numbers["answers"], numbers["energies"] = response_curve(table["energy"], answer)
        best = self._candidates.index(Candidate(3.0, 60.0)) if Candidate(3.0, 60.0) in self._candidates else 0
        if "barycentre" in asked:
            best = best_candidate(table["centre"], table["position"][:, :2] - region[:, 5:7])
            side = region[:, 0]
            true = table["position"][:, 2] * side - np.abs(region[:, 3])
            right = table["position"][:, 2] * side > 0
            numbers["depth"] = robust_ridge(self._depths(sums, region)[right], true[right], 1e-6).tolist()
        numbers |= {"w0": self._candidates[best].w0, "radius": self._candidates[best].radius}
        if "direction" in asked:
            position = region[:, 5:7] + table["centre"][:, best]
            pointing = position / self._depth(sums, region, numbers)[:, None]
            terms = _line_terms(table["lines"][:, best], pointing, region)
            true = (table["slopes"] - pointing).ravel()
            numbers["line"] = robust_ridge(terms.reshape(-1, terms.shape[2]), true, 1e-6).tolist()
        self._numbers = numbers
        record = {key: numbers[key] for key in ("w0", "radius", "weights")}
        return {"train_events": len(sums), "seconds": round(perf_counter() - start, 3), **record}

    def residuals(self, events: Events, regions: Regions) -> Array:
        """Return the task's outputs, (N, ``task.outputs``)."""
        numbers, region = self.numbers, _table(regions)
        way = [Candidate(numbers["w0"], numbers["radius"])]
        sums = self._sums(events, regions)
        energy = regions.energy
        if numbers["weights"]:
            energy = corrected(_weighted(sums, region, numbers), (numbers["answers"], numbers["energies"]))
        centre, lines = centroids(events, regions, self.layered.plane, way, self._min_hit_energy)
        depth = self._depth(sums, region, numbers)
        position = np.column_stack([centre[:, 0], regions.side * depth])
        slopes = position[:, :2] / depth[:, None]
        if numbers["line"]:
            slopes = slopes + _line_terms(lines[:, 0], slopes, region) @ np.asarray(numbers["line"])
        return self.shower.encode(regions, energy, position, slopes)

    def made_for(self) -> dict[str, Any]:
        """Return what must be the same for numbers to be loaded."""
        c = self.chosen
        return {
            "quantities": self.shower.quantities, "region": self.shower.region.model_dump(),
            "min_hit_mip": c.min_hit_mip, "core": c.core, "group": self._group.tolist(),
        }  # fmt: skip

    def expected(self) -> set[str]:
        """Return the names of the fitted numbers."""
        return {"weights", "answers", "energies", "w0", "radius", "depth", "line"}

    def _sums(self, events: Events, regions: Regions) -> Array:
        """Energies of the groups in the core, then in the ring, (N, 2 groups) [GeV]."""
        settings = self.shower.region
        radii = (min(self.chosen.core, settings.radius), settings.radius)
        zones = zone_energies(events, regions, self.layered.plane, radii, self._group)
        return np.asarray(zones.transpose(0, 2, 1).reshape(len(zones), -1))

    def _depths(self, sums: Array, region: Array) -> Array:
        """What the correction of the region's depth is linear in, (N, P)."""
        half = sums.shape[1] // 2
        heights = np.bincount(self._group, self.layered.layers.z) / np.bincount(self._group)
        core, whole = sums[:, :half], sums[:, :half] + sums[:, half:]
        middle = 0.5 * (heights[0] + heights[-1])
        means = [(part @ heights) / np.maximum(part.sum(axis=1), 1e-9) - np.abs(region[:, 3]) for part in (core, whole)]
        means = [np.clip(part, -500.0, 500.0) for part in means]  # a group without energy has no depth
        offset, logs = np.abs(region[:, 3]) - middle, np.log(np.maximum(region[:, 4], 1e-3))
        tilt = np.hypot(region[:, 1], region[:, 2])
        one = np.ones(len(sums))
        return np.column_stack([one, offset, logs, offset * logs, tilt, *means])

    def _depth(self, sums: Array, region: Array, numbers: dict[str, Any]) -> Array:
        """abs(z) of the barycentre, (N,) [mm]."""
        raw: Array = np.maximum(np.abs(region[:, 3]), 1.0)
        if not numbers["depth"]:
            return raw
        layers = self.layered.layers.z
        depth = raw + self._depths(sums, region) @ np.asarray(numbers["depth"])
        return np.asarray(np.clip(depth, layers[0], layers[-1]), np.float64)


def _table(regions: Regions) -> Array:
    """Side, slopes, z and energy of the regions, (N, 5)."""
    return np.stack([regions.side, regions.slope_x, regions.slope_y, regions.z, regions.energy], axis=1)


def _offsets(region: Array, sums: Array) -> Array:
    """A constant, and the sum times powers of the pseudorapidity beside 2, (N, 3) [GeV]."""
    eta = np.arcsinh(1.0 / np.maximum(np.hypot(region[:, 1], region[:, 2]), 1e-3)) - 2.0
    whole = sums.sum(axis=1)
    return np.column_stack([np.ones(len(sums)), whole * eta, whole * eta**2])


def _weighted(sums: Array, region: Array, numbers: dict[str, Any]) -> Array:
    """The weighted sum, (N,) [GeV], at least a tenth of the plain one, which noise may bring below 0."""
    answer = np.concatenate([sums, _offsets(region, sums)], axis=1) @ np.asarray(numbers["weights"])
    return np.asarray(np.maximum(answer, 0.1 * np.maximum(region[:, 4], 1e-3)))


def _line_terms(lines: Array, pointing: Array, region: Array) -> Array:
    """What the slopes' correction is linear in, (N, 2, 4), pointing being the line from the origin to the barycentre.

    The line through the layers minus pointing, also times log(energy); the region's axis minus pointing; pointing.
    """
    difference, core = (np.clip(way - pointing, -_FARTHEST, _FARTHEST) for way in (lines, region[:, 1:3]))
    logs = np.log(np.maximum(region[:, 4], 1e-3))[:, None]
    return np.stack([difference, difference * logs, core, pointing], axis=2)
