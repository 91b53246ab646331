"""What the networks on graphs of hits have in common: the fields of their configurations, and how they are built."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from hitforge.core.config import Config
from hitforge.models import Model
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import torch


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
    def _network(self) -> Callable[..., torch.nn.Module]:
        """The class of the PyTorch network, called with features of a hit, ``_edges``, outputs and configuration."""

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; inputs as ``Model.torch`` says."""
        self.check(inputs)
        return self._network()(self.require_graph(inputs)[0], self._edges(inputs), outputs, self.config)

    def _edges(self, inputs: Shapes) -> Any:
        """Features of an edge."""
        return self.require_graph(inputs)[1]
