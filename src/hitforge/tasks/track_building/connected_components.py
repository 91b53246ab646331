"""Connected components of the edges above a threshold: the fastest builder, and the one that merges most."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.tasks.track_building import TrackBuilder
from hitforge.tasks.track_building._graph import checked_edges, components, from_origin


class ConnectedComponents(TrackBuilder):
    """Each connected component of the kept edges is a track; no hit is in two tracks.

    A single wrong edge joins two tracks, so the threshold is higher than that of builders which follow paths.
    """

    class Config(config.Config):
        """What is kept."""

        renamed: ClassVar[dict[str, str]] = {"min_hits": "target.min_track_hits"}

        threshold: float = Field(0.5, ge=0, le=1, description="lowest score of an edge that is kept")

    def build(
        self, source: Array, destination: Array, score: Array, layer: Array, hits: int, xyz: Array, min_hits: int
    ) -> tuple[Array, Array, int]:
        """Return memberships and number of tracks, see ``TrackBuilder.build``; hits rise in distance from the origin.

        Raises:
            DataError: See ``TrackBuilder.build``.
        """
        source, destination, score, layer, xyz = checked_edges(source, destination, score, layer, hits, xyz)
        kept = score >= self.config.threshold
        label, count = components(source[kept], destination[kept], hits)
        large = np.bincount(label, minlength=count) >= min_hits
        number = np.cumsum(large) - 1
        hit = np.flatnonzero(large[label]) if hits else np.zeros(0, np.int64)
        member = number[label[hit]]
        order = np.lexsort((from_origin(xyz)[hit], member))
        return member[order].astype(np.int32), hit[order].astype(np.int32), int(large.sum())
