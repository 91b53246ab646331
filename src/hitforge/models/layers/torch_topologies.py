"""A network for several graphs over the same hits in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from hitforge.models.layers.torch_edge_sets import EdgeSetsStep
from hitforge.models.layers.torch_incidence import Incidence
from hitforge.models.layers.torch_interaction import EdgeHead, Encoder, HitHead, run, steps

if TYPE_CHECKING:
    from hitforge.models._graph import MessageConfig


class TopologiesNetwork(nn.Module):
    """Encoders and message passing for each set of edges, and outputs for the first set, or for hits.

    Args:
        features: Features of a hit.
        edges: Features of an edge of each set.
        outputs: Numbers for each edge or hit.
        config: The model's configuration.
    """

    def __init__(self, features: int, edges: list[int], outputs: int, config: MessageConfig) -> None:
        super().__init__()
        self.saving = config.checkpoint
        self.suffixes = [f"_{i}" if i else "" for i in range(len(edges))]
        self.node = Encoder(features, config, layer=True)
        self.edge = nn.ModuleList([Encoder(number, config) for number in edges])
        self.steps = nn.ModuleList(steps(EdgeSetsStep, config, len(edges), 1))
        self.edge_head = EdgeHead(config.width, outputs) if config.readout == "edge" else None
        self.hit_head = HitHead(config.width, outputs) if config.readout == "hit" else None

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs, with further sets as ``edges_1``, ``source_1``, ``destination_1``, to (E, K) or (H, K)."""
        hits = len(inputs["nodes"])
        graphs = [Incidence(inputs[f"source{i}"], inputs[f"destination{i}"], hits) for i in self.suffixes]
        x = self.node(inputs["nodes"], inputs["layer"])
        e = [encode(inputs[f"edges{i}"]) for encode, i in zip(self.edge, self.suffixes, strict=True)]
        for step in self.steps:
            x, e = run(step, self.saving, x, e, graphs, [hits])
        if self.edge_head is not None:
            return self.edge_head(x, e[0], graphs[0])  # type: ignore[no-any-return]
        assert self.hit_head is not None
        return self.hit_head(x)  # type: ignore[no-any-return]
