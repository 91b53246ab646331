"""GravNet blocks in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_dense import dense
from hitforge.models.layers.torch_neighbours import gather, nearest, others
from hitforge.models.layers.torch_points import PointNorm, PointsHead, PointsInput

if TYPE_CHECKING:
    from hitforge.models.gravnet import GravNet

_STEEPNESS = 10.0  # of the potential, as published


class GravBlock(nn.Module):
    """Coordinates, weighted aggregation over the nearest, dense layer with normalisation."""

    def __init__(self, features: int, config: GravNet.Config) -> None:
        super().__init__()
        self.neighbours = config.neighbours
        self.coordinates = dense(features, config.space, gain=1.0)
        self.passed = dense(features, config.passed, gain=1.0)
        self.output = dense(features + 2 * config.passed, config.width, gain=2.0)
        self.mean = dense(features, config.width, gain=1.0, bias=False) if config.exchange else None
        self.norm, self.dropout = PointNorm(config.norm, config.width), nn.Dropout(config.dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Points (B, P, F) to (B, P, width)."""
        batch, points, _ = x.shape
        space = self.coordinates(x)  # (B, P, S)
        index = nearest(space, real, self.neighbours)  # (N, K)
        place = space.float().view(batch * points, -1)  # (N, S)
        difference = gather(place, index) - place[:, None]  # (N, K, S)
        potential = torch.exp(-_STEEPNESS * difference.square().sum(2))  # (N, K)
        # a point that stands in for a missing neighbour passes nothing on
        potential = torch.where(others(index), potential, 0.0)
        there = gather(self.passed(x).view(batch * points, -1), index)  # (N, K, F)
        potential = potential.to(there.dtype)
        mean = torch.bmm(potential[:, None] / self.neighbours, there)[:, 0]  # (N, F)
        largest = (there * potential[..., None]).max(1).values
        received = torch.cat([mean, largest], dim=1).view(batch, points, -1)
        y = self.output(torch.cat([x, received], dim=2))  # (B, P, width)
        if self.mean is not None:
            total = torch.where(real, x, 0.0).sum(1, keepdim=True, dtype=torch.float32)
            y = y + self.mean(total / real.sum(1, keepdim=True).clamp(min=1)).to(y.dtype)
        return self.dropout(torch.relu(self.norm(y, real)))  # type: ignore[no-any-return]


class GravNetwork(nn.Module):
    """Dense layer, blocks, embedding of all their outputs, head."""

    def __init__(self, features: int, summary: int, outputs: int, config: GravNet.Config) -> None:
        super().__init__()
        self.start = PointsInput(features)
        self.embed = dense(features + 3, config.width, gain=2.0)
        self.blocks = nn.ModuleList([GravBlock(config.width, config) for _ in range(config.blocks)])
        self.embedding = dense(config.width * (config.blocks + 1), config.width, gain=2.0)
        self.norm = PointNorm(config.norm, config.width)
        self.head = PointsHead(config.width, outputs, config, summary)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points as ``Model.torch`` says, with or without summary, to (B, K)."""
        x, real = self.start(inputs["points"], inputs["position"], inputs["mask"])
        x = torch.relu(self.embed(x))  # (B, P, width)
        found = [x]
        for block in self.blocks:
            x = block(x, real)
            found.append(x)
        x = torch.relu(self.norm(self.embedding(torch.cat(found, dim=2)), real))
        return self.head(x, real, inputs.get("summary"))  # type: ignore[no-any-return]
