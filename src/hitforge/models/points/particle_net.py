"""ParticleNet (arXiv 1902.08570): edge convolutions with several layers an edge, over neighbours found anew."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.models import Model
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_neighbours import flat_index, gather, nearest_points, others
from hitforge.models.layers.torch_points import PointNorm, PointsHead, PointsInput
from hitforge.models.points import require_points
from hitforge.models.points._settings import PointsConfig, PoolKind
from hitforge.representations import Shapes

Width = Annotated[int, Field(ge=1, le=4096)]


class ParticleNet(Model):
    """Blocks of edge convolutions: layers on each edge, the mean over the neighbours, a shortcut.

    The first block takes the given neighbours if there are any, else the nearest in space; the others those nearest in
    the features behind the block before. Default sizes are those of the paper's ParticleNet-Lite.
    """

    class Config(PointsConfig):
        """Size of the network."""

        widths: tuple[tuple[Width, ...], ...] = Field(
            ((32, 32, 32), (64, 64, 64)),
            min_length=1,
            max_length=16,
            description="for each block the features of an edge behind each layer; the last is that of a point",
        )
        neighbours: int = Field(7, ge=1, le=255, description="neighbours of a point in a graph found by the network")
        norm: Literal["layer", "batch", "none"] = Field(
            "batch", description="layer: each edge by itself; batch: over the real edges of a batch; none"
        )
        pool: tuple[PoolKind, ...] = Field(
            ("mean",),
            min_length=1,
            description="pooled side by side over the real points: mean, max, attention (learned weights), sum",
        )
        dense: int = Field(
            128, ge=0, le=8192, description="units of a hidden dense layer before the outputs, 0 for none"
        )
        dropout: float = Field(0.1, ge=0, lt=1, description="share of features dropped before dense layers")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points."""
        require_points(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; inputs as ``hitforge.models.points`` says."""
        features, _ = require_points(self, inputs)
        return ParticleNetwork(features, outputs, summary=self.summary_length(inputs), **dict(self.config))


class EdgeLayers(nn.Module):
    """A block: layers on (x_i, x_j - x_i), the mean over the neighbours j, and a shortcut from x_i.

    The first layer acts on points, A x_i + B (x_j - x_i) = (A - B) x_i + B x_j: no edge need be multiplied in it.
    """

    def __init__(self, features: int, widths: Sequence[int], norm: str) -> None:
        super().__init__()
        self.own_other = linear(features, 2 * widths[0], gain=1.0)
        self.layers = nn.ModuleList(linear(a, b, gain=2.0) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(PointNorm(norm, width) for width in widths)
        self.shortcut, self.norm = linear(features, widths[-1], gain=1.0), PointNorm(norm, widths[-1])

    def forward(self, x: Tensor, index: Tensor, real: Tensor) -> Tensor:
        """Points (B, P, F) and neighbours (B * P, K) to (B, P, W)."""
        batch, points, _ = x.shape
        neighbours = index.shape[1]
        keep = others(index) & real.view(-1, 1)  # (N, K): a point that stands in for a missing neighbour is no edge
        edges = keep.view(batch, points * neighbours, 1)
        own, other = self.own_other(x.view(batch * points, -1)).chunk(2, dim=1)  # (N, W)
        y = own[:, None] + gather(other, index)  # (N, K, W)
        for i, norm in enumerate(self.norms):
            if i:
                y = self.layers[i - 1](y)
            y = torch.relu(norm(y.view(batch, points * neighbours, -1), edges)).view(batch * points, neighbours, -1)
        share = keep / keep.sum(1, keepdim=True).clamp(min=1)
        y = torch.bmm(share.to(y.dtype)[:, None], y)[:, 0]  # (N, W)
        return torch.relu(y.view(batch, points, -1) + self.norm(self.shortcut(x), real))


class ParticleNetwork(nn.Module):
    """Blocks, pooling, dense layers.

    Args:
        features: Of a point, F.
        outputs: Numbers to give for each event, K.
        widths: For each block the features of an edge behind each layer.
        neighbours: Of a point in a graph found by the network.
        norm: Normalisation: layer, batch or none.
        dropout: Share of features dropped before dense layers.
        pool: Kinds of pooling side by side.
        dense: Units of a hidden dense layer before the outputs, 0 for none.
        head: What else ``PointsHead`` takes: ``summary``.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        widths: Sequence[Sequence[int]] = ((32, 32, 32), (64, 64, 64)),
        neighbours: int = 7,
        norm: str = "batch",
        dropout: float = 0.1,
        pool: Sequence[str] = ("mean",),
        dense: int = 128,
        **head: Any,
    ) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.start = PointsInput(features)
        features += 3
        self.blocks = nn.ModuleList()
        for block in widths:
            self.blocks.append(EdgeLayers(features, block, norm))
            features = block[-1]
        self.head = PointsHead(features, outputs, pool=pool, dense=dense, dropout=dropout, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points as ``hitforge.models.points`` says, with or without neighbours and summary, to (B, K)."""
        x, real = self.start(inputs["points"], inputs["position"], inputs["mask"])
        for i, block in enumerate(self.blocks):
            if i or "neighbours" not in inputs:
                index = nearest_points(x if i else inputs["position"], real, self.neighbours)
            else:
                index = flat_index(inputs["neighbours"])
            x = block(x, index, real)
        return self.head(x, real, inputs.get("summary"))  # type: ignore[no-any-return]
