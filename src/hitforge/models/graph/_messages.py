"""What the networks on graphs of hits have in common: the fields of their configurations, and how they are built."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field
from torch import nn

from hitforge.core.config import Config
from hitforge.models import Model
from hitforge.models.graph import require_graph
from hitforge.representations import Per, Shapes


class GraphConfig(Config):
    """Size of the networks on graphs of hits."""

    width: int = Field(48, ge=1, le=4096, description="features of a hit and of an edge")
    layers: int = Field(48, ge=1, le=65536, description="sensitive layers that the network knows apart")


class MessageConfig(GraphConfig):
    """Message passing."""

    readout: Literal["edge", "hit"] = Field("edge", description="what the network answers for: edges or hits")
    iterations: int = Field(5, ge=1, le=64, description="rounds of message passing")
    shared: bool = Field(False, description="all rounds have the same weights")
    checkpoint: bool = Field(
        False, description="compute the inside of each round again in the backward pass: less memory, more time"
    )


class MessageModel(Model):
    """A network of rounds of messages that answers for edges or hits, as its ``readout`` says."""

    config: MessageConfig

    @property
    def per(self) -> Per:
        """What the network answers for."""
        return self.config.readout

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are a graph of hits."""
        self._edges(inputs)

    @abstractmethod
    def _network(self) -> Callable[..., nn.Module]:
        """The class of the PyTorch network, called with features of a hit, ``_edges``, outputs and the settings."""

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; inputs as ``hitforge.models.graph`` says."""
        self.check(inputs)
        return self._network()(require_graph(self, inputs)[0], self._edges(inputs), outputs, **dict(self.config))

    def _edges(self, inputs: Shapes) -> Any:
        """Features of an edge."""
        return require_graph(self, inputs)[1]
