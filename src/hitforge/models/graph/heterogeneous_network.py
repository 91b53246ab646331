"""An interaction network that treats hits of pixels and of strips each in their own way."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.core.errors import ConfigError
from hitforge.models.graph import require_graph
from hitforge.models.graph._messages import MessageConfig, MessageModel
from hitforge.models.layers.torch_edge_sets import EdgeSetsStep
from hitforge.models.layers.torch_incidence import Incidence
from hitforge.models.layers.torch_interaction import EdgeHead, Encoder, HitHead, run_step, steps
from hitforge.representations import Shapes


class Heterogeneous(MessageModel):
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
        require_graph(self, inputs)
        if "kind" not in inputs:
            raise ConfigError(
                f"the model '{self.name}' needs the kind of each hit",
                came=inputs,
                do="use a representation that gives 'kind', or the model 'interaction_network'",
            )

    def _network(self) -> type[nn.Module]:
        return HeterogeneousNetwork


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
    """Encoders, message passing and outputs, each by the kind of a hit or the kinds of an edge's two hits.

    Args:
        features: Of a hit, F.
        edge: Features of an edge, G.
        outputs: Numbers to give for each edge or hit, K.
        width: Features of a hit and of an edge inside the network.
        layers: Layers that the network knows apart.
        readout: What the network answers for: edge or hit.
        iterations: Rounds of message passing.
        shared: All rounds have the same weights.
        checkpoint: Compute the inside of each round again in the backward pass: less memory, more time.
        kinds: Kinds of hits.
    """

    def __init__(
        self,
        features: int,
        edge: int,
        outputs: int,
        *,
        width: int = 48,
        layers: int = 48,
        readout: str = "edge",
        iterations: int = 5,
        shared: bool = False,
        checkpoint: bool = False,
        kinds: int = 2,
    ) -> None:
        super().__init__()
        self.kinds, self.saving, sets = kinds, checkpoint, kinds**2
        self.node = nn.ModuleList([Encoder(features, width, layers) for _ in range(kinds)])
        self.edge = nn.ModuleList([Encoder(edge, width) for _ in range(sets)])
        self.steps = steps(lambda: EdgeSetsStep(width, sets, kinds), iterations, shared=shared)
        per_edge = readout == "edge"
        self.edge_heads = nn.ModuleList([EdgeHead(width, outputs) for _ in range(sets if per_edge else 0)])
        self.hit_heads = nn.ModuleList([HitHead(width, outputs) for _ in range(0 if per_edge else self.kinds)])

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs as ``hitforge.models.graph`` says to (E, K) or (H, K)."""
        kind = inputs["kind"].long().clamp(0, self.kinds - 1)  # (H,)
        ends = inputs["source"].long(), inputs["destination"].long()
        hits, edges = ByKind(kind, self.kinds), ByKind(kind[ends[0]] * self.kinds + kind[ends[1]], self.kinds**2)
        sources, destinations = (edges.split(hits.place[end]) for end in ends)
        graphs = [Incidence(a, b, len(kind)) for a, b in zip(sources, destinations, strict=True)]
        given = zip(self.node, hits.split(inputs["nodes"]), hits.split(inputs["layer"]), strict=True)
        x = torch.cat([encode(part, layer) for encode, part, layer in given])  # (H, W), sorted by kind
        e = [encode(part) for encode, part in zip(self.edge, edges.split(inputs["edges"]), strict=True)]
        for step in self.steps:
            x, e = run_step(step, self.saving, x, e, graphs, hits.sizes)
        if len(self.edge_heads):
            parts = zip(self.edge_heads, e, graphs, strict=True)
            return edges.join([head(x, e_set, graph) for head, e_set, graph in parts])
        return hits.join([head(part) for head, part in zip(self.hit_heads, torch.split(x, hits.sizes), strict=True)])
