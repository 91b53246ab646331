"""Greedy path cover: again and again the best path of the whole graph, in which edges compete for their hits."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.tasks.track_building import TrackBuilder
from hitforge.tasks.track_building._graph import checked_edges
from hitforge.tasks.track_building._paths import below_best, best_paths, logit, outward


class PathCover(TrackBuilder):
    """Takes the path with the highest score, removes its hits, and repeats until no path is left.

    Score of a path is the sum over its edges of log-odds minus those of ``threshold`` minus ``competition`` times what
    the edge's log-odds lie below the best edge that leaves its source, and below the best that enters its destination.
    A path that changes from one particle to another pays for both, and so gains nothing from the other's length; hits
    of one particle on overlapping modules pay next to nothing. Layers may be left out where the graph has such edges.

    With ``sharing`` a hit that a track has may be used by one more (merged clusters), at that cost and between two
    free hits; without it no hit is in two tracks.
    """

    class Config(config.Config):
        """What a path is worth."""

        renamed: ClassVar[dict[str, str]] = {"min_hits": "target.min_track_hits"}

        threshold: float = Field(0.4, gt=0, lt=1, description="lowest score of an edge that is used")
        competition: float = Field(
            0.25, ge=0, le=100, description="weight of what an edge lies below the best at its ends"
        )
        limit: float = Field(7.0, gt=0, le=30, description="largest log-odds that an edge counts with")
        sharing: float | None = Field(
            None, ge=0, le=1000, description="log-odds that a hit of another track costs; none: hits are not shared"
        )

    def build(
        self, source: Array, destination: Array, score: Array, layer: Array, hits: int, xyz: Array, min_hits: int
    ) -> tuple[Array, Array, int]:
        """Return memberships and number of tracks, see ``TrackBuilder.build``; a track's hits in the order of its path.

        Raises:
            DataError: See ``TrackBuilder.build``.
        """
        source, destination, score, layer, xyz = checked_edges(source, destination, score, layer, hits, xyz)
        c = self.config
        kept = score >= c.threshold
        kept[kept] = outward(source[kept], destination[kept], xyz)
        source, destination = source[kept], destination[kept]
        odds = logit(score[kept], c.limit)
        lowest = float(logit(np.array(c.threshold), c.limit))
        weight = odds - lowest - c.competition * below_best(source, destination, odds, hits) + 1e-6
        sharing = -1.0 if c.sharing is None else c.sharing
        return best_paths(source, destination, weight, weight > 0.0, layer, hits, min_hits, sharing)
