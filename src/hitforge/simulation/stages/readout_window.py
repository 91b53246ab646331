"""The part of a calorimeter that is read out: a column around an axis, or all of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.detectors import LayeredDetector

Array = NDArray[Any]

_REACH, _STEP, _RAYS = 6000.0, 25.0, 36  # mm, mm: how the size of a detector is searched


@dataclass(frozen=True)
class Windows:
    """One window an event.

    A pointing window follows the line from the origin and widens with it: distances are counted where the line from the
    origin through a cell crosses the plane ``front``. Otherwise it is a cylinder along z.

    Attributes:
        side: Sign of z, (E,); 0 reads both sides (only where radius is 0).
        x: Centre in the plane ``front``, (E,) [mm].
        y: The same in y.
        radius: Of the windows in that plane [mm]; 0 reads the whole detector.
        front: The abs(z) of that plane [mm].
        pointing: Whether windows follow the line from the origin.
    """

    side: Array
    x: Array
    y: Array
    radius: float
    front: float
    pointing: bool

    @property
    def whole(self) -> bool:
        """True if the whole detector is read."""
        return self.radius == 0

    def scale(self, z: Array) -> Array:
        """Return how much wider a window is at z than in the plane ``front``, any shape [mm] -> the same shape."""
        z = np.asarray(z, np.float64)
        return np.abs(z) / self.front if self.pointing else np.ones_like(z)

    def contains(self, event: Array, position: Array) -> Array:
        """Return which points lie in the window of their event, (N,) int64 and (N, 3) [mm] -> (N,) bool."""
        if self.whole:
            return np.ones(len(event), bool)
        x, y, z = np.asarray(position).T
        scale = self.scale(z)
        distance = (x / scale - self.x[event]) ** 2 + (y / scale - self.y[event]) ** 2
        inside: Array = (distance < self.radius**2) & (z * self.side[event] > 0)
        return inside

    def slice(self, start: int, stop: int) -> Windows:
        """Return the windows of events ``start`` to ``stop``."""
        part = slice(start, stop)
        return Windows(self.side[part], self.x[part], self.y[part], self.radius, self.front, self.pointing)


def place_windows(
    rng: np.random.Generator, side: Array, x: Array, y: Array, radius: float, jitter: float, front: float,
    pointing: bool,
) -> Windows:  # fmt: skip
    """Put a window round each point, moved by up to ``jitter`` in x and y, so that its place does not tell the point.

    Args:
        rng: Random numbers.
        side: Sign of z, (E,).
        x: Points in the plane ``front``, (E,) [mm].
        y: The same in y.
        radius: Of the windows [mm]; 0 reads the whole detector.
        jitter: Half of the square's edge that centres are drawn in, evenly [mm].
        front: The abs(z) of the plane [mm].
        pointing: Whether windows follow the line from the origin.
    """
    moved = rng.uniform(-jitter, jitter, (2, len(x)))
    return Windows(np.asarray(side, np.int64), x + moved[0], y + moved[1], radius, front, pointing)


@dataclass(frozen=True)
class Extent:
    """Where the cells of each layer are, found by probing rays from the z axis; arrays (2, L) for the sides -, +.

    Attributes:
        inner: Smallest radius with a cell, less a margin [mm].
        outer: Largest radius with a cell and a margin [mm]; 0 where the side has no cells.
        smallest: Area of the smallest cell [mm2].
        margin: Largest distance of a point of a cell from its centre [mm].
        cells: Number of cells, estimated from the probes.
    """

    inner: Array
    outer: Array
    smallest: Array
    margin: Array
    cells: Array


def areas(corners: Array) -> Array:
    """Return the areas of outlines, (N, K, 2) -> (N,) [mm2]."""
    x, y = corners[..., 0], corners[..., 1]
    twice = x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y
    area: Array = 0.5 * np.abs(twice.sum(axis=1))
    return area


def find_extent(detector: LayeredDetector) -> Extent:
    """Probe where a detector has cells, and how large they are."""
    layers = len(detector.layers)
    radius = np.arange(_STEP / 2, _REACH, _STEP)
    phi = np.arange(_RAYS) * (2 * math.pi / _RAYS) + math.pi / 4  # a ray runs along the diagonal of a square
    x, y = (np.outer(radius, trig(phi)).ravel() for trig in (np.cos, np.sin))
    ring = np.repeat(radius, _RAYS)
    share = np.repeat(2 * math.pi * radius * _STEP / _RAYS, _RAYS)  # area that a probe stands for
    inner, outer, smallest, margin, cells = (np.zeros((2, layers)) for _ in range(5))
    for layer in range(layers):
        for row, side in enumerate((-1, 1)):
            cell = detector.cell_in(np.full(len(x), layer), x, y, np.full(len(x), side))
            hit = cell >= 0
            if not hit.any():
                continue
            outline = detector.corners(cell[hit])  # (P, K, 2)
            area = areas(outline)
            centre = detector.position(cell[hit])[:, None, :2]
            margin[row, layer] = np.linalg.norm(outline - centre, axis=2).max()
            smallest[row, layer] = area.min()
            inner[row, layer] = max(ring[hit].min() - _STEP - margin[row, layer], 0.0)
            outer[row, layer] = ring[hit].max() + _STEP + margin[row, layer]
            cells[row, layer] = (share[hit] / area).sum()
    return Extent(inner, outer, smallest, margin, cells)
