"""Convolutional blocks and the plain network in PyTorch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_dense import InputNorm, dense, with_summary
from hitforge.models.layers.torch_pointwise import Pointwise2d

if TYPE_CHECKING:
    from hitforge.models._image import HeadConfig
    from hitforge.models.inception import Inception
    from hitforge.models.plain_cnn import PlainCNN


def convolution(channels: int, width: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    """Convolution without bias, padded by half its kernel, with He initialisation (arXiv 1502.01852)."""
    kind = Pointwise2d if kernel == 1 else nn.Conv2d
    layer = kind(channels, width, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
    return layer


def norm(width: int) -> nn.BatchNorm2d:
    """Batch normalisation; the running averages keep 0.9 of their value in a step."""
    return nn.BatchNorm2d(width, eps=1e-5, momentum=0.1)


class Head(nn.Module):
    """Feature maps (B, C, H, W), and where there is one a summary (B, S), to outputs (B, K)."""

    def __init__(self, shape: tuple[int, int, int], outputs: int, config: HeadConfig, summary: int = 0) -> None:
        super().__init__()
        channels, rows, columns = shape
        features = (channels * rows * columns if config.pool == "flatten" else channels) + summary
        self.flatten = config.pool == "flatten"
        self.summary = InputNorm(summary) if summary else None
        self.dropout = nn.Dropout(config.dropout)
        self.hidden = dense(features, config.dense, gain=2.0) if config.dense else None
        self.output = dense(config.dense or features, outputs, gain=1.0)

    def forward(self, x: Tensor, summary: Tensor | None = None) -> Tensor:
        """Pool, append the summary, and apply the dense layers."""
        # the order (rows, columns, channels) is a view of channels-last memory, and is Keras's order
        x = x.permute(0, 2, 3, 1).flatten(1) if self.flatten else x.mean((2, 3))  # (B, F)
        x = with_summary(x, summary, self.summary)  # (B, F + S)
        if self.hidden is not None:
            x = torch.relu(self.hidden(self.dropout(x)))  # (B, D)
        return self.output(self.dropout(x))  # type: ignore[no-any-return]  # (B, K)


class ConvolutionNorm(nn.Module):
    """Convolution, normalisation, ReLU."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.convolution, self.norm = convolution(channels, width), norm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H, W)."""
        return torch.relu(self.norm(self.convolution(x)))


class StagedNetwork(nn.Module):
    """Stages one after the other, a 2 x 2 maximum pooling between two, and a head.

    Args:
        image: Rows, columns, channels.
        stages: Each keeps rows and columns; the last gives ``config.widths[-1]`` channels.
        outputs: Numbers to give for each event.
        config: Widths of the stages, and the head.
        summary: Numbers about the whole event that come beside the image.
    """

    def __init__(
        self,
        image: tuple[int, int, int],
        stages: Iterable[nn.Module],
        outputs: int,
        config: PlainCNN.Config | Inception.Config,
        summary: int,
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.pool = nn.MaxPool2d(2)
        shrink = 2 ** (len(config.widths) - 1)
        self.head = Head((config.widths[-1], image[0] // shrink, image[1] // shrink), outputs, config, summary)

    def forward(self, **inputs: Tensor) -> Tensor:
        """One image (B, C, H, W), with or without a summary (B, S), to (B, K)."""
        summary = inputs.pop("summary", None)
        (x,) = inputs.values()
        for i, stage in enumerate(self.stages):
            x = stage(x if i == 0 else self.pool(x))
        return self.head(x, summary)  # type: ignore[no-any-return]


class PlainNetwork(StagedNetwork):
    """Stages of convolutions."""

    def __init__(self, image: tuple[int, int, int], outputs: int, config: PlainCNN.Config, summary: int = 0) -> None:
        stages, channels = [], image[2]
        for width in config.widths:
            blocks = [ConvolutionNorm(channels if i == 0 else width, width) for i in range(config.convolutions)]
            stages.append(nn.Sequential(*blocks))
            channels = width
        super().__init__(image, stages, outputs, config, summary)
