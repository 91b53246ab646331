"""The hits of each event, flat."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from hitforge.core import config
from hitforge.events import Events
from hitforge.representations import Per, Prepared, Representation, Shapes


class BlobHits(Representation):
    """``nodes`` (H, 2): x and y in units of the lattice, and ``event``, (H,)."""

    kind: ClassVar[str | None] = "blob"
    reads: ClassVar[frozenset[str]] = frozenset({"hits", "particles", "links"})

    class Config(config.Config):
        """Nothing to set."""

    def shapes(self) -> Shapes:
        """Of one row."""
        return {"nodes": (2,), "event": ()}

    def labels(self) -> dict[str, list[str]]:
        """Names."""
        return {"nodes": ["x", "y"], "event": ["event"]}

    def prepare(self, events: Events) -> Prepared:
        """Return the places, and the centres of the blobs that gave the hits."""
        hits = events.hits
        columns = {name: (hits[name] / 100.0).astype(np.float32) for name in "xy"}
        if "links" in events.collections:
            links, particles = events.links, events.particles
            hit, owner = hits.offsets[links.event] + links["hit"], particles.offsets[links.event] + links["particle"]
            for name in "xy":
                columns[f"v{name}"] = columns[name].copy()
                columns[f"v{name}"][hit] = particles[f"v{name}"][owner] / 100.0
        return Prepared(type(hits)(hits.offsets, columns), {})

    def batch(self, prepared: Prepared, index: Any, random: Any = None) -> dict[str, Any]:
        """Return the places."""
        assert prepared.ragged is not None
        nodes = prepared.ragged.take(index)
        return {"nodes": np.stack([nodes["x"], nodes["y"]], 1), "event": nodes.event.astype(np.int32)}

    def truth(self, prepared: Prepared, index: Any, per: Per, random: Any = None) -> Any:
        """Return the way to the centre of each hit's blob."""
        assert prepared.ragged is not None
        nodes = prepared.ragged.take(index)
        return np.stack([nodes["vx"] - nodes["x"], nodes["vy"] - nodes["y"]], 1)

    def hit_index(self, prepared: Prepared, index: Any) -> Any:
        """All hits are there."""
        assert prepared.ragged is not None
        nodes = prepared.ragged.take(index)
        return np.arange(nodes.rows) - nodes.offsets[nodes.event]
