"""Inception blocks and network in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_convolution import StagedNetwork, convolution, norm

if TYPE_CHECKING:
    from hitforge.models.inception import Inception


class Unit(nn.Module):
    """Convolution, normalisation where wanted, ReLU."""

    def __init__(self, channels: int, width: int, kernel: int, normalise: bool) -> None:
        super().__init__()
        self.convolution = convolution(channels, width, kernel)
        self.norm = norm(width) if normalise else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H, W)."""
        return torch.relu(self.norm(self.convolution(x)))


class InceptionBlock(nn.Module):
    """Four branches, joined by their channels."""

    def __init__(self, channels: int, width: int, normalise: bool) -> None:
        super().__init__()
        part = width // 4
        self.one = Unit(channels, part, 1, normalise)
        self.three_in, self.three = Unit(channels, part, 1, normalise), Unit(part, part, 3, normalise)
        self.five_in = Unit(channels, part, 1, normalise)
        self.five1, self.five2 = Unit(part, part, 3, normalise), Unit(part, part, 3, normalise)
        self.pool, self.pooled = nn.MaxPool2d(3, stride=1, padding=1), Unit(channels, part, 1, normalise)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H, W)."""
        five = self.five2(self.five1(self.five_in(x)))
        return torch.cat([self.one(x), self.three(self.three_in(x)), five, self.pooled(self.pool(x))], dim=1)


class InceptionNetwork(StagedNetwork):
    """Stages of inception blocks."""

    def __init__(self, image: tuple[int, int, int], outputs: int, config: Inception.Config, summary: int = 0) -> None:
        stages, channels = [], image[2]
        for width in config.widths:
            stage = nn.Sequential()
            for _ in range(config.blocks):
                stage.append(InceptionBlock(channels, width, config.norm))
                channels = width
            stages.append(stage)
        super().__init__(image, stages, outputs, config, summary)
