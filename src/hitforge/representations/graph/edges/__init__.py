"""Edge builders: which pairs of hits may follow each other on a track. One file a builder, named in ``edges``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import TrackerDetector
from hitforge.events import Events
from hitforge.representations import Network, Representation
from hitforge.representations.graph.edges._search import sort_edges, within


@dataclass(frozen=True)
class Truth:
    """What the simulation knows about the hits of one event.

    Attributes:
        source: First hit of each pair that follow each other on a particle's way, (T,) int32.
        destination: Second hit, (T,) int32.
        particle: Its particle, (T,) int32, row of the event's particles.
        pt: Of each particle, (P,) [GeV].
        eta: Of each particle at its production, (P,).
        hits: Hits of each particle, (P,) int32, 0 for neutral ones.
    """

    source: Array
    destination: Array
    particle: Array
    pt: Array
    eta: Array
    hits: Array

    def reconstructable(self, min_pt: float, max_eta: float, min_hits: int) -> Array:
        """Return which particles are charged, hard [GeV], central and long enough, (P,) bool."""
        return (self.pt >= min_pt) & (np.abs(self.eta) <= max_eta) & (self.hits >= max(min_hits, 1))


@dataclass(frozen=True)
class Hits:
    """The hits of one event that become nodes.

    Attributes:
        x: (H,) float64 [mm].
        y: (H,) [mm].
        z: (H,) [mm].
        r: Distance from the beam line, (H,) [mm].
        phi: (H,) [rad], -pi to pi.
        eta: Pseudorapidity of the place, seen from the origin, (H,).
        layer: Sensitive layer, (H,) int32.
        kind: 0 pixel, 1 strip, (H,) int32.
        cell: Number of the module, (H,) int64.
        index: Hit of the event, (H,) int64.
        event: The one event that they come from, for networks of other runs.
        truth: What is known, or None.
    """

    x: Array
    y: Array
    z: Array
    r: Array
    phi: Array
    eta: Array
    layer: Array
    kind: Array
    cell: Array
    index: Array
    event: Events
    truth: Truth | None

    def __len__(self) -> int:
        return len(self.x)


class Margins(config.Config):
    """Whose tracks an edge builder learns from: those of the target and, with margins, of some beyond it."""

    renamed: ClassVar[dict[str, str]] = {"min_pt": "pt_margin", "max_eta": "eta_margin", "min_hits": "hits_margin"}

    pt_margin: float = Field(
        0.1, ge=0, le=100, description="particles are learned from down to this far below target.min_pt [GeV]"
    )
    eta_margin: float = Field(0.1, ge=0, le=10, description="up to this far beyond target.max_eta")
    hits_margin: int = Field(0, ge=0, le=100, description="with so many hits fewer than target.min_hits")

    def cuts(self, target: Any) -> tuple[float, float, int]:
        """Return least pT [GeV], greatest abs(eta), least number of hits; without a target those of all particles."""
        if target is None:
            return 0.0, np.inf, 2
        pt, eta, hits = target.config.widened(self.pt_margin, self.eta_margin, self.hits_margin)
        return pt, eta, max(hits, 2)


class EdgeBuilder(Plugin, ABC):
    """Gives pairs of hits that may follow each other, from the inside out.

    Args:
        config: The builder's configuration.
        detector: Modules and layers.
        target: Which particles are to be found as tracks, the kind ``track`` of ``hitforge.objects``; None: all.
    """

    def __init__(self, config: Any, detector: TrackerDetector, target: Any = None) -> None:
        super().__init__(config)
        self.detector, self.target = detector, target

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Names of networks of other runs that must be provided."""
        return ()

    def provide(self, name: str, network: Network, representation: Representation) -> None:
        """Take a network of another run and the representation that makes its inputs."""
        raise ConfigError(f"the edge builder '{self.name}' uses no other network", came=name)

    def fit(self, sample: Iterable[Hits]) -> None:
        """Learn from events with truth; nothing where this is not overridden."""

    @abstractmethod
    def build(self, hits: Hits) -> tuple[Array, Array]:
        """Return source and destination of each edge, two (E,) int32, sorted by source, then destination.

        No edge stands twice, and none joins two hits of one layer.
        """

    def state(self) -> dict[str, Array]:
        """Return what was learned."""
        return {}

    def set_state(self, state: dict[str, Array]) -> None:
        """Take what ``state`` returned."""


EDGES: Registry[EdgeBuilder] = Registry("representations.graph.edges", EdgeBuilder)  # type: ignore[type-abstract]

__all__ = ["EDGES", "EdgeBuilder", "Hits", "Margins", "Truth", "sort_edges", "within"]
