"""An interaction network on the graph of an event's hits: tracks are found by the edges that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hitforge.models import Model
from hitforge.models._graph import MessageConfig
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import torch


class InteractionNetwork(Model):
    """Rounds of messages between hits and edges (Battaglia et al., arXiv 1612.00222; tracking: arXiv 2103.06995).

    In each round an edge learns from both of its hits, and a hit from the gated sums of the edges that leave and that
    reach it; both add to what they were. An edge's answer comes from itself and both hits, a hit's from itself.
    """

    class Config(MessageConfig):
        """Size of the network."""

    config: Config

    @property
    def per(self) -> Per:
        """What the network answers for."""
        return self.config.readout

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are a graph of hits."""
        self.require_graph(inputs)

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; inputs as ``Model.torch`` says."""
        from hitforge.models.layers.torch_interaction import InteractionNetwork as Network

        features, edge = self.require_graph(inputs)
        return Network(features, edge, outputs, self.config)
