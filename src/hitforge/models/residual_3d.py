"""A residual 3D network on a volume of calorimeter layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from hitforge.models import Model
from hitforge.models._image import HeadConfig
from hitforge.models._volume import check_halvings
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


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
        check_halvings(self, inputs, len(self.config.widths))

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; input (B, C, L, H, W) and perhaps a summary (B, S)."""
        from hitforge.models.layers.torch_volume import ResidualVolume

        self.check(inputs)
        volume, summary = self.require_volume(inputs)
        return ResidualVolume(volume, summary, outputs, self.config)
