"""Many showers as a volume of voxels that point to the origin, beside their hits."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.representations import Prepared, Shapes
from hitforge.representations._shower_grid import GridRepresentation, GridSettings

_Channel = Literal["energy", "log_energy", "sqrt_energy", "hits"]


class ShowerVoxels(GridRepresentation):
    """A ``volume`` (layers, rows, columns, channels) over depth, u and v, and the hits in it, flat over a batch.

    A hit belongs wholly to the voxel of its centre, so that energy is conserved and each hit has one voxel: ``place``
    counts in voxels, and its whole part is the voxel. The compact form holds the hits alone. Channels, for a voxel of
    energy E:

    - ``energy``: E / ``energy_scale``
    - ``log_energy``: log(1 + E / ``log_floor``) / log(1 + ``energy_scale`` / ``log_floor``)
    - ``sqrt_energy``: sqrt(E / ``energy_scale``)
    - ``hits``: number of hits / 4
    """

    class Config(GridSettings):
        """Which hits, the grid and its channels."""

        merge: int = Field(2, ge=1, le=100, description="consecutive layers that are one voxel deep")
        channels: Annotated[tuple[_Channel, ...], config.DISTINCT] = Field(
            ("log_energy", "hits"), min_length=1, description="channels of a voxel, in order"
        )

    def shapes(self) -> Shapes:
        """Return the shape of the volume, and those of one row of the arrays that are flat over hits."""
        return {**super().shapes(), "volume": (*self._grid, len(self.config.channels))}

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the features of hits and of the channels."""
        return {**super().labels(), "volume": list(self.config.channels)}

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return ``volume`` (B, L, R, C, channels) float32, and the hits, flat.

        Raises:
            ConfigError: The volumes would need more than ``memory``.
        """
        volume = self._dense(len(index), self.shapes()["volume"])
        batch = super().batch(prepared, index, random)
        voxel = np.ravel_multi_index((batch["event"], *batch["place"].astype(np.int64).T), volume.shape[:-1])
        flat = volume.reshape(-1, volume.shape[-1])
        count, energy = np.bincount(voxel, minlength=len(flat)), np.bincount(voxel, batch["energy"], len(flat))
        lit = np.flatnonzero(count)  # few of all: logarithms take the time
        count, energy = count[lit], energy[lit]
        for column, channel in enumerate(self.config.channels):
            flat[lit, column] = count / 4 if channel == "hits" else self._scaled(energy, channel)
        return {**batch, "volume": volume}
