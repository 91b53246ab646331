"""3D convolutional blocks and networks in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_dense import InputNorm, dense, with_summary
from hitforge.models.layers.torch_pointwise import Pointwise3d

if TYPE_CHECKING:
    from hitforge.models._image import HeadConfig
    from hitforge.models.plain_cnn_3d import PlainCNN3D
    from hitforge.models.residual_3d import Residual3D
    from hitforge.models.separable_3d import Separable3D

Triple = tuple[int, int, int]


def convolution(
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


def norm(width: int) -> nn.BatchNorm3d:
    """Batch normalisation; the running averages keep 0.9 of their value in a step."""
    return nn.BatchNorm3d(width, eps=1e-5, momentum=0.1)


def _halved(shape: Triple) -> Triple:
    """A volume behind a convolution of stride 2."""
    return (shape[0] + 1) // 2, (shape[1] + 1) // 2, (shape[2] + 1) // 2


class VolumeHead(nn.Module):
    """Feature maps (B, C, L, H, W), and where there is one a summary (B, S), to outputs (B, K)."""

    def __init__(self, shape: Triple, channels: int, summary: int, outputs: int, config: HeadConfig) -> None:
        super().__init__()
        self.flatten = config.pool == "flatten"
        features = (channels * shape[0] * shape[1] * shape[2] if self.flatten else channels) + summary
        self.summary = InputNorm(summary) if summary else None
        self.dropout = nn.Dropout(config.dropout)
        self.hidden = dense(features, config.dense, gain=2.0) if config.dense else None
        self.output = dense(config.dense or features, outputs, gain=1.0)

    def forward(self, x: Tensor, summary: Tensor | None) -> Tensor:
        """Pool, append the summary, and apply the dense layers."""
        x = x.permute(0, 2, 3, 4, 1).flatten(1) if self.flatten else x.mean((2, 3, 4))  # (B, F)
        x = with_summary(x, summary, self.summary)  # (B, F + S)
        if self.hidden is not None:
            x = torch.relu(self.hidden(self.dropout(x)))  # (B, D)
        return self.output(self.dropout(x))  # type: ignore[no-any-return]  # (B, K)


class ConvolutionNorm(nn.Module):
    """Convolution, normalisation where wanted, ReLU."""

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
        self.convolution = convolution(channels, width, kernel, stride, bias=not normalise)
        self.norm = norm(width) if normalise else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L, H, W) to (B, width, L / stride, H / stride, W / stride)."""
        return torch.relu(self.norm(self.convolution(x)))


class PlainVolume(nn.Module):
    """Stages of convolutions, the first of each with stride 2."""

    def __init__(
        self, volume: tuple[int, int, int, int], summary: int, outputs: int, config: PlainCNN3D.Config
    ) -> None:
        super().__init__()
        shape, channels = volume[:3], volume[3]
        self.stages = nn.Sequential()
        for width in config.widths:
            for i in range(config.convolutions):
                stride = (1, 1, 1) if i else (2, 2, 2)
                self.stages.append(ConvolutionNorm(channels, width, stride=stride, normalise=config.norm))
                channels = width
            shape = _halved(shape)
        self.head = VolumeHead(shape, channels, summary, outputs, config)

    def forward(self, **inputs: Tensor) -> Tensor:
        """A volume (B, C, L, H, W), with or without a summary (B, S), to (B, K)."""
        return self.head(self.stages(inputs["volume"]), inputs.get("summary"))  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; version 2 normalises and activates before them, version 1 behind."""

    def __init__(self, channels: int, width: int, stride: int, version: int) -> None:
        super().__init__()
        step, changes, self.before = (stride, stride, stride), stride != 1 or channels != width, version == 2
        self.convolution1, self.convolution2 = convolution(channels, width, stride=step), convolution(width, width)
        self.norm1, self.norm2 = norm(channels if self.before else width), norm(width)
        self.shortcut = convolution(channels, width, (1, 1, 1), step) if changes else None
        self.shortcut_norm = norm(width) if changes and not self.before else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L, H, W) to (B, width, L / stride, H / stride, W / stride)."""
        if self.before:
            y = torch.relu(self.norm1(x))
            x = x if self.shortcut is None else self.shortcut(y)
            y = self.convolution2(torch.relu(self.norm2(self.convolution1(y))))
            return x + y  # type: ignore[no-any-return]
        y = self.norm2(self.convolution2(torch.relu(self.norm1(self.convolution1(x)))))
        return torch.relu(y + (x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))))


class ResidualVolume(nn.Module):
    """Stem of stride 2, stages of blocks, head."""

    def __init__(
        self, volume: tuple[int, int, int, int], summary: int, outputs: int, config: Residual3D.Config
    ) -> None:
        super().__init__()
        shape, channels, width = _halved(volume[:3]), volume[3], config.widths[0]
        self.stem, self.post = convolution(channels, width, stride=(2, 2, 2)), config.version == 1
        self.norm = norm(width if self.post else config.widths[-1])
        self.blocks, channels = nn.Sequential(), width
        for i, width in enumerate(config.widths):
            for j in range(config.blocks):
                self.blocks.append(ResidualBlock(channels, width, 2 if i and not j else 1, config.version))
                channels = width
            shape = _halved(shape) if i else shape
        self.head = VolumeHead(shape, channels, summary, outputs, config)

    def forward(self, **inputs: Tensor) -> Tensor:
        """A volume (B, C, L, H, W), with or without a summary (B, S), to (B, K)."""
        x = self.stem(inputs["volume"])
        x = self.blocks(torch.relu(self.norm(x)) if self.post else x)
        if not self.post:
            x = torch.relu(self.norm(x))
        return self.head(x, inputs.get("summary"))  # type: ignore[no-any-return]


class SeparableVolume(nn.Module):
    """Stem of patches, stages of pairs of factors, head."""

    def __init__(
        self, volume: tuple[int, int, int, int], summary: int, outputs: int, config: Separable3D.Config
    ) -> None:
        super().__init__()
        patch = (config.stem_depth, config.stem, config.stem)
        missing = [-size % side for size, side in zip(volume[:3], patch, strict=True)]
        self.fill = (0, missing[2], 0, missing[1], 0, missing[0])  # torch counts from the last dimension
        layers, rows, columns = (-(-size // side) for size, side in zip(volume[:3], patch, strict=True))
        shape, channels = (layers, rows, columns), config.widths[0]
        self.stem = nn.Conv3d(volume[3], channels, patch, stride=patch, bias=not config.norm)
        nn.init.kaiming_normal_(self.stem.weight, mode="fan_in", nonlinearity="relu")
        self.norm = norm(channels) if config.norm else nn.Identity()
        self.stages = nn.Sequential()
        for i, width in enumerate(config.widths):
            for j in range(config.blocks):
                side = 2 if i and not j else 1
                for kernel, stride in (((1, 3, 3), (1, side, side)), ((3, 1, 1), (side, 1, 1))):
                    self.stages.append(ConvolutionNorm(channels, width, kernel, stride, normalise=config.norm))
                    channels = width
            shape = _halved(shape) if i else shape
        self.head = VolumeHead(shape, channels, summary, outputs, config)

    def forward(self, **inputs: Tensor) -> Tensor:
        """A volume (B, C, L, H, W), with or without a summary (B, S), to (B, K)."""
        x = inputs["volume"]
        x = nn.functional.pad(x, self.fill) if any(self.fill) else x
        x = torch.relu(self.norm(self.stem(x)))
        return self.head(self.stages(x), inputs.get("summary"))  # type: ignore[no-any-return]
