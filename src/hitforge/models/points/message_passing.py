"""Message passing on given neighbours: the network for graphs that know the detector's layers."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models import Model
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_neighbours import flat_index, gather, others, weighted_sum
from hitforge.models.layers.torch_points import PointNorm, PointsHead, PointsInput
from hitforge.models.points import require_neighbours, require_points
from hitforge.models.points._settings import PointsConfig
from hitforge.representations import Shapes


class MessagePassing(Model):
    """Residual blocks of messages along the given edges, then pooling; padded points left out exactly.

    An edge knows both of its points, the difference of their positions and its length. With attention (graph attention,
    arXiv 1710.10903) a point weighs its neighbours by these; with mean or max, the message is a ReLU of all of them
    (message passing, arXiv 1704.01212).
    """

    class Config(PointsConfig):
        """Size of the network."""

        width: int = Field(64, ge=1, le=4096, description="features of a point; with attention a multiple of heads")
        blocks: int = Field(2, ge=1, le=32, description="blocks of messages")
        aggregate: Literal["attention", "mean", "max"] = Field(
            "attention", description="what a point makes of messages"
        )
        heads: int = Field(1, ge=1, le=64, description="attention heads")
        edge: int = Field(16, ge=1, le=1024, description="features of an edge")
        expansion: float = Field(1.0, ge=0.25, le=16, description="hidden units of a block's dense part over width")

        @model_validator(mode="after")
        def _divisible(self) -> MessagePassing.Config:
            if self.aggregate == "attention" and self.width % self.heads:
                raise ValueError(f"width must be a multiple of heads, but {self.width} is no multiple of {self.heads}")
            return self

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points with neighbours."""
        require_neighbours(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; inputs as ``hitforge.models.points`` says."""
        self.check(inputs)
        features, _ = require_points(self, inputs)
        return MessageNetwork(features, outputs, summary=self.summary_length(inputs), **dict(self.config))


class EdgeTable(NamedTuple):
    """The edges of a batch, of N = B * P points with K neighbours."""

    rows: Tensor
    """(N, K) int64, rows of the flat points."""
    valid: Tensor
    """(N, K) bool; a point that stands in for a missing neighbour is no edge."""
    features: Tensor
    """(N, K, E)."""


class EdgeAttention(nn.Module):
    """Messages weighed by what a point, its neighbour and the edge between them say (arXiv 1710.10903).

    Messages are linear in neighbour and edge, so both are summed first and the edge's matrix acts on points.
    """

    def __init__(self, width: int, edge: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.own, self.other = (linear(width, self.heads, gain=1.0, bias=i == 0) for i in range(2))  # scores
        self.value = linear(width, width, gain=1.0, bias=False)
        self.edge = linear(edge, self.heads, gain=1.0, bias=False)
        self.edge_value = nn.Parameter(torch.randn(self.heads, edge, width // self.heads) * edge**-0.5)

    def forward(self, x: Tensor, edges: EdgeTable) -> Tensor:
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

    def __init__(self, width: int, edge: int, aggregate: str) -> None:
        super().__init__()
        self.largest = aggregate == "max"
        self.own_other = linear(width, 2 * width, gain=1.0)
        self.edge = linear(edge, width, gain=1.0, bias=False)

    def forward(self, x: Tensor, edges: EdgeTable) -> Tensor:
        """Points (N, W) to (N, W)."""
        own, other = self.own_other(x).chunk(2, dim=1)
        message = torch.relu(own[:, None] + gather(other, edges.rows) + self.edge(edges.features))  # (N, K, W)
        if self.largest:  # no message is negative: zero stands for none
            return torch.where(edges.valid[..., None], message, 0.0).max(1).values
        share = edges.valid / edges.valid.sum(1, keepdim=True).clamp(min=1)
        return torch.bmm(share[:, None].to(message.dtype), message)[:, 0]


class MessageBlock(nn.Module):
    """Messages and a dense part, each normalised first and beside a shortcut."""

    def __init__(
        self, width: int, edge: int, *, aggregate: str, heads: int, expansion: float, norm: str, dropout: float
    ) -> None:
        super().__init__()
        hidden = max(1, round(width * expansion))
        self.norm1, self.norm2 = PointNorm(norm, width), PointNorm(norm, width)
        attention = aggregate == "attention"
        self.messages = EdgeAttention(width, edge, heads) if attention else Messages(width, edge, aggregate)
        self.mix = linear(width, width, gain=1.0)
        self.dense1, self.dense2 = linear(width, hidden, gain=2.0), linear(hidden, width, gain=1.0)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, edges: EdgeTable, real: Tensor) -> Tensor:
        """Points (B, P, W) to the same shape."""
        y = self.messages(self.norm1(x, real).flatten(0, 1), edges).view(x.shape)
        x = x + self.dropout(self.mix(y))
        y = torch.relu(self.dense1(self.norm2(x, real)))
        return x + self.dropout(self.dense2(self.dropout(y)))  # type: ignore[no-any-return]


class MessageNetwork(nn.Module):
    """Dense layer, features of the edges, blocks, head.

    Args:
        features: Of a point, F.
        outputs: Numbers to give for each event, K.
        width: Features of a point; with attention a multiple of ``heads``.
        blocks: Blocks of messages.
        aggregate: What a point makes of messages: attention, mean or max.
        heads: Attention heads.
        edge: Features of an edge.
        expansion: Hidden units of a block's dense part over ``width``.
        norm: Normalisation: layer, batch or none.
        dropout: Share of features dropped in blocks and before dense layers.
        head: What else ``PointsHead`` takes: ``pool``, ``dense`` and ``summary``.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        width: int = 64,
        blocks: int = 2,
        aggregate: str = "attention",
        heads: int = 1,
        edge: int = 16,
        expansion: float = 1.0,
        norm: str = "layer",
        dropout: float = 0.0,
        **head: Any,
    ) -> None:
        super().__init__()
        self.start = PointsInput(features)
        self.embed = linear(features + 3, width, gain=1.0)
        self.edge = linear(4, edge, gain=2.0)
        block: dict[str, Any] = {"aggregate": aggregate, "heads": heads, "expansion": expansion}
        self.blocks = nn.ModuleList(
            [MessageBlock(width, edge, **block, norm=norm, dropout=dropout) for _ in range(blocks)]
        )
        self.norm = PointNorm(norm, width)
        self.head = PointsHead(width, outputs, dropout=dropout, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points with neighbours as ``hitforge.models.points`` says, with or without summary, to (B, K)."""
        x, real = self.start(inputs["points"], inputs["position"], inputs["mask"])
        edges = self._edges(x[..., -3:], inputs["neighbours"])
        x = self.embed(x)  # (B, P, W)
        for block in self.blocks:
            x = block(x, edges, real)
        return self.head(self.norm(x, real), real, inputs.get("summary"))  # type: ignore[no-any-return]

    def _edges(self, position: Tensor, neighbours: Tensor) -> EdgeTable:
        """Features of an edge, from differences of the normalised positions (B, P, 3) and their length."""
        index = flat_index(neighbours)
        place = position.reshape(len(index), 3)
        difference = gather(place, index) - place[:, None]  # (N, K, 3)
        length = (difference.square().sum(2, keepdim=True) + 1e-6).sqrt()  # (N, K, 1)
        return EdgeTable(index, others(index), torch.relu(self.edge(torch.cat([difference, length], dim=2))))
