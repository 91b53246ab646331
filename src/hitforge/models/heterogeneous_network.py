"""An interaction network that treats hits of pixels and of strips each in their own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hitforge.core.errors import ConfigError
from hitforge.models._graph import MessageConfig, MessageModel
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


class HeterogeneousNetwork(MessageModel):
    """Rounds of messages as in ``interaction_network``, with own weights for each kind of hits and of edges.

    The kinds of an edge's two hits, in their order, are its own kind: with pixels and strips there are four. A hit adds
    what edges of all kinds bring it.
    """

    class Config(MessageConfig):
        """Size of the network."""

        kinds: int = Field(2, ge=1, le=8, description="kinds of hits, such as pixels and strips")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are a graph of hits that have kinds."""
        self.require_graph(inputs)
        if "kind" not in inputs:
            raise ConfigError(
                f"the model '{self.name}' needs the kind of each hit",
                came=inputs,
                do="use a representation that gives 'kind', or the model 'interaction_network'",
            )

    def _network(self) -> type[torch.nn.Module]:
        from hitforge.models.layers.torch_heterogeneous import HeterogeneousNetwork as Network

        return Network
