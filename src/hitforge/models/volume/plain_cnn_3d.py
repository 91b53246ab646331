"""A plain 3D convolutional network on a volume of calorimeter layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn

from hitforge.models import Model
from hitforge.models._head import HeadConfig
from hitforge.models.layers.torch_volume import ConvolutionNorm3D, Triple, VolumeHead, halved
from hitforge.models.volume import require_halvings, require_volume
from hitforge.representations import Shapes


class PlainCNN3D(Model):
    """Stages of (3D convolution, batch normalisation, ReLU); the first convolution of each stage has stride 2."""

    class Config(HeadConfig):
        """Size of the network."""

        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (16, 32, 64),
            min_length=1,
            description="channels of each stage; all three sides halve at its entry",
        )
        convolutions: int = Field(2, ge=1, le=16, description="convolutions in a stage")
        norm: bool = Field(True, description="batch normalisation behind each convolution")
        dense: int = Field(64, ge=0, le=8192, description="units of a hidden dense layer before the outputs, 0: none")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the volume is large enough for the halvings."""
        require_halvings(self, inputs, len(self.config.widths))

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, C, L, H, W) and perhaps a summary (B, S)."""
        self.check(inputs)
        layers, rows, columns, channels = require_volume(self, inputs)
        return PlainVolume(
            channels, outputs, size=(layers, rows, columns), summary=self.summary_length(inputs), **dict(self.config)
        )


class PlainVolume(nn.Module):
    """Stages of convolutions, the first of each with stride 2.

    Args:
        channels: Of the volume.
        outputs: Numbers to give for each event.
        size: Layers, rows and columns of the volume, which only ``pool="flatten"`` asks for.
        widths: Channels of each stage.
        convolutions: In a stage.
        norm: Batch normalisation behind each convolution.
        head: What else ``VolumeHead`` takes: ``pool``, ``dense``, ``dropout`` and ``summary``.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: Triple | None = None,
        widths: Sequence[int] = (16, 32, 64),
        convolutions: int = 2,
        norm: bool = True,
        **head: Any,
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential()
        for width in widths:
            for i in range(convolutions):
                stride = (1, 1, 1) if i else (2, 2, 2)
                self.stages.append(ConvolutionNorm3D(channels, width, stride=stride, normalise=norm))
                channels = width
            size = halved(size)
        self.head = VolumeHead(channels, outputs, size=size, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """A volume (B, C, L, H, W), with or without a summary (B, S), to (B, K)."""
        return self.head(self.stages(inputs["volume"]), inputs.get("summary"))  # type: ignore[no-any-return]
