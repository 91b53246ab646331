"""Components, then a walk from inner to outer hits through those that have branches."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.tasks.track_building import TrackBuilder
from hitforge.tasks.track_building._graph import checked_edges
from hitforge.tasks.track_building._paths import best_paths, logit, outward


class Walk(TrackBuilder):
    """Follows from each hit all certain edges or, where there is none, the best one; takes the best path and repeats.

    Edges below ``threshold`` are dropped. A component of the rest whose hits have one edge in and one edge out at most
    is a track. In the others, of the edges that leave a hit, those with a score of ``certain`` or more are walked, or
    the best one alone if no score is that high. Of all walks the one with the highest sum of log-odds (over those of
    ``threshold``) becomes a track with its hits on overlapping modules, its hits are removed, and so on. Layers may be
    left out where the graph has edges that do so. No hit is in two tracks.

    The rule for leaving a hit is that of the walkthrough in the GNN4ITk chain; the sum of log-odds takes the place of
    the number of hits there.
    """

    class Config(config.Config):
        """What is walked."""

        renamed: ClassVar[dict[str, str]] = {"min_hits": "target.min_track_hits"}

        threshold: float = Field(0.3, gt=0, lt=1, description="lowest score of an edge that is used at all")
        certain: float = Field(0.6, gt=0, le=1, description="score from which all edges that leave a hit are walked")
        limit: float = Field(7.0, gt=0, le=30, description="largest log-odds that an edge counts with")

        @model_validator(mode="after")
        def _ordered(self) -> Walk.Config:
            if self.certain < self.threshold:
                raise ValueError("certain must not be below threshold")
            return self

    def build(
        self, source: Array, destination: Array, score: Array, layer: Array, hits: int, xyz: Array, min_hits: int
    ) -> tuple[Array, Array, int]:
        """Return memberships and number of tracks, see ``TrackBuilder.build``; a track's hits in walking order.

        Raises:
            DataError: See ``TrackBuilder.build``.
        """
        source, destination, score, layer, xyz = checked_edges(source, destination, score, layer, hits, xyz)
        c = self.config
        best = np.zeros(hits)
        np.maximum.at(best, source, score)
        kept = (score >= c.threshold) & ((score >= c.certain) | (score == best[source]))
        kept[kept] = outward(source[kept], destination[kept], xyz)
        source, destination, score = source[kept], destination[kept], score[kept]
        # an edge that is only just kept must count too, so that the longer of two walks wins
        weight = logit(score, c.limit) - float(logit(np.array(c.threshold), c.limit)) + 1e-6
        return best_paths(source, destination, weight, score >= c.certain, layer, hits, min_hits, -1.0)
