"""A network on edges without message passing in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from hitforge.models.layers.torch_incidence import Incidence, connected
from hitforge.models.layers.torch_interaction import EdgeHead, EdgeUpdate, Encoder

if TYPE_CHECKING:
    from hitforge.models.edge_filter import EdgeFilter


class FilterNetwork(nn.Module):
    """Encoders, blocks on edges, outputs for edges."""

    def __init__(self, features: int, edge: int, outputs: int, config: EdgeFilter.Config) -> None:
        super().__init__()
        self.node, self.edge = Encoder(features, config, layer=True), Encoder(edge, config)
        self.blocks = nn.ModuleList([EdgeUpdate(config.width) for _ in range(config.depth)])
        self.head = EdgeHead(config.width, outputs)

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs as ``Model.torch`` says to (E, K)."""
        inputs = connected(inputs)
        graph = Incidence(inputs["source"], inputs["destination"], len(inputs["nodes"]))
        x, e = self.node(inputs["nodes"], inputs["layer"]), self.edge(inputs["edges"])
        for block in self.blocks:
            e = block(x, e, graph)
        return self.head(x, e, graph)  # type: ignore[no-any-return]
