"""Edge builders that ask one network of another run."""

from __future__ import annotations

from typing import Any, ClassVar

from hitforge.core.errors import RunError
from hitforge.detectors import TrackerDetector
from hitforge.representations import Network, Representation
from hitforge.representations.graph.edges import EdgeBuilder


class NetworkEdgeBuilder(EdgeBuilder):
    """Holds the one network that it needs, and the representation that makes its inputs.

    Attributes:
        network: Name of the network in a recipe's ``depends_on``.
    """

    network: ClassVar[str]

    def __init__(self, config: Any, detector: TrackerDetector, target: Any = None) -> None:
        super().__init__(config, detector, target)
        self._given: tuple[Network, Representation] | None = None

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The one network."""
        return (self.network,)

    def provide(self, name: str, network: Network, representation: Representation) -> None:
        """Take the network.

        Raises:
            ConfigError: Another network comes.
        """
        if name != self.network:
            super().provide(name, network, representation)
        self._given = network, representation

    def given(self) -> tuple[Network, Representation]:
        """Return the network and its representation.

        Raises:
            RunError: None was provided.
        """
        if self._given is None:
            raise RunError(
                f"the edge builder '{self.name}' needs the network '{self.network}'", do="name a run that has one"
            )
        return self._given
