"""An inception network: convolutions of several sizes side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from hitforge.models import Model
from hitforge.models._image import HeadConfig, check_stages, summary_length
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import keras
    import torch


class Inception(Model):
    """Inception blocks (Szegedy et al., arXiv 1409.4842, with two 3 x 3 in place of 5 x 5, 1512.00567).

    Side by side: 1 x 1; 3 x 3; twice 3 x 3; a maximum pooling. The larger ones read a 1 x 1 convolution.
    """

    class Config(HeadConfig):
        """Size of the network."""

        widths: tuple[Annotated[int, Field(ge=4, le=4096, multiple_of=4)], ...] = Field(
            (32, 64, 128), min_length=1, description="channels of each stage, a quarter from each branch of a block"
        )
        blocks: int = Field(1, ge=1, le=64, description="inception blocks in a stage; cells halve between two stages")
        norm: bool = Field(True, description="batch normalisation behind each convolution")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the image is large enough for the poolings."""
        check_stages(self, inputs, len(self.config.widths))

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; input (B, C, H, W) and perhaps a summary (B, S)."""
        from hitforge.models.layers.torch_inception import InceptionNetwork

        self.check(inputs)
        return InceptionNetwork(self.require_image(inputs), outputs, self.config, summary_length(inputs))

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the same network in Keras; input (B, H, W, C) and perhaps a summary (B, S)."""
        from hitforge.models.layers.keras_inception import inception_network

        self.check(inputs)
        return inception_network(inputs, outputs, self.config)
