"""A residual network for small images: no down-sampling in the stem, halving between the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from hitforge.models import Model
from hitforge.models._image import HeadConfig, check_stages, summary_length
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import keras
    import torch


class Residual(Model):
    """Residual network of He et al.: post-activation (arXiv 1512.03385) or pre-activation blocks (1603.05027).

    A block is two 3 x 3 convolutions beside a shortcut; where the shape changes the shortcut is a 1 x 1 convolution.
    """

    class Config(HeadConfig):
        """Size of the network."""

        version: Literal[1, 2] = Field(2, description="1: activation behind the sum; 2: normalise and activate first")
        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (16, 32, 48), min_length=1, description="channels of each stage; cells halve between two stages"
        )
        blocks: int = Field(3, ge=1, le=64, description="residual blocks in a stage")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the image is large enough for the halvings."""
        check_stages(self, inputs, len(self.config.widths))

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; input (B, C, H, W) and perhaps a summary (B, S)."""
        from hitforge.models.layers.torch_residual import ResidualNetwork

        self.check(inputs)
        return ResidualNetwork(self.require_image(inputs), outputs, self.config, summary_length(inputs))

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the same network in Keras; input (B, H, W, C) and perhaps a summary (B, S)."""
        from hitforge.models.layers.keras_residual import residual_network

        self.check(inputs)
        return residual_network(inputs, outputs, self.config)
