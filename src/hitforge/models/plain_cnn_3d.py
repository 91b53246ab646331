"""A plain 3D convolutional network on a volume of calorimeter layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from hitforge.models import Model
from hitforge.models._image import HeadConfig
from hitforge.models._volume import check_halvings
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


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
        check_halvings(self, inputs, len(self.config.widths))

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; input (B, C, L, H, W) and perhaps a summary (B, S)."""
        from hitforge.models.layers.torch_volume import PlainVolume

        self.check(inputs)
        volume, summary = self.require_volume(inputs)
        return PlainVolume(volume, summary, outputs, self.config)
