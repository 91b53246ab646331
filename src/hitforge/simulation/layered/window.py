"""The part of a calorimeter that is read out: a column around an axis, or all of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.detectors import LayeredDetector

_REACH, _STEP, _RAYS = 6000.0, 40.0, 20  # mm, mm: how the size of a detector is searched


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
    """Probe where a detector has cells, and how large they are; once in a process for the same settings."""
    return _probe(_Geometry(detector.name, detector.config, detector))


@dataclass(frozen=True)
class _Geometry:
    """A detector, compared by its name and settings."""

    name: str
    settings: Any
    detector: LayeredDetector = field(compare=False)


@lru_cache(maxsize=8)
def _probe(geometry: _Geometry) -> Extent:
    detector = geometry.detector
    layers = len(detector.layers)
    radius = np.arange(_STEP / 2, _REACH, _STEP)
    phi = np.arange(_RAYS) * (2 * math.pi / _RAYS) + math.pi / 4  # a ray runs along the diagonal of a square
    x, y = (np.tile(np.outer(radius, trig(phi)).ravel(), layers) for trig in (np.cos, np.sin))
    ring = np.repeat(radius, _RAYS)
    share = 2 * math.pi * ring * _STEP / _RAYS  # area that a probe stands for
    layer = np.repeat(np.arange(layers), len(ring))
    inner, outer, smallest, margin, cells = (np.zeros((2, layers)) for _ in range(5))
    for row, side in enumerate((-1, 1)):
        cell = detector.cell_in(layer, x, y, np.full(len(x), side))
        hit = np.flatnonzero(cell >= 0)
        if not len(hit):
            continue
        outline = detector.corners(cell[hit])  # (P, K, 2)
        area, centre = areas(outline), detector.position(cell[hit])[:, None, :2]
        size = np.linalg.norm(outline - centre, axis=2).max(axis=1)
        for number in np.unique(layer[hit]):
            here = layer[hit] == number
            at = ring[hit[here] % len(ring)]
            margin[row, number] = size[here].max()
            smallest[row, number] = area[here].min()
            inner[row, number] = max(at.min() - _STEP - margin[row, number], 0.0)
            outer[row, number] = at.max() + _STEP + margin[row, number]
            cells[row, number] = (share[hit[here] % len(ring)] / area[here]).sum()
    return Extent(inner, outer, smallest, margin, cells)
