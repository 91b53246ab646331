"""Graph builders: which points are neighbours. One file a builder, named in the block ``graph`` of ``points``."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hitforge.core.arrays import Array
from hitforge.core.registry import Plugin, Registry
from hitforge.events import Collection
from hitforge.representations.points.graphs._search import nearest


class GraphBuilder(Plugin, ABC):
    """Gives each point a fixed number of neighbours within its event."""

    @property
    @abstractmethod
    def neighbours(self) -> int:
        """Neighbours of a point, K."""

    @abstractmethod
    def build(self, points: Collection) -> Array:
        """Return the neighbours of each point, (rows, K) int32: indices within the event, nearest first.

        A point that has fewer than K neighbours repeats itself in the places that are left.

        Args:
            points: Columns ``x``, ``y``, ``z`` [mm], ``layer`` (int), ``energy`` [GeV], one row a point.
        """


GRAPHS: Registry[GraphBuilder] = Registry("representations.points.graphs", GraphBuilder)  # type: ignore[type-abstract]

__all__ = ["GRAPHS", "GraphBuilder", "nearest"]
