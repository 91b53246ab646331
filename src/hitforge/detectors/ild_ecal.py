"""Silicon-tungsten calorimeter of the ILD concept, laid flat across z."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.detectors import LayeredDetector, Layers
from hitforge.detectors.stack import Stretch, build_layers

FIRST = 1811.60  # the first plane of silicon [mm]
_FRONT = 1805.0  # the face of the calorimeter [mm]
THIN, LAYERS = 20, 30  # layers behind 2.1 mm of tungsten; the others have 4.2 mm
SHIFT = 21  # bits of a row or a column in a cell's number


def _gaps() -> Array:
    """Distance of each plane from the one before, (L - 1,) [mm]: two planes share a slab, then come its boards."""
    index = np.arange(1, LAYERS)
    return np.where(index % 2, 3.13, 9.34) + np.where(index >= THIN, 2.10, 0.0)


def _stretches() -> list[Stretch]:
    """Material before each plane: inside a slab next to nothing but tungsten, between slabs two boards and air.

    The boards and supports of a pair of layers, 2.4 mm of FR4, 0.4 mm of copper and 1.5 mm of carbon fibre, stand
    where there is room for them: the narrow gap of 3.13 mm is full with 2.1 mm of tungsten and 0.5 mm of silicon.
    """
    outer, inner = {"fr4": 2.4, "copper": 0.4, "carbon": 0.97}, {"carbon": 0.53}
    first = {"fr4": 1.2, "copper": 0.2, "carbon": 0.75}
    rest = [first if k == 0 else (inner if k % 2 else outer) for k in range(LAYERS)]
    return [{"tungsten": 2.1 if k < THIN else 4.2, "silicon": 0.5, **more} for k, more in enumerate(rest)]


class ILDEcal(LayeredDetector):
    """Thirty layers of silicon behind tungsten, 2.1 mm in the first twenty and 4.2 mm after, cells of 5 mm square.

    The planes stand across +z with the distances that the barrel of the ILD detector has along its own depth, so
    abs(z) here is the depth (y in the detector's files). Cells tile a square around the z axis; the cell that lies
    next to the axis begins at it. Cell number = layer * 2**42 + row * 2**21 + column, columns along x, rows along y.
    """

    class Config(config.Config):
        """Dimensions of the planes."""

        pitch: float = Field(5.0, ge=0.1, le=100.0, description="edge of a cell [mm]")
        half_width: float = Field(1000.0, ge=50.0, le=5000.0, description="half the width of the planes [mm]")

    @property
    def _half(self) -> int:
        """Cells from the axis to the edge."""
        return int(np.ceil(self.config.half_width / self.config.pitch - 1e-9))

    @cached_property
    def layers(self) -> Layers:
        """The stack."""
        z = FIRST + np.concatenate([[0.0], np.cumsum(_gaps())])
        return build_layers(_stretches(), z, _FRONT, np.zeros(LAYERS), "silicon", 0.5)

    @property
    def front(self) -> float:
        """Where material begins [mm]."""
        return _FRONT

    @property
    def sides(self) -> tuple[int, ...]:
        """Signs of z that have cells."""
        return (1,)

    def _split(self, cell: Array) -> tuple[Array, Array, Array]:
        """Layer, row, column, three (N,) int64."""
        cell = np.asarray(cell, np.int64)
        mask = (1 << SHIFT) - 1
        return cell >> 2 * SHIFT, (cell >> SHIFT) & mask, cell & mask

    def _join(self, layer: Array, row: Array, column: Array) -> Array:
        """Cell of a layer, row and column, (N,) int64, -1 outside."""
        size = 2 * self._half
        inside = (layer >= 0) & (layer < LAYERS) & (row >= 0) & (row < size) & (column >= 0) & (column < size)
        return np.where(inside, (layer << 2 * SHIFT) + (row << SHIFT) + column, -1)

    def is_cell(self, cell: Array) -> Array:
        """Return which numbers are cells of this detector, (N,) int64 -> (N,) bool."""
        cell = np.asarray(cell, np.int64)
        there: Array = (cell >= 0) & (self._join(*self._split(cell)) == cell)
        return there

    def layer(self, cell: Array) -> Array:
        """Return the layer of each cell, (N,) int64, from 0."""
        return self._split(cell)[0]

    def position(self, cell: Array) -> Array:
        """Return the centre of each cell, (N,) -> (N, 3) float64 [mm]; NaN for numbers below 0."""
        layer, row, column = self._split(np.maximum(cell, 0))
        x, y = ((index + 0.5 - self._half) * self.config.pitch for index in (column, row))
        place: Array = np.stack([x, y, self.layers.z[np.minimum(layer, LAYERS - 1)]], axis=-1)  # (N, 3)
        place[np.asarray(cell) < 0] = np.nan
        return place

    def cell_in(self, layer: Array, x: Array, y: Array, side: Array) -> Array:
        """Return the cell of a layer below a point, four (N,) arrays -> (N,) int64, -1 beside the layer or below z = 0.

        Args:
            layer: From 0.
            x: [mm].
            y: [mm].
            side: +1 or -1, the sign of z.
        """
        layer, x, y, side = np.broadcast_arrays(np.asarray(layer, np.int64), x, y, side)
        column, row = (np.floor(np.asarray(v, np.float64) / self.config.pitch) + self._half for v in (x, y))
        with np.errstate(invalid="ignore"):
            inside = (abs(column) <= 2 * self._half) & (abs(row) <= 2 * self._half) & (side > 0)
        column, row = (np.where(inside, index, -1).astype(np.int64) for index in (column, row))
        return self._join(layer, row, column)

    def cell_at(self, position: Array) -> Array:
        """Return the cell of the nearest plane, seen along z, (N, 3) [mm] -> (N,) int64, -1 outside the detector.

        The detector reaches from its front face to 5 mm behind the last plane.
        """
        position = np.asarray(position, np.float64)
        z, planes = position[..., 2], self.layers.z
        layer = np.searchsorted((planes[1:] + planes[:-1]) / 2, z)
        layer = np.where((z >= _FRONT) & (z <= planes[-1] + 5.0), layer, -1)
        return self.cell_in(layer, position[..., 0], position[..., 1], np.ones(z.shape))

    def neighbours(self, cell: Array) -> Array:
        """Return the eight touching cells of the same layer, (N,) -> (N, 8) int64, -1 where there is none."""
        cell = np.asarray(cell, np.int64)
        layer, row, column = self._split(cell)
        steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
        around = np.stack([self._join(layer, row + i, column + j) for i, j in steps], axis=-1)  # (N, 8)
        return np.where(cell[..., None] < 0, -1, around)

    def corners(self, cell: Array) -> Array:
        """Return the outline of each square, counter-clockwise, its last corner three times, (N,) -> (N, 6, 2) [mm]."""
        unit = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, 1], [-1, 1]]) * (self.config.pitch / 2)
        outline: Array = self.position(cell)[:, None, :2] + unit  # (N, 6, 2)
        return outline
