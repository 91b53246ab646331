"""A network for hits of several kinds in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_edge_sets import EdgeSetsStep
from hitforge.models.layers.torch_incidence import Incidence
from hitforge.models.layers.torch_interaction import EdgeHead, Encoder, HitHead, run, steps

if TYPE_CHECKING:
    from hitforge.models.heterogeneous_network import HeterogeneousNetwork as Plugin


class ByKind:
    """Rows sorted by their kind, and back.

    Args:
        kind: (R,) int, 0..count-1.
        count: Kinds.
    """

    def __init__(self, kind: Tensor, count: int) -> None:
        self.order = torch.argsort(kind, stable=True)  # (R,) rows, those of a kind in one piece
        self.place = torch.argsort(self.order)  # (R,) where a row went
        self.sizes: list[int] = (kind[:, None] == torch.arange(count, device=kind.device)).sum(0).tolist()

    def split(self, x: Tensor) -> list[Tensor]:
        """Rows (R, ...) of each kind."""
        return list(torch.split(x.index_select(0, self.order), self.sizes))

    def join(self, parts: list[Tensor]) -> Tensor:
        """Rows of each kind to (R, ...) in the order that they had."""
        return torch.cat(parts).index_select(0, self.place)


class HeterogeneousNetwork(nn.Module):
    """Encoders, message passing and outputs, each by the kind of a hit or the kinds of an edge's two hits."""

    def __init__(self, features: int, edge: int, outputs: int, config: Plugin.Config) -> None:
        super().__init__()
        self.kinds, self.saving = config.kinds, config.checkpoint
        sets, width = config.kinds**2, config.width
        self.node = nn.ModuleList([Encoder(features, config, layer=True) for _ in range(self.kinds)])
        self.edge = nn.ModuleList([Encoder(edge, config) for _ in range(sets)])
        self.steps = nn.ModuleList(steps(EdgeSetsStep, config, sets, self.kinds))
        per_edge = config.readout == "edge"
        self.edge_heads = nn.ModuleList([EdgeHead(width, outputs) for _ in range(sets if per_edge else 0)])
        self.hit_heads = nn.ModuleList([HitHead(width, outputs) for _ in range(0 if per_edge else self.kinds)])

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs as ``Model.torch`` says to (E, K) or (H, K)."""
        kind = inputs["kind"].long().clamp(0, self.kinds - 1)  # (H,)
        ends = inputs["source"].long(), inputs["destination"].long()
        hits, edges = ByKind(kind, self.kinds), ByKind(kind[ends[0]] * self.kinds + kind[ends[1]], self.kinds**2)
        sources, destinations = (edges.split(hits.place[end]) for end in ends)
        graphs = [Incidence(a, b, len(kind)) for a, b in zip(sources, destinations, strict=True)]
        given = zip(self.node, hits.split(inputs["nodes"]), hits.split(inputs["layer"]), strict=True)
        x = torch.cat([encode(part, layer) for encode, part, layer in given])  # (H, W), sorted by kind
        e = [encode(part) for encode, part in zip(self.edge, edges.split(inputs["edges"]), strict=True)]
        for step in self.steps:
            x, e = run(step, self.saving, x, e, graphs, hits.sizes)
        if len(self.edge_heads):
            parts = zip(self.edge_heads, e, graphs, strict=True)
            return edges.join([head(x, e_set, graph) for head, e_set, graph in parts])
        return hits.join([head(part) for head, part in zip(self.hit_heads, torch.split(x, hits.sizes), strict=True)])
