"""A small vision transformer: patches of the image are tokens that attend to one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models import Model
from hitforge.models._attention import AttentionConfig
from hitforge.models.image import require_image
from hitforge.models.layers.torch_convolution import ConvolutionNorm, whole_patches
from hitforge.models.layers.torch_dense import InputNorm, linear, with_summary
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import keras


class VisionTransformer(Model):
    """Vision transformer (Dosovitskiy et al., arXiv 2010.11929), normalised before each block, learnt positions.

    Convolutions in front of the patches let it see neighbours before it has learnt where they stand, which a few
    thousand events cannot teach it (Xiao et al., arXiv 2106.14881).
    """

    class Config(AttentionConfig):
        """Size of the network."""

        stem: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (), description="channels of 3 x 3 convolutions in front of the patches, none for a plain transformer"
        )
        patch: int = Field(
            4,
            ge=1,
            le=64,
            description="cells along a side of a patch; beyond the image's last row and column are zeros",
        )
        width: int = Field(64, ge=4, le=4096, description="numbers in a token; a multiple of heads")
        depth: int = Field(6, ge=1, le=64, description="transformer blocks")
        heads: int = Field(4, ge=1, le=64, description="attention heads")
        expansion: float = Field(2.0, ge=0.25, le=16, description="hidden units of a block's dense part over width")
        dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped in each block")
        stochastic_depth: float = Field(
            0.0, ge=0, lt=1, description="chance that an event skips the last block; falls linearly to 0 at the first"
        )
        pool: Literal["mean", "token"] = Field("mean", description="mean of all tokens, or an extra class token")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are one image."""
        require_image(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, C, H, W) and perhaps a summary (B, S)."""
        self.check(inputs)
        rows, columns, channels = require_image(self, inputs)
        return TransformerNetwork(
            channels, outputs, size=(rows, columns), summary=self.summary_length(inputs), **dict(self.config)
        )

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the same network in Keras; input (B, H, W, C) and perhaps a summary (B, S)."""
        self.check(inputs)
        return transformer_keras(inputs, outputs, **dict(self.config))


class StochasticDepth(nn.Module):
    """Drops a whole branch of an event at random (Huang et al., arXiv 1603.09382) and scales up what stays."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) to the same shape."""
        if not self.training or self.rate == 0:
            return x
        keep = torch.rand(len(x), 1, 1, device=x.device) >= self.rate  # (B, 1, 1)
        return x * (keep / (1 - self.rate)).to(x.dtype)


class TokenAttention(nn.Module):
    """Self-attention of several heads (Vaswani et al., arXiv 1706.03762)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.query_key_value, self.output = linear(width, 3 * width, gain=1.0), linear(width, width, gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) to the same shape."""
        batch, tokens, width = x.shape
        parts = self.query_key_value(x).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, T, W / heads) each
        rate = self.rate if self.training else 0.0
        y = functional.scaled_dot_product_attention(query, key, value, dropout_p=rate)
        return self.output(y.transpose(1, 2).reshape(batch, tokens, width))  # type: ignore[no-any-return]


class TransformerBlock(nn.Module):
    """TokenAttention and dense part, each normalised first and beside a shortcut."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, skip: float) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), TokenAttention(width, heads, dropout)
        self.norm2, self.dense1, self.dense2 = (
            nn.LayerNorm(width),
            linear(width, hidden, gain=2.0),
            linear(hidden, width, gain=1.0),
        )
        self.dropout, self.skip = nn.Dropout(dropout), StochasticDepth(skip)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) to the same shape."""
        x = x + self.skip(self.dropout(self.attention(self.norm1(x))))
        y = self.dense2(self.dropout(functional.gelu(self.dense1(self.norm2(x)))))
        return x + self.skip(self.dropout(y))  # type: ignore[no-any-return]


class TransformerNetwork(nn.Module):
    """Convolutions, patches, blocks, head.

    Args:
        channels: Of the image.
        outputs: Numbers to give for each event.
        size: Rows and columns of the image; each token learns where it stands.
        stem: Channels of 3 x 3 convolutions in front of the patches.
        patch: Cells along a side of a patch; beyond the image's last row and column are zeros.
        width: Numbers in a token; a multiple of ``heads``.
        depth: Transformer blocks.
        heads: Attention heads.
        expansion: Hidden units of a block's dense part over ``width``.
        dropout: Share of features dropped in each block.
        stochastic_depth: Chance that an event skips the last block; falls linearly to 0 at the first.
        pool: ``mean`` of all tokens, or an extra class ``token``.
        summary: Numbers about the whole event that come beside the image, 0 for none.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: tuple[int, int],
        stem: Sequence[int] = (),
        patch: int = 4,
        width: int = 64,
        depth: int = 6,
        heads: int = 4,
        expansion: float = 2.0,
        dropout: float = 0.0,
        stochastic_depth: float = 0.0,
        pool: str = "mean",
        summary: int = 0,
    ) -> None:
        super().__init__()
        self.patch, tokens = patch, -(-size[0] // patch) * -(-size[1] // patch)
        self.stem = nn.Sequential()
        for wide in stem:
            self.stem.append(ConvolutionNorm(channels, wide))
            channels = wide
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        nn.init.normal_(self.patches.weight, std=(channels * patch * patch) ** -0.5)
        nn.init.zeros_(self.patches.bias)  # type: ignore[arg-type]
        self.token = nn.Parameter(torch.zeros(width)) if pool == "token" else None
        self.position = nn.Parameter(torch.zeros(tokens + (self.token is not None), width))
        nn.init.trunc_normal_(self.position, std=0.02, a=-0.04, b=0.04)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential()
        for i in range(depth):
            skip = stochastic_depth * i / max(depth - 1, 1)
            self.blocks.append(TransformerBlock(width, heads, round(width * expansion), dropout, skip))
        self.norm, self.output = nn.LayerNorm(width), linear(width + summary, outputs, gain=1.0)
        self.summary_norm = InputNorm(summary) if summary else None

    def forward(self, **inputs: Tensor) -> Tensor:
        """One image (B, C, H, W), with or without a summary (B, S), to (B, K)."""
        summary = inputs.pop("summary", None)
        (x,) = inputs.values()
        x = self.patches(whole_patches(self.stem(x), self.patch)).flatten(2).transpose(1, 2)  # (B, T, W)
        if self.token is not None:
            x = torch.cat([self.token.to(x.dtype).expand(len(x), 1, -1), x], dim=1)  # (B, T + 1, W)
        x = self.blocks(self.dropout(x + self.position))
        x = x[:, 0] if self.token is not None else x.mean(1)  # (B, W)
        return self.output(with_summary(self.norm(x), summary, self.summary_norm))  # type: ignore[no-any-return]


def transformer_keras(
    inputs: Shapes,
    outputs: int,
    *,
    stem: Sequence[int] = (),
    patch: int = 4,
    width: int = 64,
    depth: int = 6,
    heads: int = 4,
    expansion: float = 2.0,
    dropout: float = 0.0,
    stochastic_depth: float = 0.0,
    pool: str = "mean",
) -> keras.Model:
    """Build the same network in Keras 3, for inputs of these shapes, (rows, columns, channels) of an image."""
    from hitforge.models.layers import keras_attention as a
    from hitforge.models.layers import keras_convolution as k

    start, summary = k.image_input(inputs)
    x = start
    for i, wide in enumerate(stem):
        x = k.relu(k.norm(k.convolution(x, wide, f"stem_{i}_convolution"), f"stem_{i}_norm"), f"stem_{i}")
    x = a.patch_tokens(x, width, patch, token=pool == "token")
    x = a.dropped(x, dropout, "dropout")
    for i in range(depth):
        skip = stochastic_depth * i / max(depth - 1, 1)
        x = a.block(x, f"blocks_{i}", heads=heads, hidden=round(width * expansion), dropout=dropout, skip=skip)
    x = x[:, 0] if pool == "token" else a.mean(x)
    return k.image_model(start, summary, a.output(a.layer_norm(x, "norm"), outputs, summary), "vision_transformer")
