"""Convolutional blocks of networks on volumes in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_dense import InputNorm, linear, with_summary
from hitforge.models.layers.torch_pointwise import Pointwise3d

Triple = tuple[int, int, int]


def convolution3d(
    channels: int, width: int, kernel: Triple = (3, 3, 3), stride: Triple = (1, 1, 1), *, bias: bool = False
) -> nn.Conv3d:
    """Convolution padded by half its kernel, with He initialisation (arXiv 1502.01852)."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    kind = Pointwise3d if kernel == (1, 1, 1) else nn.Conv3d
    layer = kind(channels, width, kernel, stride=stride, padding=padding, bias=bias)
    nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def norm3d(width: int) -> nn.BatchNorm3d:
    """Batch normalisation; the running averages keep 0.9 of their value in a step."""
    return nn.BatchNorm3d(width, eps=1e-5, momentum=0.1)


def halved(size: Triple | None) -> Triple | None:
    """Return the size of a volume behind a convolution of stride 2, where it is known."""
    return None if size is None else ((size[0] + 1) // 2, (size[1] + 1) // 2, (size[2] + 1) // 2)


class VolumeHead(nn.Module):
    """Feature maps (B, C, L, H, W), and where there is one a summary (B, S), to outputs (B, K).

    Args:
        channels: C.
        outputs: K.
        size: Layers, rows and columns of the maps, which only ``pool="flatten"`` asks for.
        pool: ``average``: mean over all cells; ``flatten``: every cell keeps its own weights.
        dense: Units of a hidden dense layer before the outputs, 0 for none.
        dropout: Share of features dropped before each dense layer.
        summary: S, 0 for none.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: Triple | None = None,
        pool: str = "average",
        dense: int = 64,
        dropout: float = 0.0,
        summary: int = 0,
    ) -> None:
        super().__init__()
        self.flatten = pool == "flatten"
        if self.flatten and size is None:
            raise ValueError("pool='flatten' needs the size of the volume")
        cells = size[0] * size[1] * size[2] if self.flatten and size is not None else 1
        features = channels * cells + summary
        self.summary = InputNorm(summary) if summary else None
        self.dropout = nn.Dropout(dropout)
        self.hidden = linear(features, dense, gain=2.0) if dense else None
        self.output = linear(dense or features, outputs, gain=1.0)

    def forward(self, x: Tensor, summary: Tensor | None) -> Tensor:
        """Pool, append the summary, and apply the dense layers."""
        x = x.permute(0, 2, 3, 4, 1).flatten(1) if self.flatten else x.mean((2, 3, 4))  # (B, F)
        x = with_summary(x, summary, self.summary)  # (B, F + S)
        if self.hidden is not None:
            x = torch.relu(self.hidden(self.dropout(x)))  # (B, D)
        return self.output(self.dropout(x))  # type: ignore[no-any-return]  # (B, K)


class ConvolutionNorm3D(nn.Module):
    """Convolution, normalisation if asked for, ReLU."""

    def __init__(
        self,
        channels: int,
        width: int,
        kernel: Triple = (3, 3, 3),
        stride: Triple = (1, 1, 1),
        *,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        self.convolution = convolution3d(channels, width, kernel, stride, bias=not normalise)
        self.norm = norm3d(width) if normalise else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L, H, W) to (B, width, L / stride, H / stride, W / stride)."""
        return torch.relu(self.norm(self.convolution(x)))


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; version 2 normalises and activates before them, version 1 behind."""

    def __init__(self, channels: int, width: int, stride: int, version: int) -> None:
        super().__init__()
        step, changes, self.before = (stride, stride, stride), stride != 1 or channels != width, version == 2
        self.convolution1, self.convolution2 = convolution3d(channels, width, stride=step), convolution3d(width, width)
        self.norm1, self.norm2 = norm3d(channels if self.before else width), norm3d(width)
        self.shortcut = convolution3d(channels, width, (1, 1, 1), step) if changes else None
        self.shortcut_norm = norm3d(width) if changes and not self.before else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L, H, W) to (B, width, L / stride, H / stride, W / stride)."""
        if self.before:
            y = torch.relu(self.norm1(x))
            x = x if self.shortcut is None else self.shortcut(y)
            y = self.convolution2(torch.relu(self.norm2(self.convolution1(y))))
            return x + y  # type: ignore[no-any-return]
        y = self.norm2(self.convolution2(torch.relu(self.norm1(self.convolution1(x)))))
        return torch.relu(y + (x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))))
