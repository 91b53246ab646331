"""ConvNeXt: wide windows that look at each channel by itself, and dense parts that mix the channels of a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models._head import HeadConfig
from hitforge.models.image import require_image
from hitforge.models.image.vision_transformer import StochasticDepth
from hitforge.models.layers.torch_convolution import Head, whole_patches
from hitforge.models.layers.torch_dense import linear
from hitforge.representations import Shapes


class ConvNeXt(Model):
    """ConvNeXt of Liu et al. (arXiv 2201.03545), for images of any size: between stages an odd row is not lost."""

    class Config(HeadConfig):
        """Size of the network."""

        patch: int = Field(
            1, ge=1, le=64, description="cells along a side of a patch, a place of the first stage; zeros fill the last"
        )
        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (32, 64, 128), min_length=1, description="channels of each stage; places halve between two stages"
        )
        depths: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(
            (1, 1, 2), min_length=1, description="blocks of each stage"
        )
        kernel: int = Field(7, ge=1, le=31, description="places along a side of a block's window; odd")
        expansion: float = Field(4.0, ge=0.25, le=16, description="hidden units of a block's dense part over its width")
        stochastic_depth: float = Field(
            0.0, ge=0, lt=1, description="chance that an event skips the last block; falls linearly to 0 at the first"
        )
        layer_scale: float = Field(1e-2, gt=0, le=1, description="what each block is multiplied with at the start")

        @model_validator(mode="after")
        def _fits(self) -> Self:
            if len(self.depths) != len(self.widths):
                raise ValueError(f"'depths' must name a number for each of the {len(self.widths)} 'widths'")
            if self.kernel % 2 == 0:
                raise ValueError(f"'kernel' must be odd, but is {self.kernel}")
            return self

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the image has enough patches for the halvings."""
        rows, columns, _ = require_image(self, inputs)
        patch, need = self.config.patch, 2 ** (len(self.config.widths) - 1)
        if -(-min(rows, columns) // patch) < need:
            raise ConfigError(
                f"{len(self.config.widths)} stages need at least {need} patches along each side",
                came=f"{rows} x {columns} cells in patches of {patch}",
                where="model.patch",
                do="choose a smaller patch or fewer widths",
            )

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, C, H, W) and perhaps a summary (B, S)."""
        self.check(inputs)
        rows, columns, channels = require_image(self, inputs)
        return ConvNeXtNetwork(
            channels, outputs, size=(rows, columns), summary=self.summary_length(inputs), **dict(self.config)
        )


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of the channels of each place of a feature map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape; with channels last in memory nothing is copied."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """A window in each channel, then a dense part at each place, scaled and beside a shortcut."""

    def __init__(self, width: int, kernel: int, hidden: int, skip: float, layer_scale: float) -> None:
        super().__init__()
        self.window = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        nn.init.normal_(self.window.weight, std=1 / kernel)
        nn.init.zeros_(self.window.bias)  # type: ignore[arg-type]
        self.norm = nn.LayerNorm(width)
        self.dense1, self.dense2 = linear(width, hidden, gain=2.0), linear(hidden, width, gain=1.0)
        self.scale = nn.Parameter(torch.full((width,), layer_scale))
        self.skip = StochasticDepth(skip)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        y = self.norm(self.window(x).permute(0, 2, 3, 1))  # (B, H, W, C)
        y = self.dense2(functional.gelu(self.dense1(y))) * self.scale
        return x + self.skip(y.permute(0, 3, 1, 2))  # type: ignore[no-any-return]


class ConvNeXtNetwork(nn.Module):
    """Patches, stages of blocks, head.

    Args:
        channels: Of the image.
        outputs: Numbers to give for each event.
        size: Rows and columns of the image, which only ``pool="flatten"`` asks for.
        summary: Numbers about the whole event that come beside the image, 0 for none.
        patch: Cells along a side of a patch; beyond the image's last row and column are zeros.
        widths: Channels of each stage; places halve between two stages.
        depths: Blocks of each stage.
        kernel: Places along a side of a block's window.
        expansion: Hidden units of a block's dense part over its width.
        stochastic_depth: Chance that an event skips the last block; falls linearly to 0 at the first.
        layer_scale: What each block is multiplied with at the start.
        head: What else ``Head`` takes: ``pool``, ``dense`` and ``dropout``.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: tuple[int, int] | None = None,
        patch: int = 1,
        widths: Sequence[int] = (32, 64, 128),
        depths: Sequence[int] = (1, 1, 2),
        kernel: int = 7,
        expansion: float = 4.0,
        stochastic_depth: float = 0.0,
        layer_scale: float = 1e-2,
        **head: Any,
    ) -> None:
        super().__init__()
        if size is not None:
            size = -(-size[0] // patch), -(-size[1] // patch)
        self.patch = patch
        self.patches, self.norms, self.stages = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        before, last = 0, max(sum(depths) - 1, 1)
        for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            if i == 0:
                thin = nn.Conv2d(channels, width, patch, stride=patch)
            else:  # a window of 3 and a margin, where the paper has 2 and none, so that an odd last row counts
                thin = nn.Conv2d(widths[i - 1], width, 3, stride=2, padding=1)
                size = None if size is None else ((size[0] + 1) // 2, (size[1] + 1) // 2)
            nn.init.normal_(thin.weight, std=thin.weight[0].numel() ** -0.5)
            nn.init.zeros_(thin.bias)  # type: ignore[arg-type]
            self.patches.append(thin)
            self.norms.append(ChannelNorm(width if i == 0 else widths[i - 1]))
            skips = [stochastic_depth * (before + j) / last for j in range(depth)]
            before += depth
            hidden = round(width * expansion)
            self.stages.append(nn.Sequential(*(ConvNeXtBlock(width, kernel, hidden, s, layer_scale) for s in skips)))
        self.norm = ChannelNorm(widths[-1])
        self.head = Head(widths[-1], outputs, size=size, **head)

    def forward(self, **inputs: Tensor) -> Tensor:
        """One image (B, C, H, W), with or without a summary (B, S), to (B, K)."""
        summary = inputs.pop("summary", None)
        (x,) = inputs.values()
        x = whole_patches(x, self.patch)
        for i, (thin, norm, stage) in enumerate(zip(self.patches, self.norms, self.stages, strict=True)):
            x = stage(norm(thin(x)) if i == 0 else thin(norm(x)))
        return self.head(self.norm(x), summary)  # type: ignore[no-any-return]
