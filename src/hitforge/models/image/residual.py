"""A residual network for images: halved between the stages, and in the stem where asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.models import Model
from hitforge.models._head import HeadConfig
from hitforge.models.image import require_image, require_stages
from hitforge.models.layers.torch_convolution import Head, convolution2d, norm2d
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import keras


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
        stride: int = Field(1, ge=1, le=8, description="step of the first convolution; 2 to 4 for large images")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the image is large enough for the halvings."""
        require_stages(self, inputs, len(self.config.widths), self.config.stride)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, C, H, W) and perhaps a summary (B, S)."""
        self.check(inputs)
        rows, columns, channels = require_image(self, inputs)
        return ResidualNetwork(
            channels, outputs, size=(rows, columns), summary=self.summary_length(inputs), **dict(self.config)
        )

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the same network in Keras; input (B, H, W, C) and perhaps a summary (B, S)."""
        self.check(inputs)
        return residual_keras(inputs, outputs, **dict(self.config))


class PostActivation(nn.Module):
    """Block of He et al., arXiv 1512.03385: the sum is activated."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.convolution1, self.norm1 = convolution2d(channels, width, stride=stride), norm2d(width)
        self.convolution2, self.norm2 = convolution2d(width, width), norm2d(width)
        changes = stride != 1 or channels != width
        self.shortcut = convolution2d(channels, width, kernel=1, stride=stride) if changes else None
        self.shortcut_norm = norm2d(width) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H / stride, W / stride)."""
        y = torch.relu(self.norm1(self.convolution1(x)))
        y = self.norm2(self.convolution2(y))
        if self.shortcut is not None and self.shortcut_norm is not None:
            x = self.shortcut_norm(self.shortcut(x))
        return torch.relu(x + y)


class PreActivation(nn.Module):
    """Block of He et al., arXiv 1603.05027: normalised and activated first, the sum stays as it is."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.convolution1 = norm2d(channels), convolution2d(channels, width, stride=stride)
        self.norm2, self.convolution2 = norm2d(width), convolution2d(width, width)
        changes = stride != 1 or channels != width
        self.shortcut = convolution2d(channels, width, kernel=1, stride=stride) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, width, H / stride, W / stride)."""
        y = torch.relu(self.norm1(x))
        if self.shortcut is not None:
            x = self.shortcut(y)
        y = torch.relu(self.norm2(self.convolution1(y)))
        return x + self.convolution2(y)  # type: ignore[no-any-return]


class ResidualNetwork(nn.Module):
    """Stem, stages of blocks, head.

    Args:
        channels: Of the image.
        outputs: Numbers to give for each event.
        size: Rows and columns of the image, which only ``pool="flatten"`` asks for.
        summary: Numbers about the whole event that come beside the image, 0 for none.
        version: 1: activation behind the sum; 2: normalise and activate first.
        widths: Channels of each stage; cells halve between two stages.
        blocks: In a stage.
        stride: Step of the first convolution.
        head: What else ``Head`` takes: ``pool``, ``dense`` and ``dropout``.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: tuple[int, int] | None = None,
        version: int = 2,
        widths: Sequence[int] = (16, 32, 48),
        blocks: int = 3,
        stride: int = 1,
        **head: Any,
    ) -> None:
        super().__init__()
        width = widths[0]
        self.stem = convolution2d(channels, width, stem_kernel(stride), stride)
        if size is not None:
            size = -(-size[0] // stride), -(-size[1] // stride)
        # a pre-activation network normalises behind its last block, a post-activation one behind its stem
        self.post = version == 1
        self.norm = norm2d(width if self.post else widths[-1])
        block = PostActivation if self.post else PreActivation
        self.stages = nn.ModuleList()
        channels = width
        for i, width in enumerate(widths):
            stage = nn.Sequential()
            for j in range(blocks):
                stage.append(block(channels, width, stride=2 if i and not j else 1))
                channels = width
            if i and size is not None:
                size = (size[0] + 1) // 2, (size[1] + 1) // 2
            self.stages.append(stage)
        self.head = Head(channels, outputs, size=size, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """One image (B, C, H, W), with or without a summary (B, S), to (B, K)."""
        summary = inputs.pop("summary", None)
        (x,) = inputs.values()
        x = self.stem(x)
        if self.post:
            x = torch.relu(self.norm(x))
        for stage in self.stages:
            x = stage(x)
        if not self.post:
            x = torch.relu(self.norm(x))
        return self.head(x, summary)  # type: ignore[no-any-return]


def stem_kernel(stride: int) -> int:
    """Return the side of the first convolution's window, odd and large enough that each cell counts twice or more."""
    return 2 * stride + 1


def _keras_post_activation(x: Any, width: int, stride: int, name: str) -> Any:
    """Block of He et al., arXiv 1512.03385, in Keras."""
    from hitforge.models.layers import keras_convolution as k

    y = k.convolution(x, width, f"{name}_convolution1", stride=stride)
    y = k.relu(k.norm(y, f"{name}_norm1"), f"{name}_1")
    y = k.norm(k.convolution(y, width, f"{name}_convolution2"), f"{name}_norm2")
    if stride != 1 or x.shape[-1] != width:
        x = k.norm(k.convolution(x, width, f"{name}_shortcut", kernel=1, stride=stride), f"{name}_shortcut_norm")
    return k.relu(k.add([x, y], f"{name}_add"), f"{name}_2")


def _keras_pre_activation(x: Any, width: int, stride: int, name: str) -> Any:
    """Block of He et al., arXiv 1603.05027, in Keras."""
    from hitforge.models.layers import keras_convolution as k

    y = k.relu(k.norm(x, f"{name}_norm1"), f"{name}_1")
    if stride != 1 or x.shape[-1] != width:
        x = k.convolution(y, width, f"{name}_shortcut", kernel=1, stride=stride)
    y = k.convolution(y, width, f"{name}_convolution1", stride=stride)
    y = k.convolution(k.relu(k.norm(y, f"{name}_norm2"), f"{name}_2"), width, f"{name}_convolution2")
    return k.add([x, y], f"{name}_add")


def residual_keras(
    inputs: Shapes,
    outputs: int,
    *,
    version: int = 2,
    widths: Sequence[int] = (16, 32, 48),
    blocks: int = 3,
    stride: int = 1,
    **head: Any,
) -> keras.Model:
    """Build the same network in Keras 3, for inputs of these shapes, (rows, columns, channels) of an image."""
    from hitforge.models.layers import keras_convolution as k

    start, summary = k.image_input(inputs)
    x = k.convolution(start, widths[0], "stem", stem_kernel(stride), stride)
    if version == 1:
        x = k.relu(k.norm(x, "norm"), "norm")
    block = _keras_post_activation if version == 1 else _keras_pre_activation
    for i, width in enumerate(widths):
        for j in range(blocks):
            x = block(x, width, stride=2 if i and not j else 1, name=f"stages_{i}_{j}")
    if version == 2:
        x = k.relu(k.norm(x, "norm"), "norm")
    return k.image_model(start, summary, k.head(x, outputs, summary, **head), "residual")
