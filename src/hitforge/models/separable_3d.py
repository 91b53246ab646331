"""A 3D network of separable convolutions: within each layer, along the depth, across the channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from hitforge.models import Model
from hitforge.models._image import HeadConfig
from hitforge.models._volume import check_halvings
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


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
        (layers, rows, columns, channels), _ = self.require_volume(inputs)
        config = self.config
        small = (-(-layers // config.stem_depth), -(-rows // config.stem), -(-columns // config.stem), channels)
        check_halvings(self, {"volume": small}, len(config.widths) - 1)

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; input (B, C, L, H, W) and perhaps a summary (B, S)."""
        from hitforge.models.layers.torch_volume import SeparableVolume

        self.check(inputs)
        volume, summary = self.require_volume(inputs)
        return SeparableVolume(volume, summary, outputs, self.config)
