"""Interaction networks on the graph of a batch's hits in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from hitforge.models.layers.torch_dense import InputNorm, dense
from hitforge.models.layers.torch_incidence import Incidence, connected

if TYPE_CHECKING:
    from hitforge.models._graph import GraphConfig, MessageConfig


class Encoder(nn.Module):
    """Normalised features, and the embedding of the detector's layer where it is given, through two dense layers."""

    def __init__(self, features: int, config: GraphConfig, *, layer: bool = False) -> None:
        super().__init__()
        self.norm = InputNorm(features)
        self.hidden = dense(features, config.width, gain=1.0)
        self.layer = nn.Embedding(config.layers, config.width) if layer else None
        self.output = dense(config.width, config.width, gain=2.0)
        self.out_norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor, layer: Tensor | None = None) -> Tensor:
        """Features (N, F) and layer (N,) to (N, W)."""
        x = self.hidden(self.norm(x) if len(x) else x)  # no rows have no mean
        if self.layer is not None and layer is not None:
            x = x + self.layer(layer.clamp(0, self.layer.num_embeddings - 1)).to(x.dtype)
        return self.out_norm(self.output(functional.silu(x)))  # type: ignore[no-any-return]


class EdgeUpdate(nn.Module):
    """e_ij += LayerNorm(V silu(A x_i + B x_j + C e_ij)); A and B act on hits, of which there are fewer than edges."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ends = dense(width, 2 * width, gain=0.7, bias=False)
        self.edge = dense(width, width, gain=0.7)
        self.output = dense(width, width, gain=2.0)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, e: Tensor, graph: Incidence) -> Tensor:
        """Hits (H, W) and edges (E, W) to edges (E, W)."""
        return e + self.norm(self.output(functional.silu(self.edge(e) + graph.expand(self.ends(x)))))  # type: ignore[no-any-return]


class Gate(nn.Module):
    """Sums of edges, each times a sigmoid of its own features, apart for edges that leave and that reach a hit."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = dense(width, 1, gain=1.0)

    def forward(self, e: Tensor, graph: Incidence) -> Tensor:
        """Edges (E, W) to hits (H, 2 W)."""
        return graph.collect(e, torch.sigmoid(self.gate(e))[:, 0])


class NodeUpdate(nn.Module):
    """x_i += LayerNorm(V silu(A x_i + B m_i)) with what came in, m_i."""

    def __init__(self, width: int, message: int) -> None:
        super().__init__()
        self.own = dense(width, width, gain=1.0)
        self.message = dense(message, width, gain=1.0, bias=False)
        self.output = dense(width, width, gain=2.0)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, message: Tensor) -> Tensor:
        """Hits (H, W) and messages (H, M) to hits (H, W)."""
        return x + self.norm(self.output(functional.silu(self.own(x) + self.message(message))))  # type: ignore[no-any-return]


class InteractionStep(nn.Module):
    """One message passing: edges from their ends, then hits from the gated sums of their edges."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.edge, self.gate, self.node = EdgeUpdate(width), Gate(width), NodeUpdate(width, 2 * width)

    def forward(self, x: Tensor, e: Tensor, graph: Incidence) -> tuple[Tensor, Tensor]:
        """Hits (H, W) and edges (E, W) to the same shapes."""
        e = self.edge(x, e, graph)
        return self.node(x, self.gate(e, graph)), e


class EdgeHead(nn.Module):
    """Outputs of an edge from itself and both of its hits."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.ends = dense(width, 2 * width, gain=0.7, bias=False)
        self.edge = dense(width, width, gain=0.7)
        self.output = dense(width, outputs, gain=1.0)

    def forward(self, x: Tensor, e: Tensor, graph: Incidence, more: Tensor | None = None) -> Tensor:
        """Hits (H, W), edges (E, W) and what else there is to say about edges (E, W) to (E, K)."""
        hidden = self.edge(e) + graph.expand(self.ends(x))
        return self.output(functional.silu(hidden if more is None else hidden + more))  # type: ignore[no-any-return]


class HitHead(nn.Module):
    """Outputs of a hit."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.hidden, self.output = dense(width, width, gain=1.0), dense(width, outputs, gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Hits (H, W) to (H, K)."""
        return self.output(functional.silu(self.hidden(x)))  # type: ignore[no-any-return]


def steps(make: type[nn.Module], config: MessageConfig, *arguments: object) -> list[nn.Module]:
    """Make a step for each iteration, or the same for all where they share their weights."""
    if config.shared:
        return [make(config.width, *arguments)] * config.iterations
    return [make(config.width, *arguments) for _ in range(config.iterations)]


def run(step: nn.Module, saving: bool, *arguments: object) -> tuple[Any, ...]:
    """Run a step; where memory is to be saved, its inner values are computed again in the backward pass."""
    if saving and torch.is_grad_enabled():
        return checkpoint(step, *arguments, use_reentrant=False)  # type: ignore[no-any-return]
    return step(*arguments)  # type: ignore[no-any-return]


class InteractionNetwork(nn.Module):
    """Encoders, message passing, and outputs for edges or hits."""

    def __init__(self, features: int, edge: int, outputs: int, config: MessageConfig) -> None:
        super().__init__()
        self.saving = config.checkpoint
        self.node, self.edge = Encoder(features, config, layer=True), Encoder(edge, config)
        self.steps = nn.ModuleList(steps(InteractionStep, config))
        self.edge_head = EdgeHead(config.width, outputs) if config.readout == "edge" else None
        self.hit_head = HitHead(config.width, outputs) if config.readout == "hit" else None

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs as ``Model.require_graph`` says to (E, K) or (H, K)."""
        if self.edge_head is not None:
            inputs = connected(inputs)
        graph = Incidence(inputs["source"], inputs["destination"], len(inputs["nodes"]))
        x, e = self.node(inputs["nodes"], inputs["layer"]), self.edge(inputs["edges"])
        for step in self.steps:
            x, e = run(step, self.saving, x, e, graph)
        if self.edge_head is not None:
            return self.edge_head(x, e, graph)  # type: ignore[no-any-return]
        assert self.hit_head is not None
        return self.hit_head(x)  # type: ignore[no-any-return]
