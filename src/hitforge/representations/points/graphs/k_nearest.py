"""The k nearest points in space, with depth scaled."""

from __future__ import annotations

from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.events import Collection
from hitforge.representations.points.graphs import GraphBuilder, nearest
from hitforge.representations.points.graphs._search import scaled


class KNearest(GraphBuilder):
    """The ``k`` nearest other points of the event in (x, y, ``depth`` * z), exactly.

    Of points equally far away the one that stands first is nearer; ``points`` puts the hottest first.
    """

    class Config(config.Config):
        """How many, and how depth counts."""

        k: int = Field(8, ge=1, le=128, description="neighbours of a point")
        depth: float = Field(0.5, ge=0, le=100, description="millimetres across that one millimetre of z counts as")

    @property
    def neighbours(self) -> int:
        """Neighbours of a point, K."""
        return int(self.config.k)

    def build(self, points: Collection) -> Array:
        """Return the neighbours of each point, (rows, K) int32, nearest first.

        Raises:
            DataError: A coordinate is not finite.
        """
        return nearest(scaled(points, self.config.depth), points, self.config.k)
