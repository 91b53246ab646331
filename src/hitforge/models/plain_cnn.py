"""A plain convolutional network: 3 x 3 convolutions, normalisation, pooling between the stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from hitforge.models import Model
from hitforge.models._image import HeadConfig, check_stages, summary_length
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import keras
    import torch


class PlainCNN(Model):
    """Stages of (convolution, batch normalisation, ReLU), a 2 x 2 maximum pooling between two stages."""

    class Config(HeadConfig):
        """Size of the network."""

        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (32, 64, 128), min_length=1, description="channels of each stage"
        )
        convolutions: int = Field(2, ge=1, le=16, description="convolutions in a stage")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the image is large enough for the poolings."""
        check_stages(self, inputs, len(self.config.widths))

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; input (B, C, H, W) and perhaps a summary (B, S)."""
        from hitforge.models.layers.torch_convolution import PlainNetwork

        self.check(inputs)
        return PlainNetwork(self.require_image(inputs), outputs, self.config, summary_length(inputs))

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the same network in Keras; input (B, H, W, C) and perhaps a summary (B, S)."""
        from hitforge.models.layers.keras_convolution import plain_network

        self.check(inputs)
        return plain_network(inputs, outputs, self.config)
