"""A dense network on each edge and its two hits: it thins out a graph, and is the control without message passing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hitforge.models import Model
from hitforge.models._graph import GraphConfig
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import torch


class EdgeFilter(Model):
    """The interaction network's layers on edges alone: what a hit is, no other edge can change."""

    class Config(GraphConfig):
        """Size of the network."""

        depth: int = Field(2, ge=1, le=64, description="blocks of dense layers on an edge and both of its hits")

    config: Config

    @property
    def per(self) -> Per:
        """Each edge has an answer."""
        return "edge"

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are a graph of hits."""
        self.require_graph(inputs)

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; inputs as ``Model.torch`` says."""
        from hitforge.models.layers.torch_edge_filter import FilterNetwork

        features, edge = self.require_graph(inputs)
        return FilterNetwork(features, edge, outputs, self.config)
