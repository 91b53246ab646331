"""Cells on a cylinder, rows in pseudorapidity and columns in azimuth: what barrels of calorimeters share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.detectors import GridDetector


class BarrelGrid(GridDetector):
    """Cells whose settings are ``rows_per_side``, ``columns``, ``radius`` [mm] and ``eta_pitch``.

    A row is ``eta_pitch`` high and a column ``2 pi / columns`` wide. Cell number = row * columns + column; row 0 has
    the lowest eta, column 0 begins at phi = 0.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._rows, self._columns = 2 * config.rows_per_side, config.columns

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self._rows * self._columns)

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
        """Return the cell on whose front face a point falls, seen from the origin, (N, 3) [mm] -> (N,) int64.

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
        """Return row (eta) and column (phi) of each cell, two (N,) int64."""
        row, column = np.divmod(np.asarray(cell, np.int64), self._columns)
        return row, column

    def cell_of(self, row: Array, column: Array) -> Array:
        """Return the cell of a row and a column, which wraps, (N,) int64; -1 where the row is outside."""
        row, column = np.asarray(row, np.int64), np.asarray(column, np.int64)
        return np.where((row >= 0) & (row < self._rows), row * self._columns + column % self._columns, -1)
