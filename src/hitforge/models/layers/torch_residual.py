"""Residual blocks and network in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_convolution import Head, convolution, norm

if TYPE_CHECKING:
    from hitforge.models.residual import Residual


class PostActivation(nn.Module):
    """Block of He et al., arXiv 1512.03385: the sum is activated."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.convolution1, self.norm1 = convolution(channels, width, stride=stride), norm(width)
        self.convolution2, self.norm2 = convolution(width, width), norm(width)
        changes = stride != 1 or channels != width
        self.shortcut = convolution(channels, width, kernel=1, stride=stride) if changes else None
        self.shortcut_norm = norm(width) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H / stride, W / stride)."""
        y = torch.relu(self.norm1(self.convolution1(x)))
        y = self.norm2(self.convolution2(y))
        if self.shortcut is not None and self.shortcut_norm is not None:
            x = self.shortcut_norm(self.shortcut(x))
        return torch.relu(x + y)


class PreActivation(nn.Module):
    """Block of He et al., arXiv 1603.05027: normalised and activated first, the sum stays as it is."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.convolution1 = norm(channels), convolution(channels, width, stride=stride)
        self.norm2, self.convolution2 = norm(width), convolution(width, width)
        changes = stride != 1 or channels != width
        self.shortcut = convolution(channels, width, kernel=1, stride=stride) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H / stride, W / stride)."""
        y = torch.relu(self.norm1(x))
        if self.shortcut is not None:
            x = self.shortcut(y)
        y = torch.relu(self.norm2(self.convolution1(y)))
        return x + self.convolution2(y)  # type: ignore[no-any-return]


class ResidualNetwork(nn.Module):
    """Stem, stages of blocks, head."""

    def __init__(self, image: tuple[int, int, int], outputs: int, config: Residual.Config, summary: int = 0) -> None:
        super().__init__()
        rows, columns, channels = image
        width = config.widths[0]
        self.stem = convolution(channels, width)
        # a pre-activation network normalises behind its last block, a post-activation one behind its stem
        self.post = config.version == 1
        self.norm = norm(width if self.post else config.widths[-1])
        block = PostActivation if self.post else PreActivation
        self.stages = nn.ModuleList()
        channels = width
        for i, width in enumerate(config.widths):
            stage = nn.Sequential()
            for j in range(config.blocks):
                stage.append(block(channels, width, stride=2 if i and not j else 1))
                channels = width
            if i:
                rows, columns = (rows + 1) // 2, (columns + 1) // 2
            self.stages.append(stage)
        self.head = Head((channels, rows, columns), outputs, config, summary)

    def forward(self, **inputs: Tensor) -> Tensor:
        """One image (B, C, H, W), with or without a summary (B, S), to (B, K)."""
        summary = inputs.pop("summary", None)
        (x,) = inputs.values()
        x = self.stem(x)
        if self.post:
            x = torch.relu(self.norm(x))
        for stage in self.stages:
            x = stage(x)
        if not self.post:
            x = torch.relu(self.norm(x))
        return self.head(x, summary)  # type: ignore[no-any-return]
