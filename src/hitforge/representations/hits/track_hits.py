"""Hits of a tracker as a set of nodes, for networks that need no edges."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.events import Collection, Events
from hitforge.representations import Per, Prepared, Shapes, Target
from hitforge.representations._tracks import TrackRepresentation, TrackSettings
from hitforge.representations.hits import TRACK_PLACE

_KEPT = ("x", "y", "features", "layer", "kind", "index", "particle", "rank")


class TrackHits(TrackRepresentation):
    """The hits of each event: ``nodes`` (H, F), and ``layer``, ``event``, ``kind`` (H,) int32, flat over a batch.

    With ``azimuth`` also ``place`` (H, 4), the columns ``TRACK_PLACE`` of ``nodes``.

    Features: r / 500 mm, z / 1500 mm, eta / 2 of the place; with ``azimuth`` cos and sin of phi; with ``clusters``
    log(1 + channels) along u and v and log(1 + charge).

    Augmentation: with ``azimuth`` each event is turned by a random angle and mirrored at random, in y, and the azimuth
    of the particles in the truth with it; positions keep no further symmetry.
    """

    class Config(TrackSettings):
        """Which hits, and what is said of them."""

        azimuth: bool = Field(True, description="add cos and sin of phi to the node features")

    def shapes(self) -> Shapes:
        """Return the shapes of the arrays of hits; all are flat over the hits of a batch."""
        return super().shapes() | ({"place": (len(TRACK_PLACE),)} if self.config.azimuth else {})

    def labels(self) -> dict[str, list[str]]:
        """Return the names of the node features, and of what says where a hit stands."""
        labels = super().labels()
        if not self.config.azimuth:
            return labels
        return {**labels, "nodes": [*labels["nodes"], "cos_phi", "sin_phi"], "place": list(TRACK_PLACE)}

    def prepare(self, events: Events) -> Prepared:
        """Return the hits that become nodes.

        Raises:
            DataError: See ``select``.
        """
        nodes, known = self.select(events)
        columns = {name: nodes[name] for name in _KEPT if name in nodes.columns}
        tables = {name: table for name, table in known.items() if name == "particles"}
        return Prepared(type(nodes)(nodes.offsets, columns), {}, tables)

    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return the nodes of the events ``index``, flat."""
        assert prepared.ragged is not None  # prepare always gives it
        nodes = prepared.ragged.take(np.asarray(index, np.int64))
        mirrored, keep = self._draw(nodes, index, random)
        batch = self._node_batch(nodes)
        if self.config.azimuth:
            phi = kinematics.phi(nodes["x"], nodes["y"]).astype(np.float64)
            phi = _turned(phi, nodes, mirrored, random)
            circle = np.stack([np.cos(phi), np.sin(phi)], axis=1).astype(np.float32)
            batch["nodes"] = np.concatenate([batch["nodes"], circle], axis=1)
            names = self.labels()["nodes"]
            batch["place"] = batch["nodes"][:, [names.index(name) for name in TRACK_PLACE]]
        return {name: values[keep] for name, values in batch.items()}

    def truth(self, prepared: Prepared, index: Array, per: Per, random: np.random.Generator | None = None) -> Target:
        """Return the truth of the hits of a batch, (H, 9) float32; particles are turned and mirrored as the hits are.

        Raises:
            DataError: The events came without links or particles.
            ConfigError: ``per`` is not ``hit``.
        """
        if per != "hit" or random is None or not self.config.azimuth:
            return super().truth(prepared, index, per, random)
        assert prepared.ragged is not None  # prepare always gives it
        self._known(prepared, "particles")
        nodes = prepared.ragged.take(np.asarray(index, np.int64))
        mirrored, keep = self._draw(nodes, index, random)
        truth = self._hit_truth(prepared, nodes, index, np.ones(nodes.rows, bool))
        phi = _turned(truth[:, 4].astype(np.float64), nodes, mirrored, random)
        truth[:, 4] = np.where(truth[:, 0] >= 0, np.arctan2(np.sin(phi), np.cos(phi)), 0)
        return truth[keep]


def _turned(phi: Array, nodes: Collection, mirrored: Array, random: np.random.Generator | None) -> Array:
    """Azimuth of something of each node, (H,) [rad], in its event as it is mirrored, (B,), and turned at random."""
    if random is None:
        return phi
    turned = random.uniform(-np.pi, np.pi, len(mirrored))
    return np.where(mirrored, -1.0, 1.0)[nodes.event] * phi + turned[nodes.event]
