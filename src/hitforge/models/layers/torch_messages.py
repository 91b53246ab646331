"""Message passing in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.layers.torch_dense import dense
from hitforge.models.layers.torch_neighbours import flat_index, gather, others, weighted_sum
from hitforge.models.layers.torch_points import PointNorm, PointsHead, PointsInput

if TYPE_CHECKING:
    from hitforge.models.message_passing import MessagePassing


class Edges(NamedTuple):
    """The edges of a batch, of N = B * P points with K neighbours."""

    rows: Tensor
    """(N, K) int64, rows of the flat points."""
    valid: Tensor
    """(N, K) bool; a point that stands in for a missing neighbour is no edge."""
    features: Tensor
    """(N, K, E)."""


class Attention(nn.Module):
    """Messages weighed by what a point, its neighbour and the edge between them say (arXiv 1710.10903).

    Messages are linear in neighbour and edge, so both are summed first and the edge's matrix acts on points.
    """

    def __init__(self, config: MessagePassing.Config) -> None:
        super().__init__()
        width, self.heads = config.width, config.heads
        self.own, self.other = (dense(width, self.heads, gain=1.0, bias=i == 0) for i in range(2))  # scores
        self.value = dense(width, width, gain=1.0, bias=False)
        self.edge = dense(config.edge, self.heads, gain=1.0, bias=False)
        self.edge_value = nn.Parameter(torch.randn(self.heads, config.edge, width // self.heads) * config.edge**-0.5)

    def forward(self, x: Tensor, edges: Edges) -> Tensor:
        """Points (N, W) to (N, W)."""
        score = self.own(x)[:, None] + gather(self.other(x), edges.rows) + self.edge(edges.features)  # (N, K, heads)
        score = functional.leaky_relu(score.float(), 0.2)
        score = torch.where(edges.valid[..., None], score, torch.finfo(score.dtype).min)
        share = torch.where(edges.valid[..., None], score.softmax(1), 0.0).mT  # (N, heads, K)
        along = torch.bmm(share.to(edges.features.dtype), edges.features)  # (N, heads, E)
        carried = torch.bmm(along.transpose(0, 1), self.edge_value.to(along.dtype))  # (heads, N, W / heads)
        return weighted_sum(gather(self.value(x), edges.rows), share) + carried.transpose(0, 1).flatten(1)


class Messages(nn.Module):
    """Mean or maximum of relu(A x_i + B x_j + C e_ij)."""

    def __init__(self, config: MessagePassing.Config) -> None:
        super().__init__()
        self.largest = config.aggregate == "max"
        self.own_other = dense(config.width, 2 * config.width, gain=1.0)
        self.edge = dense(config.edge, config.width, gain=1.0, bias=False)

    def forward(self, x: Tensor, edges: Edges) -> Tensor:
        """Points (N, W) to (N, W)."""
        own, other = self.own_other(x).chunk(2, dim=1)
        message = torch.relu(own[:, None] + gather(other, edges.rows) + self.edge(edges.features))  # (N, K, W)
        if self.largest:  # no message is negative: zero stands for none
            return torch.where(edges.valid[..., None], message, 0.0).max(1).values
        share = edges.valid / edges.valid.sum(1, keepdim=True).clamp(min=1)
        return torch.bmm(share[:, None].to(message.dtype), message)[:, 0]


class MessageBlock(nn.Module):
    """Messages and a dense part, each normalised first and beside a shortcut."""

    def __init__(self, config: MessagePassing.Config) -> None:
        super().__init__()
        width, hidden = config.width, max(1, round(config.width * config.expansion))
        self.norm1, self.norm2 = PointNorm(config.norm, width), PointNorm(config.norm, width)
        self.messages = Attention(config) if config.aggregate == "attention" else Messages(config)
        self.mix = dense(width, width, gain=1.0)
        self.dense1, self.dense2 = dense(width, hidden, gain=2.0), dense(hidden, width, gain=1.0)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, edges: Edges, real: Tensor) -> Tensor:
        """Points (B, P, W) to the same shape."""
        y = self.messages(self.norm1(x, real).flatten(0, 1), edges).view(x.shape)
        x = x + self.dropout(self.mix(y))
        y = torch.relu(self.dense1(self.norm2(x, real)))
        return x + self.dropout(self.dense2(self.dropout(y)))  # type: ignore[no-any-return]


class MessageNetwork(nn.Module):
    """Dense layer, features of the edges, blocks, head."""

    def __init__(self, features: int, summary: int, outputs: int, config: MessagePassing.Config) -> None:
        super().__init__()
        self.start = PointsInput(features)
        self.embed = dense(features + 3, config.width, gain=1.0)
        self.edge = dense(4, config.edge, gain=2.0)
        self.blocks = nn.ModuleList([MessageBlock(config) for _ in range(config.blocks)])
        self.norm = PointNorm(config.norm, config.width)
        self.head = PointsHead(config.width, outputs, config, summary)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points with neighbours as ``Model.torch`` says, with or without summary, to (B, K)."""
        x, real = self.start(inputs["points"], inputs["position"], inputs["mask"])
        edges = self._edges(x[..., -3:], inputs["neighbours"])
        x = self.embed(x)  # (B, P, W)
        for block in self.blocks:
            x = block(x, edges, real)
        return self.head(self.norm(x, real), real, inputs.get("summary"))  # type: ignore[no-any-return]

    def _edges(self, position: Tensor, neighbours: Tensor) -> Edges:
        """Features of an edge, from differences of the normalised positions (B, P, 3) and their length."""
        index = flat_index(neighbours)
        place = position.reshape(len(index), 3)
        difference = gather(place, index) - place[:, None]  # (N, K, 3)
        length = (difference.square().sum(2, keepdim=True) + 1e-6).sqrt()  # (N, K, 1)
        return Edges(index, others(index), torch.relu(self.edge(torch.cat([difference, length], dim=2))))
