"""Many showers as two pictures, seen from above and from the side, beside their hits."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.representations import Prepared, Shapes
from hitforge.representations._shower_grid import GridRepresentation, GridSettings, Scale


class ShowerProjections(GridRepresentation):
    """An ``image`` (layers, across, 2): energy over depth and u, and over depth and v; and the hits, flat over a batch.

    The first channel is the sum over v (x-z), the second the sum over u (y-z). Both hold all the energy of the hits: a
    hit belongs wholly to the pixels of its centre. ``place`` counts in these pixels, (depth, u, v).
    """

    class Config(GridSettings):
        """Which hits, the grid and its scale."""

        scale: Scale = Field("log_energy", description="scale of a pixel's energy E")

    def shapes(self) -> Shapes:
        """Return the shape of the image, and those of one row of the arrays that are flat over hits."""
        return {**super().shapes(), "image": (*self._grid[:2], 2)}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the features of hits and of the two projections."""
        return {**super().labels(), "image": ["u_depth", "v_depth"]}

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return ``image`` (B, L, W, 2) float32, and the hits, flat.

        Raises:
            ConfigError: The images would need more than ``memory``.
        """
        image = self._dense(len(index), self.shapes()["image"])
        batch = super().batch(prepared, index, random)
        depth, *sides = batch["place"].astype(np.int64).T
        pixels = image.shape[:-1]
        for channel, side in enumerate(sides):
            pixel = np.ravel_multi_index((batch["event"], depth, side), pixels)
            energy = np.bincount(pixel, batch["energy"], int(np.prod(pixels)))
            image[..., channel] = self._scaled(energy.reshape(pixels), self.config.scale)
        return {**batch, "image": image}
