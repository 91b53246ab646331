"""Geometry of detectors: cells by arithmetic, one file a detector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.registry import Plugin, Registry

Array = NDArray[Any]


class Detector(Plugin, ABC):
    """Cells of a detector. Every method is vectorised over cells and allocates nothing that grows with the detector."""

    @property
    @abstractmethod
    def cells(self) -> int:
        """Number of cells; cell numbers run from 0 to ``cells - 1``."""

    @property
    @abstractmethod
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns of the surface that the cells tile."""

    @property
    @abstractmethod
    def periodic_columns(self) -> bool:
        """True if the last column touches the first (azimuth)."""

    @abstractmethod
    def position(self, cell: Array) -> Array:
        """Return the centre of each cell's face, (N,) -> (N, 3) float64 [mm]."""

    @abstractmethod
    def cell_at(self, position: Array) -> Array:
        """Return the cell that a point projects to, (N, 3) [mm] -> (N,) int64, -1 outside the detector."""

    @abstractmethod
    def grid(self, cell: Array) -> tuple[Array, Array]:
        """Return row and column of each cell, two (N,) int64 (for a barrel: eta and phi index)."""

    @abstractmethod
    def cell_of(self, row: Array, column: Array) -> Array:
        """Return the cell of a row and column, (N,) int64, -1 outside; columns wrap where they are periodic."""

    def neighbours(self, cell: Array) -> Array:
        """Return the eight touching cells, (N,) -> (N, 8) int64, -1 where there is none."""
        row, column = self.grid(cell)
        steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
        return np.stack([self.cell_of(row + i, column + j) for i, j in steps], axis=1)


DETECTORS: Registry[Detector] = Registry("detectors", Detector)  # type: ignore[type-abstract]

__all__ = ["DETECTORS", "Detector"]
