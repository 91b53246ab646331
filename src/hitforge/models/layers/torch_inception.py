"""Inception blocks and network in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_convolution import Head, convolution, norm

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


class InceptionNetwork(nn.Module):
    """Stages of blocks with poolings between them."""

    def __init__(self, image: tuple[int, int, int], outputs: int, config: Inception.Config, summary: int = 0) -> None:
        super().__init__()
        rows, columns, channels = image
        self.stages = nn.ModuleList()
        for width in config.widths:
            stage = nn.Sequential()
            for _ in range(config.blocks):
                stage.append(InceptionBlock(channels, width, config.norm))
                channels = width
            self.stages.append(stage)
        self.pool = nn.MaxPool2d(2)
        shrink = 2 ** (len(config.widths) - 1)
        self.head = Head((channels, rows // shrink, columns // shrink), outputs, config, summary)

    def forward(self, **inputs: Tensor) -> Tensor:
        """One image (B, C, H, W), with or without a summary (B, S), to (B, K)."""
        summary = inputs.pop("summary", None)
        (x,) = inputs.values()
        for i, stage in enumerate(self.stages):
            x = stage(x if i == 0 else self.pool(x))
        return self.head(x, summary)  # type: ignore[no-any-return]
