"""A plain convolutional network: 3 x 3 convolutions, normalisation, pooling between the stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from torch import nn

from hitforge.models import Model
from hitforge.models._head import HeadConfig
from hitforge.models.image import require_image, require_stages
from hitforge.models.layers.torch_convolution import ConvolutionNorm, StagedNetwork
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import keras


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
        require_stages(self, inputs, len(self.config.widths))

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, C, H, W) and perhaps a summary (B, S)."""
        self.check(inputs)
        rows, columns, channels = require_image(self, inputs)
        return PlainNetwork(
            channels, outputs, size=(rows, columns), summary=self.summary_length(inputs), **dict(self.config)
        )

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the same network in Keras; input (B, H, W, C) and perhaps a summary (B, S)."""
        self.check(inputs)
        return plain_keras(inputs, outputs, **dict(self.config))


class PlainNetwork(StagedNetwork):
    """Stages of convolutions.

    Args:
        channels: Of the image.
        outputs: Numbers to give for each event.
        size: Rows and columns of the image, which only ``pool="flatten"`` asks for.
        summary: Numbers about the whole event that come beside the image, 0 for none.
        widths: Channels of each stage.
        convolutions: In a stage.
        head: What else ``Head`` takes: ``pool``, ``dense`` and ``dropout``.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: tuple[int, int] | None = None,
        widths: Sequence[int] = (32, 64, 128),
        convolutions: int = 2,
        **head: Any,
    ) -> None:
        stages = []
        for width in widths:
            blocks = [ConvolutionNorm(channels if i == 0 else width, width) for i in range(convolutions)]
            stages.append(nn.Sequential(*blocks))
            channels = width
        super().__init__(stages, channels, outputs, size, **head)


def plain_keras(
    inputs: Shapes, outputs: int, *, widths: Sequence[int] = (32, 64, 128), convolutions: int = 2, **head: Any
) -> keras.Model:
    """Build the same network in Keras 3, for inputs of these shapes, (rows, columns, channels) of an image."""
    from hitforge.models.layers import keras_convolution as k

    start, summary = k.image_input(inputs)
    x = start
    for i, width in enumerate(widths):
        if i:
            x = k.pooled(x, f"pool_{i}")
        for j in range(convolutions):
            name = f"stages_{i}_{j}"
            x = k.relu(k.norm(k.convolution(x, width, f"{name}_convolution"), f"{name}_norm"), name)
    return k.image_model(start, summary, k.head(x, outputs, summary, **head), "plain_cnn")
