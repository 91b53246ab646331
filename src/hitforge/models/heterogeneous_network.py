"""An interaction network that treats hits of pixels and of strips each in their own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models._graph import MessageConfig
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import torch


class HeterogeneousNetwork(Model):
    """Rounds of messages as in ``interaction_network``, with own weights for each kind of hits and of edges.

    The kinds of an edge's two hits, in their order, are its own kind: with pixels and strips there are four. A hit adds
    what edges of all kinds bring it.
    """

    class Config(MessageConfig):
        """Size of the network."""

        kinds: int = Field(2, ge=1, le=8, description="kinds of hits, such as pixels and strips")

    config: Config

    @property
    def per(self) -> Per:
        """What the network answers for."""
        return self.config.readout

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are a graph of hits that have kinds."""
        self.require_graph(inputs)
        if "kind" not in inputs:
            raise ConfigError(
                f"the model '{self.name}' needs the kind of each hit",
                came=inputs,
                do="use a representation that gives 'kind', or the model 'interaction_network'",
            )

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; inputs as ``Model.torch`` says."""
        from hitforge.models.layers.torch_heterogeneous import HeterogeneousNetwork as Network

        self.check(inputs)
        features, edge = self.require_graph(inputs)
        return Network(features, edge, outputs, self.config)
