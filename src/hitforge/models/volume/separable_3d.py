"""A 3D network of separable convolutions: within each layer, along the depth, across the channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.models import Model
from hitforge.models._head import HeadConfig
from hitforge.models.layers.torch_volume import ConvolutionNorm3D, Triple, VolumeHead, halved, norm3d
from hitforge.models.volume import require_halvings, require_volume
from hitforge.representations import Shapes


class Separable3D(Model):
    """3D convolutions in two factors: 3 x 3 within a layer, the same for all layers, then 3 along the depth.

    The factors are those of arXiv 1711.11248, (2+1)D. The stem has its kernel as stride, so that the first feature map
    is many times smaller than the volume; what does not fill its last kernel is filled up with empty cells.
    """

    class Config(HeadConfig):
        """Size of the network."""

        stem: int = Field(2, ge=1, le=64, description="cells along a side that the stem joins to one")
        stem_depth: int = Field(1, ge=1, le=64, description="layers that the stem joins to one")
        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (16, 32, 64), min_length=1, description="channels of each stage; rows, columns, layers halve between two"
        )
        blocks: int = Field(1, ge=1, le=64, description="pairs of factors in a stage")
        norm: bool = Field(True, description="batch normalisation behind each convolution")
        dense: int = Field(64, ge=0, le=8192, description="units of a hidden dense layer before the outputs, 0: none")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the volume is large enough for the stem and the halvings."""
        layers, rows, columns, channels = require_volume(self, inputs)
        config = self.config
        small = (-(-layers // config.stem_depth), -(-rows // config.stem), -(-columns // config.stem), channels)
        require_halvings(self, {"volume": small}, len(config.widths) - 1)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, C, L, H, W) and perhaps a summary (B, S)."""
        self.check(inputs)
        layers, rows, columns, channels = require_volume(self, inputs)
        return SeparableVolume(
            channels, outputs, size=(layers, rows, columns), summary=self.summary_length(inputs), **dict(self.config)
        )


class SeparableVolume(nn.Module):
    """Stem of patches, stages of pairs of factors, head.

    Args:
        channels: Of the volume.
        outputs: Numbers to give for each event.
        size: Layers, rows and columns of the volume, which only ``pool="flatten"`` asks for.
        stem: Cells along a side that the stem joins to one.
        stem_depth: Layers that the stem joins to one.
        widths: Channels of each stage.
        blocks: Pairs of factors in a stage.
        norm: Batch normalisation behind each convolution.
        head: What else ``VolumeHead`` takes: ``pool``, ``dense``, ``dropout`` and ``summary``.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: Triple | None = None,
        stem: int = 2,
        stem_depth: int = 1,
        widths: Sequence[int] = (16, 32, 64),
        blocks: int = 1,
        norm: bool = True,
        **head: Any,
    ) -> None:
        super().__init__()
        self.patch = stem_depth, stem, stem
        if size is not None:
            size = -(-size[0] // stem_depth), -(-size[1] // stem), -(-size[2] // stem)
        self.stem = nn.Conv3d(channels, widths[0], self.patch, stride=self.patch, bias=not norm)
        channels = widths[0]
        nn.init.kaiming_normal_(self.stem.weight, mode="fan_in", nonlinearity="relu")
        self.norm = norm3d(channels) if norm else nn.Identity()
        self.stages = nn.Sequential()
        for i, width in enumerate(widths):
            for j in range(blocks):
                side = 2 if i and not j else 1
                for kernel, stride in (((1, 3, 3), (1, side, side)), ((3, 1, 1), (side, 1, 1))):
                    self.stages.append(ConvolutionNorm3D(channels, width, kernel, stride, normalise=norm))
                    channels = width
            size = halved(size) if i else size
        self.head = VolumeHead(channels, outputs, size=size, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """A volume (B, C, L, H, W), with or without a summary (B, S), to (B, K)."""
        x = inputs["volume"]
        layers, rows, columns = (-side % part for side, part in zip(x.shape[2:], self.patch, strict=True))
        if layers or rows or columns:
            x = nn.functional.pad(x, (0, columns, 0, rows, 0, layers))  # torch counts from the last dimension
        x = torch.relu(self.norm(self.stem(x)))
        return self.head(self.stages(x), inputs.get("summary"))  # type: ignore[no-any-return]
