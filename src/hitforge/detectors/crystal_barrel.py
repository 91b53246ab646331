"""Barrel of lead tungstate crystals that point almost at the origin, in a solenoid's field."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from hitforge.core import config, kinematics
from hitforge.core.arrays import Array
from hitforge.detectors import GridDetector


class CrystalBarrel(GridDetector):
    """Crystals on a cylinder: rows in eta, columns in azimuth, as in the barrel of the CMS calorimeter.

    A row is ``eta_pitch`` high and a column ``2 pi / columns`` wide, so that with the standard settings each face is
    22 x 22 mm within its gaps. Cell number = row * columns + column; row 0 has the lowest eta, column 0 begins at
    phi = 0. The crystals' axes are turned by ``tilt`` from the line to the origin, so that no particle slips through a
    gap: in polar angle mirrored about the centre of the barrel, in azimuth everywhere the same way round.
    Symmetries: rotation by a column, and the mirror z -> -z; not phi -> -phi.
    """

    class Config(config.Config):
        """Dimensions and material of the barrel."""

        rows_per_side: int = Field(85, ge=1, le=1000, description="crystals in eta on each side of z = 0")
        columns: int = Field(360, ge=8, le=4000, description="crystals in azimuth")
        radius: float = Field(1290.0, gt=0, le=20000, description="radius of the front faces [mm]")
        eta_pitch: float = Field(0.0174, gt=0, le=0.2, description="height of a row in pseudorapidity")
        depth: float = Field(25.8, gt=0, le=100, description="depth of a crystal [radiation lengths]")
        tilt: float = Field(math.radians(3.0), ge=0, le=0.2, description="turn of the crystals off the origin [rad]")
        radiation_length: float = Field(8.9, gt=0, description="radiation length, PbWO4 [mm]")
        moliere_radius: float = Field(21.6, gt=0, description="Moliere radius, 21.2 MeV X0 / critical energy [mm]")
        critical_energy: float = Field(
            8.74e-3, gt=0, description="2.66 MeV (X0 Z / A)^1.1 as in hep-ex/0001020, X0 in g/cm2 [GeV]"
        )
        effective_z: float = Field(68.36, gt=1, description="atomic number, averaged over PbWO4 by mass")
        field: float = Field(3.8, ge=0, le=20, description="field along +z inside the front faces [T]")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._rows, self._columns = 2 * config.rows_per_side, config.columns

    @property
    def cells(self) -> int:
        """Number of crystals."""
        return self._rows * self._columns

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Rows in eta, columns in azimuth."""
        return self._rows, self._columns

    @property
    def periodic_columns(self) -> bool:
        """The last column touches the first."""
        return True

    @property
    def eta_limit(self) -> float:
        """Pseudorapidity at which the barrel ends."""
        return float(self.config.rows_per_side * self.config.eta_pitch)

    def position(self, cell: Array) -> Array:
        """Return the centre of each front face, (N,) -> (N, 3) [mm]."""
        row, column = self.grid(cell)
        eta = (row - self.config.rows_per_side + 0.5) * self.config.eta_pitch
        phi = (column + 0.5) * (2 * math.pi / self._columns)
        centre: Array = self.config.radius * np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=-1)  # (N, 3)
        return centre

    def cell_at(self, position: Array) -> Array:
        """Return the crystal on whose front face a point falls, seen from the origin, (N, 3) [mm] -> (N,) int64.

        Points beyond the ends of the barrel, on the z axis, and not finite give -1.
        """
        x, y, z = np.moveaxis(np.asarray(position, np.float64), -1, 0)
        transverse = kinematics.pt(x, y)
        with np.errstate(divide="ignore", invalid="ignore"):
            row = np.floor(kinematics.eta(x, y, z) / self.config.eta_pitch + self.config.rows_per_side)
            column = np.floor(kinematics.phi(x, y) * (self._columns / (2 * math.pi)))
            inside = (transverse > 0) & (row >= 0) & (row < self._rows) & np.isfinite(column)
        row, column = np.where(inside, row, 0).astype(np.int64), np.where(inside, column, 0).astype(np.int64)
        cell: Array = np.where(inside, row * self._columns + column % self._columns, -1)
        return cell

    def grid(self, cell: Array) -> tuple[Array, Array]:
        """Return row (eta) and column (phi) of each crystal, two (N,) int64."""
        row, column = np.divmod(np.asarray(cell, np.int64), self._columns)
        return row, column

    def cell_of(self, row: Array, column: Array) -> Array:
        """Return the crystal of a row and a column, which wraps, (N,) int64; -1 where the row is outside."""
        row, column = np.asarray(row, np.int64), np.asarray(column, np.int64)
        return np.where((row >= 0) & (row < self._rows), row * self._columns + column % self._columns, -1)
