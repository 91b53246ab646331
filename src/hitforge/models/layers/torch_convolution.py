"""Convolutional blocks of networks on images in PyTorch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.layers.torch_dense import InputNorm, linear, with_summary
from hitforge.models.layers.torch_pointwise import Pointwise2d


def convolution2d(channels: int, width: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    """Convolution without bias, padded by half its kernel, with He initialisation (arXiv 1502.01852)."""
    kind = Pointwise2d if kernel == 1 else nn.Conv2d
    layer = kind(channels, width, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
    return layer


def norm2d(width: int) -> nn.BatchNorm2d:
    """Batch normalisation; the running averages keep 0.9 of their value in a step."""
    return nn.BatchNorm2d(width, eps=1e-5, momentum=0.1)


def whole_patches(x: Tensor, patch: int) -> Tensor:
    """(B, C, H, W) with zeros behind the last row and column, so that patches of some cells tile the map."""
    rows, columns = x.shape[2:]
    return functional.pad(x, (0, -columns % patch, 0, -rows % patch)) if rows % patch or columns % patch else x


class Head(nn.Module):
    """Feature maps (B, C, H, W), and where there is one a summary (B, S), to outputs (B, K).

    Args:
        channels: C.
        outputs: K.
        size: Rows and columns of the maps, which only ``pool="flatten"`` asks for.
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
        size: tuple[int, int] | None = None,
        pool: str = "average",
        dense: int = 0,
        dropout: float = 0.0,
        summary: int = 0,
    ) -> None:
        super().__init__()
        self.flatten = pool == "flatten"
        if self.flatten and size is None:
            raise ValueError("pool='flatten' needs the size of the image")
        cells = size[0] * size[1] if self.flatten and size is not None else 1
        features = channels * cells + summary
        self.summary = InputNorm(summary) if summary else None
        self.dropout = nn.Dropout(dropout)
        self.hidden = linear(features, dense, gain=2.0) if dense else None
        self.output = linear(dense or features, outputs, gain=1.0)

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
        self.convolution, self.norm = convolution2d(channels, width), norm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H, W)."""
        return torch.relu(self.norm(self.convolution(x)))


class StagedNetwork(nn.Module):
    """Stages one after the other, a 2 x 2 maximum pooling between two, and a head.

    Args:
        stages: Each keeps rows and columns.
        width: Channels that the last stage gives.
        outputs: Numbers to give for each event.
        size: Rows and columns of the image; see ``Head``.
        head: What else ``Head`` takes.
    """

    def __init__(
        self, stages: Iterable[nn.Module], width: int, outputs: int, size: tuple[int, int] | None, **head: Any
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.pool = nn.MaxPool2d(2)
        shrink = 2 ** (len(self.stages) - 1)
        small = None if size is None else (size[0] // shrink, size[1] // shrink)
        self.head = Head(width, outputs, size=small, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """One image (B, C, H, W), with or without a summary (B, S), to (B, K)."""
        summary = inputs.pop("summary", None)
        (x,) = inputs.values()
        for i, stage in enumerate(self.stages):
            x = stage(x if i == 0 else self.pool(x))
        return self.head(x, summary)  # type: ignore[no-any-return]
