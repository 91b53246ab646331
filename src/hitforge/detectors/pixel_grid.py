"""A plane of square cells: the detector of images that arrive as images."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.detectors import GridDetector


class PixelGrid(GridDetector):
    """Rows (eta) and columns (phi) of an image as cells in the plane z = 0, its centre at the origin.

    Cell number = row * columns + column. Columns run along x and rows along y, both upwards. The plane does not close:
    the last column does not touch the first.
    """

    class Config(config.Config):
        """Dimensions of the plane."""

        rows: int = Field(32, ge=1, le=4096, description="rows of the image, eta")
        columns: int = Field(32, ge=1, le=4096, description="columns of the image, phi")
        pitch: float = Field(22.0, gt=0, le=1e4, description="edge of a cell [mm]")

    @property
    def cells(self) -> int:
        """Number of pixels."""
        return int(self.config.rows * self.config.columns)

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.config.rows, self.config.columns

    @property
    def periodic_columns(self) -> bool:
        """The plane does not close."""
        return False

    def position(self, cell: Array) -> Array:
        """Return the centre of each pixel, (N,) -> (N, 3) [mm]."""
        row, column = self.grid(cell)
        x, y = column - (self.config.columns - 1) / 2, row - (self.config.rows - 1) / 2
        return np.stack([x, y, np.zeros(len(x))], axis=-1) * float(self.config.pitch)  # (N, 3)

    def cell_at(self, position: Array) -> Array:
        """Return the pixel below a point, seen along z, (N, 3) [mm] -> (N,) int64; -1 beside the plane."""
        x, y, _ = np.moveaxis(np.asarray(position, np.float64), -1, 0)
        column = np.floor(x / self.config.pitch + self.config.columns / 2)
        row = np.floor(y / self.config.pitch + self.config.rows / 2)
        inside = (row >= 0) & (row < self.config.rows) & (column >= 0) & (column < self.config.columns)
        row, column = np.where(inside, row, 0).astype(np.int64), np.where(inside, column, 0).astype(np.int64)
        return np.where(inside, row * self.config.columns + column, -1)

    def grid(self, cell: Array) -> tuple[Array, Array]:
        """Return row and column of each pixel, two (N,) int64."""
        row, column = np.divmod(np.asarray(cell, np.int64), self.config.columns)
        return row, column

    def cell_of(self, row: Array, column: Array) -> Array:
        """Return the pixel of a row and a column, (N,) int64; -1 outside the plane."""
        row, column = np.asarray(row, np.int64), np.asarray(column, np.int64)
        inside = (row >= 0) & (row < self.config.rows) & (column >= 0) & (column < self.config.columns)
        return np.where(inside, row * self.config.columns + column, -1)
