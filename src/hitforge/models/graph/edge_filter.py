"""A dense network on each edge and its two hits: it thins out a graph, and is the control without message passing."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from hitforge.models import Model
from hitforge.models.graph import require_graph
from hitforge.models.graph._messages import GraphConfig
from hitforge.models.layers.torch_incidence import Incidence, connected
from hitforge.models.layers.torch_interaction import EdgeHead, EdgeUpdate, Encoder
from hitforge.representations import Per, Shapes


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
        require_graph(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; inputs as ``hitforge.models.graph`` says."""
        features, edge = require_graph(self, inputs)
        return FilterNetwork(features, edge, outputs, **dict(self.config))


class FilterNetwork(nn.Module):
    """Encoders, blocks on edges, outputs for edges.

    Args:
        features: Of a hit, F.
        edge: Features of an edge, G.
        outputs: Numbers to give for each edge, K.
        width: Features of a hit and of an edge inside the network.
        layers: Layers that the network knows apart.
        depth: Blocks of dense layers on an edge and both of its hits.
    """

    def __init__(
        self, features: int, edge: int, outputs: int, *, width: int = 48, layers: int = 48, depth: int = 2
    ) -> None:
        super().__init__()
        self.node, self.edge = Encoder(features, width, layers), Encoder(edge, width)
        self.blocks = nn.ModuleList([EdgeUpdate(width) for _ in range(depth)])
        self.head = EdgeHead(width, outputs)

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs as ``hitforge.models.graph`` says to (E, K)."""
        inputs = connected(inputs)
        graph = Incidence(inputs["source"], inputs["destination"], len(inputs["nodes"]))
        x, e = self.node(inputs["nodes"], inputs["layer"]), self.edge(inputs["edges"])
        for block in self.blocks:
            e = block(x, e, graph)
        return self.head(x, e, graph)  # type: ignore[no-any-return]
