"""Edge builders: which pairs of hits may follow each other on a track. One file a builder, named in ``edges``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

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

    def wanted(self, min_pt: float, max_eta: float, min_hits: int) -> Array:
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


class EdgeBuilder(Plugin, ABC):
    """Gives pairs of hits that may follow each other, from the inside out.

    Args:
        config: The builder's configuration.
        detector: Modules and layers.
    """

    def __init__(self, config: Any, detector: TrackerDetector) -> None:
        super().__init__(config)
        self.detector = detector

    @property
    def needs(self) -> tuple[str, ...]:
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

__all__ = ["EDGES", "EdgeBuilder", "Hits", "Truth", "sort_edges", "within"]
