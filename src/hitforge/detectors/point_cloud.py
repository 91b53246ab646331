"""No lattice at all: for files whose hits carry places of their own."""

from __future__ import annotations

from typing import Annotated, NoReturn

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.detectors import Detector


class PointCloud(Detector):
    """Hits in space without a geometry: every number but -1 names a cell, and no cell has a place.

    What needs the place of a cell must take it from the hits' ``x``, ``y`` and ``z``.
    """

    class Config(config.Config):
        """What showers in these hits are counted from."""

        plane: float | None = Field(
            None, gt=0, le=1e5, description="abs(z) where pointing coordinates are counted, needed for showers [mm]"
        )
        noise_cuts: tuple[Annotated[float, Field(ge=0, le=100)], ...] = Field(
            (0.0,),
            min_length=1,
            description="energy that a hit must have to stand out from noise, by subsystem, the last for all later ones"
            " [GeV]",
        )

    @property
    def plane(self) -> float:
        """The abs(z) where pointing coordinates are counted [mm].

        Raises:
            ConfigError: It is not set.
        """
        if self.config.plane is None:
            raise ConfigError(
                "showers need a reference plane",
                came="the detector point_cloud without 'plane'",
                where="detector",
                do="set for instance detector: {name: point_cloud, plane: 2500}, the abs(z) of the first layer",
            )
        return float(self.config.plane)

    @property
    def noise_cuts(self) -> tuple[float, ...]:
        """Energy that a hit must have to stand out from noise, by subsystem [GeV]."""
        cuts: tuple[float, ...] = self.config.noise_cuts
        return cuts

    def is_cell(self, cell: Array) -> Array:
        """Return which numbers are cells, (N,) int64 -> (N,) bool: all but -1; ids without a sign may be negative."""
        known: Array = np.asarray(cell) != -1
        return known

    def position(self, cell: Array) -> NoReturn:
        """Refuse: cells have no place here.

        Raises:
            ConfigError: Always.
        """
        raise _no_places("the places of cells")

    def cell_at(self, position: Array) -> NoReturn:
        """Refuse: points belong to no cell here.

        Raises:
            ConfigError: Always.
        """
        raise _no_places("the cell at a point")

    def neighbours(self, cell: Array) -> Array:
        """Return no neighbour, (N,) -> (N, 0) int64."""
        return np.empty((len(np.asarray(cell)), 0), np.int64)


def _no_places(what: str) -> ConfigError:
    return ConfigError(
        f"{what} must be known, which needs a detector with cells",
        came="point_cloud",
        where="detector",
        do="use the hits' own x, y and z, such as with the representation 'points', or name a detector with cells",
    )


def require_point_cloud(detector: Detector, who: str) -> None:
    """Refuse a detector whose cells are not those of the file.

    Raises:
        ConfigError: The detector is not ``point_cloud``.
    """
    if not isinstance(detector, PointCloud):
        raise ConfigError(f"{who} needs the detector point_cloud", came=detector.name, where="detector")
