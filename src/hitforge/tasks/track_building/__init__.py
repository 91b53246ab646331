"""Track builders: scored edges of an event's graph to tracks. One file a builder, named by a recipe's task."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hitforge.core.arrays import Array
from hitforge.core.registry import Plugin, Registry


class TrackBuilder(Plugin, ABC):
    """Groups the hits of one event into tracks."""

    @abstractmethod
    def build(
        self, source: Array, destination: Array, score: Array, layer: Array, hits: int, xyz: Array, min_hits: int
    ) -> tuple[Array, Array, int]:
        """Return the memberships of hits in tracks, and the number of tracks.

        Args:
            source: Inner hit of each edge, (E,) int.
            destination: Outer hit of each edge, (E,) int.
            score: Probability that an edge joins hits of one particle, (E,) from 0 to 1.
            layer: Sensitive layer of each hit, (hits,) int.
            hits: Number of hits.
            xyz: Place of each hit, (hits, 3) [mm].
            min_hits: That a track must have.

        Returns:
            Number of the track, (K,) int32, rising from 0; its hit, (K,) int32, inner hits of a track first; and the
            number of tracks.

        Raises:
            DataError: The arrays do not fit, an edge points beyond the hits, or a score is not from 0 to 1.
        """


BUILDERS: Registry[TrackBuilder] = Registry("tasks.track_building", TrackBuilder)  # type: ignore[type-abstract]

__all__ = ["BUILDERS", "TrackBuilder"]
