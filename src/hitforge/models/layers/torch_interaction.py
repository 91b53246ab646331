"""Blocks of interaction networks on the graph of a batch's hits in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from hitforge.models.layers.torch_dense import InputNorm, linear
from hitforge.models.layers.torch_incidence import Incidence


class Encoder(nn.Module):
    """Normalised features, and the embedding of the layer where it is given, through two dense layers.

    Args:
        features: F.
        width: W.
        layers: Layers that are known apart, 0 where none is given.
    """

    def __init__(self, features: int, width: int, layers: int = 0) -> None:
        super().__init__()
        self.norm = InputNorm(features)
        self.hidden = linear(features, width, gain=1.0)
        self.layer = nn.Embedding(layers, width) if layers else None
        self.output = linear(width, width, gain=2.0)
        self.out_norm = nn.LayerNorm(width)

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
        self.ends = linear(width, 2 * width, gain=0.7, bias=False)
        self.edge = linear(width, width, gain=0.7)
        self.output = linear(width, width, gain=2.0)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, e: Tensor, graph: Incidence) -> Tensor:
        """Hits (H, W) and edges (E, W) to edges (E, W)."""
        return e + self.norm(self.output(functional.silu(self.edge(e) + graph.expand(self.ends(x)))))  # type: ignore[no-any-return]


class Gate(nn.Module):
    """Sums of edges, each times a sigmoid of its own features, apart for edges that leave and that reach a hit."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = linear(width, 1, gain=1.0)

    def forward(self, e: Tensor, graph: Incidence) -> Tensor:
        """Edges (E, W) to hits (H, 2 W)."""
        return graph.collect(e, torch.sigmoid(self.gate(e))[:, 0])


class NodeUpdate(nn.Module):
    """x_i += LayerNorm(V silu(A x_i + B m_i)) with what came in, m_i."""

    def __init__(self, width: int, message: int) -> None:
        super().__init__()
        self.own = linear(width, width, gain=1.0)
        self.message = linear(message, width, gain=1.0, bias=False)
        self.output = linear(width, width, gain=2.0)
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
        self.ends = linear(width, 2 * width, gain=0.7, bias=False)
        self.edge = linear(width, width, gain=0.7)
        self.output = linear(width, outputs, gain=1.0)

    def forward(self, x: Tensor, e: Tensor, graph: Incidence, more: Tensor | None = None) -> Tensor:
        """Hits (H, W), edges (E, W) and what else there is to say about edges (E, W) to (E, K)."""
        hidden = self.edge(e) + graph.expand(self.ends(x))
        return self.output(functional.silu(hidden if more is None else hidden + more))  # type: ignore[no-any-return]


class HitHead(nn.Module):
    """Outputs of a hit."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.hidden, self.output = linear(width, width, gain=1.0), linear(width, outputs, gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Hits (H, W) to (H, K)."""
        return self.output(functional.silu(self.hidden(x)))  # type: ignore[no-any-return]


def steps(make: Callable[[], nn.Module], count: int, *, shared: bool) -> nn.ModuleList:
    """Make so many steps, or one that stands for all where they share their weights."""
    return nn.ModuleList([make()] * count if shared else [make() for _ in range(count)])


def run_step(step: nn.Module, saving: bool, *arguments: object) -> tuple[Any, ...]:
    """Run a step; where memory is to be saved, its inner values are computed again in the backward pass."""
    if saving and torch.is_grad_enabled():
        return checkpoint(step, *arguments, use_reentrant=False)  # type: ignore[no-any-return]
    return step(*arguments)  # type: ignore[no-any-return]
