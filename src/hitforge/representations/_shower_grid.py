"""What the pictures of many showers share: a grid over depth, u and v, and the scale of energies in it."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.detectors import Detector
from hitforge.representations._showers import ShowerRepresentation, ShowerSettings

Scale = Literal["energy", "log_energy", "sqrt_energy"]
"""``energy``: E / ``energy_scale``; ``log_energy``: log(1 + E / ``log_floor``), 1 at ``energy_scale``;
``sqrt_energy``: sqrt(E / ``energy_scale``)."""


class GridSettings(ShowerSettings):
    """Which hits, and the grid that they fall into."""

    pitch: float = Field(12.0, ge=0.5, le=1000, description="edge of a voxel along u and v [mm]")
    merge: int = Field(1, ge=1, le=100, description="consecutive layers that are one voxel deep")
    energy_scale: float = Field(1.0, gt=0, le=1e4, description="energy that becomes 1 [GeV]")
    log_floor: float = Field(0.01, gt=0, le=1e4, description="energy below which log_energy is linear [GeV]")
    memory: float = Field(4.0, gt=0, le=1024, description="largest dense batch that is made [GB]")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        voxels = self.size / self.pitch
        if abs(voxels - round(voxels)) > 1e-6 or round(voxels) < 1:
            raise ValueError(f"'size' must be a whole number of 'pitch', not {voxels:g} of it")
        return self


class GridRepresentation(ShowerRepresentation):
    """Base of ``shower_voxels`` and ``shower_projections``: ``place`` counts voxels, number i spans [i, i + 1)."""

    def __init__(self, config: Any, detector: Detector, target: Any = None) -> None:
        super().__init__(config, detector, target)
        across = round(config.size / config.pitch)
        self._grid = (-(-self._layers // config.merge), across, across)
        # the middle of a layer stands between the sides of its voxel, so that rounding moves none across
        self._shift = np.array([0.5, config.size / 2, config.size / 2])
        self._unit = np.array([config.merge, config.pitch, config.pitch])
        self._cell = self._unit

    def _place(self, values: Array) -> Array:
        most = np.nextafter(np.array(self._grid, np.float32), np.float32(0))
        return np.clip(super()._place(values), 0, most)

    def _scaled(self, energy: Array, scale: Scale) -> Array:
        settings = self.config
        if scale == "energy":
            return np.asarray(energy / settings.energy_scale)
        if scale == "sqrt_energy":
            return np.asarray(np.sqrt(np.maximum(energy, 0) / settings.energy_scale))
        top = np.log1p(settings.energy_scale / settings.log_floor)
        return np.asarray(np.log1p(np.maximum(energy, 0) / settings.log_floor) / top)

    def _dense(self, events: int, shape: tuple[int, ...]) -> Array:
        """Zeros for a number of events, (B, ...) float32.

        Raises:
            ConfigError: They would need more than ``memory``.
        """
        one = 4e-9 * float(np.prod(shape))
        if one * events > self.config.memory:
            raise ConfigError(
                f"a dense batch may need at most {self.config.memory:g} GB ('memory')",
                came=f"{one * events:.3g} GB for {events} events of {shape}",
                where=f"representation {self.name}",
                do=f"take batches of at most {int(self.config.memory / one)} events, a smaller 'size', a larger "
                "'pitch' or 'merge', or allow more 'memory'",
            )
        return np.zeros((events, *shape), np.float32)


__all__ = ["GridRepresentation", "GridSettings", "Scale"]
