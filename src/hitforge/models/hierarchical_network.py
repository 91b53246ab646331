"""A network on two levels: hits, and clusters of hits that it finds itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hitforge.core.errors import ConfigError
from hitforge.models._graph import MessageConfig, MessageModel
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


class HierarchicalNetwork(MessageModel):
    """Message passing on hits and on super-nodes (after Liu et al., arXiv 2303.01640).

    Flat rounds as in ``interaction_network`` give each hit i a unit vector z_i. Edges of an event are split in two
    classes by z_i . z_j with the largest variance between classes; components of the more similar ones are super-nodes,
    c_s the direction of the sum of their z. Super-nodes are joined where an edge joins their hits. A hit is linked to
    its own super-node and to those of its neighbours, the most similar first, with the weight sigmoid(a z_i . c_s + b).
    Then messages pass on hits, on super-nodes, and along the links. At last the shares p_is, a softmax over
    a z_i . c_s + b + x_i A y_s and 0 for none, say to which super-node a hit belongs. An edge's answer knows the
    probability that its hits share one, sum_s p_is p_js, and a multiple of z_i . z_j is added to it, by which the
    pooling learns first of all; a hit's answer knows sum_s p_is y_s.
    """

    class Config(MessageConfig):
        """Size of the network."""

        iterations: int = Field(3, ge=1, le=64, description="rounds of message passing on hits alone")
        rounds: int = Field(2, ge=1, le=64, description="rounds of message passing on both levels, after these")
        embedding: int = Field(8, ge=2, le=256, description="length of the vector by which hits are clustered")
        least: int = Field(3, ge=1, le=1000, description="hits that a super-node must have")
        choices: int = Field(3, ge=1, le=64, description="super-nodes that a hit may belong to")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are a graph of hits that know their event."""
        self.require_graph(inputs)
        if "event" not in inputs:
            raise ConfigError(
                f"the model '{self.name}' needs the number of the event of each hit",
                came=inputs,
                do="use the representation 'track_graph'",
            )

    def _network(self) -> type[torch.nn.Module]:
        from hitforge.models.layers.torch_hierarchical import HierarchicalNetwork as Network

        return Network
