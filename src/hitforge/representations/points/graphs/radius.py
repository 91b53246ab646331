"""All points within a radius, the nearest first."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.events import Collection
from hitforge.representations.points.graphs import GraphBuilder
from hitforge.representations.points.graphs._search import count_within, nearest, scaled


class Radius(GraphBuilder):
    """All other points within ``radius`` in (x, y, ``depth`` * z), but no more than the ``max_neighbours`` nearest.

    The graph is exact where a point has at most ``max_neighbours`` neighbours within the radius. In the core of a
    shower it often has more, and those farther away are cut: near a shower's axis the graph is then that of the
    ``max_neighbours`` nearest. ``left_out`` says how many were cut at each point.
    """

    class Config(config.Config):
        """How far, and how many at most."""

        radius: float = Field(25.0, gt=0, le=1e5, description="largest distance of a neighbour [mm]")
        renamed: ClassVar[dict[str, str]] = {"most": "max_neighbours"}

        max_neighbours: int = Field(16, ge=1, le=128, description="neighbours of a point at most; the nearest are kept")
        depth: float = Field(0.5, ge=0, le=100, description="millimetres across that one millimetre of z counts as")

    @property
    def neighbours(self) -> int:
        """Neighbours of a point at most, K."""
        return int(self.config.max_neighbours)

    def build(self, points: Collection) -> Array:
        """Return the neighbours of each point, (rows, K) int32, nearest first; the point itself where there are fewer.

        Raises:
            DataError: A coordinate is not finite.
        """
        return nearest(scaled(points, self.config.depth), points, self.config.max_neighbours, self.config.radius)

    def left_out(self, points: Collection) -> Array:
        """Return how many points within the radius ``build`` cuts at each point, (rows,) int64."""
        within = count_within(scaled(points, self.config.depth), points, self.config.radius)
        return np.asarray(np.maximum(within - self.config.max_neighbours, 0))
