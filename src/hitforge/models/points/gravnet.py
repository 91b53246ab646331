"""GravNet: points draw on their nearest in a space that the network learns, the nearer the more."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.models import Model
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_neighbours import gather, nearest_points, others
from hitforge.models.layers.torch_points import PointNorm, PointsHead, PointsInput
from hitforge.models.points import require_points
from hitforge.models.points._settings import PointsConfig
from hitforge.representations import Shapes


class GravNet(Model):
    """Distance-weighted graph network (Qasim et al., arXiv 1902.07987), padded points left out exactly.

    Each block gives a point coordinates in a small space and features to pass on; it receives the mean and the maximum
    of those of its nearest others, weighted by exp(-10 d^2). The outputs of all blocks are joined and pooled.
    """

    class Config(PointsConfig):
        """Size of the network."""

        width: int = Field(48, ge=1, le=4096, description="features of a point behind each block")
        blocks: int = Field(2, ge=1, le=32, description="GravNet blocks")
        space: int = Field(4, ge=1, le=64, description="dimensions of the learned space")
        passed: int = Field(24, ge=1, le=1024, description="features that a point passes on")
        neighbours: int = Field(8, ge=1, le=255, description="neighbours of a point in the learned space")
        exchange: bool = Field(True, description="each block also gives the mean over the event to every point")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points."""
        require_points(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; inputs as ``hitforge.models.points`` says, given neighbours are not used."""
        self.check(inputs)
        features, _ = require_points(self, inputs)
        return GravNetwork(features, outputs, summary=self.summary_length(inputs), **dict(self.config))


_STEEPNESS = 10.0  # of the potential, as published


class GravBlock(nn.Module):
    """Coordinates, weighted aggregation over the nearest, dense layer with normalisation."""

    def __init__(
        self,
        features: int,
        width: int,
        *,
        space: int,
        passed: int,
        neighbours: int,
        exchange: bool,
        norm: str,
        dropout: float,
    ) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.coordinates = linear(features, space, gain=1.0)
        self.passed = linear(features, passed, gain=1.0)
        self.output = linear(features + 2 * passed, width, gain=2.0)
        self.mean = linear(features, width, gain=1.0, bias=False) if exchange else None
        self.norm, self.dropout = PointNorm(norm, width), nn.Dropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Points (B, P, F) to (B, P, width)."""
        batch, points, _ = x.shape
        space = self.coordinates(x)  # (B, P, S)
        index = nearest_points(space, real, self.neighbours)  # (N, K)
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
    """Dense layer, blocks, embedding of all their outputs, head.

    Args:
        features: Of a point, F.
        outputs: Numbers to give for each event, K.
        width: Features of a point behind each block.
        blocks: GravNet blocks.
        space: Dimensions of the learned space.
        passed: Features that a point passes on.
        neighbours: Of a point in the learned space.
        exchange: Each block also gives the mean over the event to every point.
        norm: Normalisation: layer, batch or none.
        dropout: Share of features dropped in blocks and before dense layers.
        head: What else ``PointsHead`` takes: ``pool``, ``dense`` and ``summary``.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        width: int = 48,
        blocks: int = 2,
        space: int = 4,
        passed: int = 24,
        neighbours: int = 8,
        exchange: bool = True,
        norm: str = "layer",
        dropout: float = 0.0,
        **head: Any,
    ) -> None:
        super().__init__()
        self.start = PointsInput(features)
        self.embed = linear(features + 3, width, gain=2.0)
        block: dict[str, Any] = {"space": space, "passed": passed, "neighbours": neighbours, "exchange": exchange}
        self.blocks = nn.ModuleList(
            [GravBlock(width, width, **block, norm=norm, dropout=dropout) for _ in range(blocks)]
        )
        self.embedding = linear(width * (blocks + 1), width, gain=2.0)
        self.norm = PointNorm(norm, width)
        self.head = PointsHead(width, outputs, dropout=dropout, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points as ``hitforge.models.points`` says, with or without summary, to (B, K)."""
        x, real = self.start(inputs["points"], inputs["position"], inputs["mask"])
        x = torch.relu(self.embed(x))  # (B, P, width)
        found = [x]
        for block in self.blocks:
            x = block(x, real)
            found.append(x)
        x = torch.relu(self.norm(self.embedding(torch.cat(found, dim=2)), real))
        return self.head(x, real, inputs.get("summary"))  # type: ignore[no-any-return]
