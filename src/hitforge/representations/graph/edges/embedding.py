"""Neighbours in the space that another run's network puts hits into."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.representations.graph.edges import Hits, sort_edges, within
from hitforge.representations.graph.edges._network import NetworkEdgeBuilder


class Embedding(NetworkEdgeBuilder):
    """Hits of different layers that lie within ``radius`` of each other in a learned space.

    The network ``embedding`` gives each hit its place, (H, D). An edge is there if either of its hits has the other
    among its ``max_neighbours`` nearest; it runs from the hit nearer the beam line.
    """

    class Config(config.Config):
        """How far, and how many at most."""

        radius: float = Field(0.2, gt=0, le=1e6, description="largest distance, in the units of the embedding")
        renamed: ClassVar[dict[str, str]] = {"most": "max_neighbours"}

        max_neighbours: int = Field(50, ge=1, le=1000, description="neighbours of a hit at most; the nearest are kept")

    network = "embedding"

    def build(self, hits: Hits) -> tuple[Array, Array]:
        """Return the neighbours; hits that the embedding does not look at have none.

        Raises:
            RunError: No network was provided.
        """
        network, representation = self.given()
        one = np.array([0])
        prepared = representation.prepare(hits.event)
        index = representation.hit_index(prepared, one)
        row = np.full(hits.event.hits.rows, -1, np.int64)
        row[index] = np.arange(len(index))
        known = np.flatnonzero(row[hits.index] >= 0)
        if not len(known):
            return np.empty(0, np.int32), np.empty(0, np.int32)
        place = np.asarray(network(representation.batch(prepared, one)), np.float32)[row[hits.index[known]]]  # (H, D)
        near = within(place, hits.layer[known], self.config.radius, self.config.max_neighbours)  # (H, K)
        first, which = np.nonzero(near >= 0)
        a, b = known[first], known[near[first, which]]
        swapped = (hits.r[a] > hits.r[b]) | ((hits.r[a] == hits.r[b]) & (a > b))
        source, destination = np.where(swapped, b, a).astype(np.int32), np.where(swapped, a, b).astype(np.int32)
        return sort_edges(source, destination, len(hits))  # type: ignore[no-any-return]
