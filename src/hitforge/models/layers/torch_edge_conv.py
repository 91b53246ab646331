"""Edge convolutions in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_dense import dense
from hitforge.models.layers.torch_neighbours import flat_index, gather, gather_max, nearest, others
from hitforge.models.layers.torch_points import PointNorm, PointsHead, PointsInput

if TYPE_CHECKING:
    from hitforge.models.edge_conv import EdgeConv


class EdgeBlock(nn.Module):
    """An edge convolution, h_ij = relu(A x_i + B (x_j - x_i)), then normalisation.

    Written as relu(C x_i + B x_j) with C = A - B, the matrices act on points, not on edges. As the ReLU is monotonic,
    the largest edge is that of the largest B x_j, and no edge need be made for it.
    """

    def __init__(self, features: int, width: int, config: EdgeConv.Config) -> None:
        super().__init__()
        self.own_other = dense(features, 2 * width, gain=1.0)
        self.norm, self.dropout = PointNorm(config.norm, width), nn.Dropout(config.dropout)
        self.largest = config.aggregate == "max"

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
    """Blocks, embedding of all their outputs, head."""

    def __init__(self, features: int, summary: int, outputs: int, config: EdgeConv.Config) -> None:
        super().__init__()
        self.dynamic, self.neighbours = config.graph == "dynamic", config.neighbours
        self.start = PointsInput(features)
        features += 3
        self.blocks = nn.ModuleList()
        for width in config.widths:
            self.blocks.append(EdgeBlock(features, width, config))
            features = width
        self.embedding = dense(sum(config.widths), config.embedding, gain=2.0)
        self.norm = PointNorm(config.norm, config.embedding)
        self.head = PointsHead(config.embedding, outputs, config, summary)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points as ``Model.torch`` says, with or without neighbours and summary, to (B, K)."""
        x, real = self.start(inputs["points"], inputs["position"], inputs["mask"])
        if "neighbours" in inputs:
            index = flat_index(inputs["neighbours"])
        else:
            index = nearest(x[..., -3:], real, self.neighbours)
        found = []
        for i, block in enumerate(self.blocks):
            if i and self.dynamic:
                index = nearest(x, real, self.neighbours)
            x = block(x, index, real)
            found.append(x)
        x = torch.relu(self.norm(self.embedding(torch.cat(found, dim=2)), real))  # (B, P, embedding)
        return self.head(x, real, inputs.get("summary"))  # type: ignore[no-any-return]
