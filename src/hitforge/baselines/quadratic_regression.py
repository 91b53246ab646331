"""Ridge regression on all products of two shower shapes: the best that a quadratic formula does."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.baselines import Sample
from hitforge.baselines._centroid import LINEAR, Candidate, centroids
from hitforge.baselines._scan import Ladder, SearchedSettings
from hitforge.baselines._shower import ShowerBaseline, layer_groups, zone_energies
from hitforge.core.arrays import Array
from hitforge.core.progress import Progress
from hitforge.events import Events
from hitforge.representations.region import Regions
from hitforge.representations.region.summary import SUMMARY, summarise

_CLIP = 6.0  # standard deviations, beyond which a feature or a residual tells nothing more
_BLOCK = 4096


class QuadraticRegression(ShowerBaseline):
    """Each output of the task as a quadratic polynomial of shower shapes, by ridge regression.

    Shapes: the summary of the region that networks get too, shares of the energy by groups of layers in the core and
    around it, centroids by several weights and the slopes of the line through the layers, all counted from the
    region, whose slopes, side and inverse energy are shapes too. They are standardised; the normal equations are
    summed over blocks of events, so only the shapes are held in memory. The ridge is the one with the smallest mean
    absolute error of the validation events, chosen for each output.
    """

    class Config(SearchedSettings):
        """Shapes and ridges."""

        layers: int = Field(8, ge=1, le=100, description="layers in a group of the energy shares")
        core: float = Field(40.0, gt=0, le=5000, description="radius of the core, of which the rest is the ring [mm]")
        w0: tuple[Annotated[float, Field(gt=0, le=20)], ...] = Field(
            (3.0, 5.0), description="offsets of the logarithm of the centroids, beside one with the energies as weights"
        )
        radii: tuple[Annotated[float, Field(gt=0, le=5000)], ...] = Field(
            (30.0, 90.0), min_length=1, description="distances from the axis of the centroids' hits [mm]"
        )
        renamed: ClassVar[dict[str, str]] = {"least": "min_hit_mip"}

        min_hit_mip: float = Field(1.0, ge=0, le=100, description="energy that a hit must have for a centroid [MIP]")
        ridges: tuple[Annotated[float, Field(gt=0, le=1e3)], ...] = Field(
            (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0),
            min_length=1,
            description="penalties to try, of standardised terms",
        )

    tried: ClassVar[dict[str, Ladder]] = {
        "layers": Ladder((2, 3, 4, 6, 8, 12, 16, 24)),
        "core": Ladder((3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 65.0, 80.0)),
        "w0": Ladder(((3.0, 5.0), (2.0, 4.0), (1.5, 3.0), (2.0, 3.0, 4.0, 5.0)), ordered=False),
        "radii": Ladder(((30.0, 90.0), (15.0, 40.0), (20.0, 60.0), (15.0, 30.0, 60.0, 120.0)), ordered=False),
        "min_hit_mip": Ladder((0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0), low_is_end=True),
    }

    def use(self, settings: Any) -> None:
        """Work with these settings from now on."""
        super().use(settings)
        self._group = layer_groups(self.layered.layers.section, settings.layers)
        self._min_hit_energy = settings.min_hit_mip * self.layered.mips
        self._candidates = [Candidate(w0, radius) for w0 in (*settings.w0, LINEAR) for radius in settings.radii]

    @property
    def names(self) -> list[str]:
        """Names of the shapes, in order."""
        groups = int(self._group.max()) + 1
        shares = [f"{zone}_{group}" for group in range(groups) for zone in ("core", "ring")]
        places = [f"centroid_{i}_{axis}" for i in range(len(self._candidates)) for axis in "xy"]
        return [*SUMMARY, *shares, *places, "line_x", "line_y", "slope_x", "slope_y", "side", "inverse"]

    def learn(self, train: Sample, validation: Sample, progress: Progress) -> dict[str, Any]:
        """Solve the normal equations for each ridge.

        Returns:
            ``train_events``, ``terms`` of the polynomial, the ``ridges`` that were chosen, one an output, and
            ``seconds``.

        Raises:
            DataError: The events lack the truth, or none has a region, in training or validation.
        """
        start = perf_counter()
        parts = [self.collect(sample, name, progress, self._measure) for sample, name in
                 ((train, "train"), (validation, "validation"))]  # fmt: skip
        shapes, true = parts[0]["shapes"], parts[0]["true"].astype(np.float64)
        mean, spread = shapes.mean(axis=0, dtype=np.float64), shapes.std(axis=0, dtype=np.float64)
        spread = np.where(spread > 1e-9, spread, 1.0)
        low, middle, high = np.quantile(true, [0.16, 0.5, 0.84], axis=0)
        reach = _CLIP * 0.5 * np.maximum(high - low, 1e-9)
        true = np.clip(true, middle - reach, middle + reach)
        normal: Array = np.zeros(())
        right: Array = np.zeros(())
        for first in range(0, len(shapes), _BLOCK):
            terms = _terms(shapes[first : first + _BLOCK], mean, spread)
            normal = normal + terms.T @ terms
            right = right + terms.T @ true[first : first + _BLOCK]
        normal, right = normal / len(shapes), right / len(shapes)
        scale = np.sqrt(np.maximum(np.diag(normal), 1e-12))
        normal, right = normal / scale / scale[:, None], right / scale[:, None]
        solutions, errors = [], []
        for penalty in self.chosen.ridges:
            diagonal = np.full(len(normal), penalty)
            diagonal[0] = 0.0  # the constant is free
            solutions.append(np.linalg.solve(normal + np.diag(diagonal), right) / scale[:, None])  # (T, K)
            answer = _apply(parts[1]["shapes"], mean, spread, solutions[-1])
            errors.append(np.abs(answer - parts[1]["true"]).mean(axis=0))
        best = np.argmin(errors, axis=0)  # (K,)
        weights = np.stack([solutions[way][:, output] for output, way in enumerate(best)], axis=1)
        self._numbers = {"mean": mean.tolist(), "spread": spread.tolist(), "weights": weights.tolist()}
        return {
            "train_events": len(shapes),
            "terms": len(weights),
            "ridges": [self.chosen.ridges[way] for way in best],
            "seconds": round(perf_counter() - start, 3),
        }

    def residuals(self, events: Events, regions: Regions) -> Array:
        """Return the values of the polynomials, (N, ``task.outputs``)."""
        mean, spread, weights = (np.asarray(self.numbers[key]) for key in ("mean", "spread", "weights"))
        return _apply(self._shapes(events, regions), mean, spread, weights)

    def made_for(self) -> dict[str, Any]:
        """Return what must be the same for numbers to be loaded."""
        c, task = self.chosen, self.shower.config
        scales = [task.energy_scale, task.position_scale, task.depth_scale, task.slope_scale]
        return {
            "quantities": self.shower.quantities, "scales": scales, "region": self.shower.region.model_dump(),
            "min_hit_mip": c.min_hit_mip, "core": c.core, "group": self._group.tolist(), "names": self.names,
            "candidates": [[one.w0, one.radius] for one in self._candidates],
        }  # fmt: skip

    def expected(self) -> set[str]:
        """Return the names of the fitted numbers."""
        return {"mean", "spread", "weights"}

    def _measure(self, events: Events, regions: Regions) -> dict[str, Array]:
        true = self.task.target(events)[:, : self.task.outputs]
        return {"shapes": self._shapes(events, regions), "true": true}

    def _shapes(self, events: Events, regions: Regions) -> Array:
        """The shapes ``names``, (N, F) float32; zeros where no region was found."""
        settings = self.shower.region
        radii = (min(self.chosen.core, settings.radius), settings.radius)
        zones = zone_energies(events, regions, self.layered.plane, radii, self._group)
        shares = zones / np.maximum(regions.energy, 1e-9)[:, None, None]
        centre, lines = centroids(events, regions, self.layered.plane, self._candidates, self._min_hit_energy)
        middle = np.stack([regions.x, regions.y], axis=1)
        axis = np.stack([regions.slope_x, regions.slope_y], axis=1)
        table = np.concatenate(
            [
                summarise(events, regions, settings, self.layered),
                shares.reshape(len(events), -1),
                (centre - middle[:, None]).reshape(len(events), -1),
                lines[:, -1] - axis,
                axis,
                regions.side[:, None],
                10.0 / (10.0 + regions.energy[:, None]),  # noise of a fixed size counts as this in log(true/raw)
            ],
            axis=1,
        )
        return np.where(regions.found[:, None], table, 0.0).astype(np.float32)


def _terms(shapes: Array, mean: Array, spread: Array) -> Array:
    """1, the standardised shapes, and their products two by two, (N, 1 + F + F (F + 1) / 2) float64."""
    z = np.clip((shapes - mean) / spread, -_CLIP, _CLIP)
    first, second = np.triu_indices(z.shape[1])
    return np.concatenate([np.ones((len(z), 1)), z, z[:, first] * z[:, second]], axis=1)


def _apply(shapes: Array, mean: Array, spread: Array, weights: Array) -> Array:
    """Values of the polynomials, (N, K) float64."""
    parts = [_terms(shapes[i : i + _BLOCK], mean, spread) @ weights for i in range(0, len(shapes), _BLOCK)]
    return np.concatenate(parts) if parts else np.zeros((0, weights.shape[1]))
