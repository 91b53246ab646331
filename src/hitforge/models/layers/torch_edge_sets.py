"""Message passing over several sets of edges of the same hits in PyTorch, each set with its own weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_incidence import Incidence
from hitforge.models.layers.torch_interaction import EdgeUpdate, Gate, NodeUpdate


class EdgeSetsStep(nn.Module):
    """One message passing: each set of edges by itself, then hits from the sum of what all sets bring them.

    Args:
        width: Features of a hit and of an edge.
        sets: Sets of edges.
        kinds: Kinds of hits, each with its own update.
    """

    def __init__(self, width: int, sets: int, kinds: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList([EdgeUpdate(width) for _ in range(sets)])
        self.gates = nn.ModuleList([Gate(width) for _ in range(sets)])
        self.nodes = nn.ModuleList([NodeUpdate(width, 2 * width) for _ in range(kinds)])

    def forward(
        self, x: Tensor, e: list[Tensor], graphs: list[Incidence], sizes: list[int]
    ) -> tuple[Tensor, list[Tensor]]:
        """Hits (H, W) and edges (E_s, W) of each set to the same shapes.

        Args:
            x: Hits, those of a kind in one piece.
            e: Edges of each set.
            graphs: The hits that they join.
            sizes: Hits of each kind.
        """
        e = [update(x, e_set, graph) for update, e_set, graph in zip(self.edges, e, graphs, strict=True)]
        message = sum_of([gate(e_set, graph) for gate, e_set, graph in zip(self.gates, e, graphs, strict=True)])
        parts = zip(self.nodes, torch.split(x, sizes), torch.split(message, sizes), strict=True)
        return torch.cat([update(hits, brought) for update, hits, brought in parts]), e


def sum_of(parts: list[Tensor]) -> Tensor:
    """Add tensors of one shape."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
