"""Edges of another run's graph whose score there is high enough."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.representations.graph.edges import Hits, sort_edges
from hitforge.representations.graph.edges._network import NetworkEdgeBuilder


class Filtered(NetworkEdgeBuilder):
    """The graph of the run ``filter`` without the edges that its network scores below ``score``.

    A cheap network on a large graph goes before a dear one on what is left. The network gives one logit an edge.
    """

    class Config(config.Config):
        """What is kept."""

        score: float = Field(0.05, ge=0, le=1, description="smallest score (sigmoid of the logit) of an edge")

    network = "filter"

    def build(self, hits: Hits) -> tuple[Array, Array]:
        """Return the edges that pass, of hits that are nodes here and there.

        Raises:
            RunError: No network was provided.
        """
        network, representation = self.given()
        one = np.array([0])
        prepared = representation.prepare(hits.event)
        batch = representation.batch(prepared, one)
        if not len(batch["source"]):
            return np.empty(0, np.int32), np.empty(0, np.int32)
        logit = np.asarray(network(batch), np.float64).reshape(-1)  # (E,)
        with np.errstate(divide="ignore"):
            least = np.log(self.config.score) - np.log1p(-self.config.score)  # logit of the score
        node = np.full(hits.event.hits.rows, -1, np.int64)
        node[hits.index] = np.arange(len(hits))
        own = node[representation.hit_index(prepared, one)]  # node here of each node there
        source, destination = own[batch["source"]], own[batch["destination"]]
        keep = (logit >= least) & (source >= 0) & (destination >= 0)
        return sort_edges(source[keep].astype(np.int32), destination[keep].astype(np.int32), len(hits))  # type: ignore[no-any-return]
