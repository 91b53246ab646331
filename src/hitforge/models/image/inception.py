"""An inception network: convolutions of several sizes side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.models import Model
from hitforge.models._head import HeadConfig
from hitforge.models.image import require_image, require_stages
from hitforge.models.layers.torch_convolution import StagedNetwork, convolution2d, norm2d
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import keras


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
        require_stages(self, inputs, len(self.config.widths))

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, C, H, W) and perhaps a summary (B, S)."""
        self.check(inputs)
        rows, columns, channels = require_image(self, inputs)
        return InceptionNetwork(
            channels, outputs, size=(rows, columns), summary=self.summary_length(inputs), **dict(self.config)
        )

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the same network in Keras; input (B, H, W, C) and perhaps a summary (B, S)."""
        self.check(inputs)
        return inception_keras(inputs, outputs, **dict(self.config))


class Unit(nn.Module):
    """Convolution, normalisation if asked for, ReLU."""

    def __init__(self, channels: int, width: int, kernel: int, normalise: bool) -> None:
        super().__init__()
        self.convolution = convolution2d(channels, width, kernel)
        self.norm = norm2d(width) if normalise else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H, W)."""
        return torch.relu(self.norm(self.convolution(x)))


class InceptionBlock(nn.Module):
    """Four branches, joined by their channels."""

    def __init__(self, channels: int, width: int, normalise: bool) -> None:
        super().__init__()
        part = width // 4
        self.one = Unit(channels, part, 1, normalise)
        self.three_in, self.three = Unit(channels, part, 1, normalise), Unit(part, part, 3, normalise)
        self.five_in = Unit(channels, part, 1, normalise)
        self.five1, self.five2 = Unit(part, part, 3, normalise), Unit(part, part, 3, normalise)
        self.pool, self.pooled = nn.MaxPool2d(3, stride=1, padding=1), Unit(channels, part, 1, normalise)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H, W)."""
        five = self.five2(self.five1(self.five_in(x)))
        return torch.cat([self.one(x), self.three(self.three_in(x)), five, self.pooled(self.pool(x))], dim=1)


class InceptionNetwork(StagedNetwork):
    """Stages of inception blocks.

    Args:
        channels: Of the image.
        outputs: Numbers to give for each event.
        size: Rows and columns of the image, which only ``pool="flatten"`` asks for.
        summary: Numbers about the whole event that come beside the image, 0 for none.
        widths: Channels of each stage, a quarter from each branch of a block.
        blocks: In a stage.
        norm: Batch normalisation behind each convolution.
        head: What else ``Head`` takes: ``pool``, ``dense`` and ``dropout``.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: tuple[int, int] | None = None,
        widths: Sequence[int] = (32, 64, 128),
        blocks: int = 1,
        norm: bool = True,
        **head: Any,
    ) -> None:
        stages = []
        for width in widths:
            stage = nn.Sequential()
            for _ in range(blocks):
                stage.append(InceptionBlock(channels, width, norm))
                channels = width
            stages.append(stage)
        super().__init__(stages, channels, outputs, size, **head)


def _keras_block(x: Any, width: int, normalise: bool, name: str) -> Any:
    """Four branches, joined by their channels."""
    from keras import layers

    from hitforge.models.layers import keras_convolution as k

    part = width // 4

    def unit(y: Any, kernel: int, branch: str) -> Any:
        own = f"{name}_{branch}"
        y = k.convolution(y, part, f"{own}_convolution", kernel=kernel)
        return k.relu(k.norm(y, f"{own}_norm") if normalise else y, own)

    pooled = layers.MaxPooling2D(3, strides=1, padding="same", data_format=k.FORMAT, name=f"{name}_pool")(x)
    branches = [
        unit(x, 1, "one"),
        unit(unit(x, 1, "three_in"), 3, "three"),
        unit(unit(unit(x, 1, "five_in"), 3, "five1"), 3, "five2"),
        unit(pooled, 1, "pooled"),
    ]
    return layers.Concatenate(name=f"{name}_join")(branches)


def inception_keras(
    inputs: Shapes,
    outputs: int,
    *,
    widths: Sequence[int] = (32, 64, 128),
    blocks: int = 1,
    norm: bool = True,
    **head: Any,
) -> keras.Model:
    """Build the same network in Keras 3, for inputs of these shapes, (rows, columns, channels) of an image."""
    from hitforge.models.layers import keras_convolution as k

    start, summary = k.image_input(inputs)
    x = start
    for i, width in enumerate(widths):
        if i:
            x = k.pooled(x, f"pool_{i}")
        for j in range(blocks):
            x = _keras_block(x, width, norm, f"stages_{i}_{j}")
    return k.image_model(start, summary, k.head(x, outputs, summary, **head), "inception")
