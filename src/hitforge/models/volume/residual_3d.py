"""A residual 3D network on a volume of calorimeter layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.models import Model
from hitforge.models._head import HeadConfig
from hitforge.models.layers.torch_volume import ResidualBlock, Triple, VolumeHead, convolution3d, halved, norm3d
from hitforge.models.volume import require_halvings, require_volume
from hitforge.representations import Shapes


class Residual3D(Model):
    """The residual blocks of He et al. (arXiv 1512.03385, 1603.05027) with 3 x 3 x 3 convolutions."""

    class Config(HeadConfig):
        """Size of the network."""

        version: Literal[1, 2] = Field(2, description="1: activation behind the sum; 2: normalise and activate first")
        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (16, 32, 64),
            min_length=1,
            description="channels of each stage; all three sides halve at its entry",
        )
        blocks: int = Field(1, ge=1, le=64, description="residual blocks in a stage")
        dense: int = Field(64, ge=0, le=8192, description="units of a hidden dense layer before the outputs, 0: none")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the volume is large enough for the halvings."""
        require_halvings(self, inputs, len(self.config.widths))

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, C, L, H, W) and perhaps a summary (B, S)."""
        self.check(inputs)
        layers, rows, columns, channels = require_volume(self, inputs)
        return ResidualVolume(
            channels, outputs, size=(layers, rows, columns), summary=self.summary_length(inputs), **dict(self.config)
        )


class ResidualVolume(nn.Module):
    """Stem of stride 2, stages of blocks, head.

    Args:
        channels: Of the volume.
        outputs: Numbers to give for each event.
        size: Layers, rows and columns of the volume, which only ``pool="flatten"`` asks for.
        version: 1: activation behind the sum; 2: normalise and activate first.
        widths: Channels of each stage.
        blocks: In a stage.
        head: What else ``VolumeHead`` takes: ``pool``, ``dense``, ``dropout`` and ``summary``.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: Triple | None = None,
        version: int = 2,
        widths: Sequence[int] = (16, 32, 64),
        blocks: int = 1,
        **head: Any,
    ) -> None:
        super().__init__()
        size, width = halved(size), widths[0]
        self.stem, self.post = convolution3d(channels, width, stride=(2, 2, 2)), version == 1
        self.norm = norm3d(width if self.post else widths[-1])
        self.blocks, channels = nn.Sequential(), width
        for i, width in enumerate(widths):
            for j in range(blocks):
                self.blocks.append(ResidualBlock(channels, width, 2 if i and not j else 1, version))
                channels = width
            size = halved(size) if i else size
        self.head = VolumeHead(channels, outputs, size=size, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """A volume (B, C, L, H, W), with or without a summary (B, S), to (B, K)."""
        x = self.stem(inputs["volume"])
        x = self.blocks(torch.relu(self.norm(x)) if self.post else x)
        if not self.post:
            x = torch.relu(self.norm(x))
        return self.head(x, inputs.get("summary"))  # type: ignore[no-any-return]
