"""A dynamic graph network: edge convolutions over neighbours that each block finds anew in its own features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_neighbours import flat_index, gather, gather_max, nearest_points, others
from hitforge.models.layers.torch_points import PointNorm, PointsHead, PointsInput
from hitforge.models.points import require_points
from hitforge.models.points._settings import PointsConfig
from hitforge.representations import Shapes


class EdgeConv(Model):
    """DGCNN (Wang et al., arXiv 1801.07829) on the points of an event, padded points left out exactly.

    An edge's feature is linear in both of its points and activated; a block keeps the largest over the neighbours, or
    their mean. The outputs of all blocks are joined, embedded and pooled.
    """

    class Config(PointsConfig):
        """Size of the network."""

        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (64, 64), min_length=1, max_length=32, description="features of a point behind each block"
        )
        graph: Literal["dynamic", "given"] = Field(
            "dynamic",
            description="dynamic: nearest in the features of each block, the first block takes the given neighbours if "
            "there are any, else the nearest in space; given: the given neighbours in all blocks",
        )
        neighbours: int = Field(8, ge=1, le=255, description="neighbours of a point in a graph found by the network")
        aggregate: Literal["max", "mean"] = Field("max", description="what a point keeps of its edges")
        embedding: int = Field(64, ge=1, le=8192, description="features of a point before the pooling")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points, with neighbours where the configuration takes the given ones."""
        _, neighbours = require_points(self, inputs)
        if self.config.graph == "given" and not neighbours:
            raise ConfigError(
                "graph: given needs the neighbours of each point",
                came=inputs,
                where="model.graph",
                do="give the representation 'points' a graph, or set model.graph to dynamic",
            )

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; inputs as ``hitforge.models.points`` says."""
        self.check(inputs)
        features, _ = require_points(self, inputs)
        return EdgeNetwork(features, outputs, summary=self.summary_length(inputs), **dict(self.config))


class EdgeBlock(nn.Module):
    """An edge convolution, h_ij = relu(A x_i + B (x_j - x_i)), then normalisation.

    Written as relu(C x_i + B x_j) with C = A - B, the matrices act on points, not on edges. As the ReLU is monotonic,
    the largest edge is that of the largest B x_j, and no edge need be made for it.
    """

    def __init__(self, features: int, width: int, *, aggregate: str, norm: str, dropout: float) -> None:
        super().__init__()
        self.own_other = linear(features, 2 * width, gain=1.0)
        self.norm, self.dropout = PointNorm(norm, width), nn.Dropout(dropout)
        self.largest = aggregate == "max"

    def forward(self, x: Tensor, index: Tensor, real: Tensor) -> Tensor:
        """Points (B, P, F) and neighbours (B * P, K) to (B, P, width)."""
        batch, points, _ = x.shape
        own, other = self.own_other(x.view(batch * points, -1)).chunk(2, dim=1)  # (N, width)
        if self.largest:
            y = torch.relu(own + gather_max(other, index, points))
        else:
            keep = others(index)  # a point that stands in for a missing neighbour is no edge
            y = torch.relu(own[:, None] + gather(other, index))  # (N, K, width)
            share = keep / keep.sum(1, keepdim=True).clamp(min=1)
            y = torch.bmm(share.to(y.dtype)[:, None], y)[:, 0]  # (N, width)
        return self.dropout(self.norm(y.view(batch, points, -1), real))  # type: ignore[no-any-return]


class EdgeNetwork(nn.Module):
    """Blocks, embedding of all their outputs, head.

    Args:
        features: Of a point, F.
        outputs: Numbers to give for each event, K.
        widths: Features of a point behind each block.
        graph: ``dynamic``: nearest in the features of each block; ``given``: the given neighbours in all blocks.
        neighbours: Of a point in a graph found by the network.
        aggregate: What a point keeps of its edges, max or mean.
        embedding: Features of a point before the pooling.
        norm: Normalisation: layer, batch or none.
        dropout: Share of features dropped in blocks and before dense layers.
        head: What else ``PointsHead`` takes: ``pool``, ``dense`` and ``summary``.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        widths: Sequence[int] = (64, 64),
        graph: str = "dynamic",
        neighbours: int = 8,
        aggregate: str = "max",
        embedding: int = 64,
        norm: str = "layer",
        dropout: float = 0.0,
        **head: Any,
    ) -> None:
        super().__init__()
        self.dynamic, self.neighbours = graph == "dynamic", neighbours
        self.start = PointsInput(features)
        features += 3
        self.blocks = nn.ModuleList()
        for width in widths:
            self.blocks.append(EdgeBlock(features, width, aggregate=aggregate, norm=norm, dropout=dropout))
            features = width
        self.embedding = linear(sum(widths), embedding, gain=2.0)
        self.norm = PointNorm(norm, embedding)
        self.head = PointsHead(embedding, outputs, dropout=dropout, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points as ``hitforge.models.points`` says, with or without neighbours and summary, to (B, K)."""
        x, real = self.start(inputs["points"], inputs["position"], inputs["mask"])
        if "neighbours" in inputs:
            index = flat_index(inputs["neighbours"])
        else:
            index = nearest_points(x[..., -3:], real, self.neighbours)
        found = []
        for i, block in enumerate(self.blocks):
            if i and self.dynamic:
                index = nearest_points(x, real, self.neighbours)
            x = block(x, index, real)
            found.append(x)
        x = torch.relu(self.norm(self.embedding(torch.cat(found, dim=2)), real))  # (B, P, embedding)
        return self.head(x, real, inputs.get("summary"))  # type: ignore[no-any-return]
