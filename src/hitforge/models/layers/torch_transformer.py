"""Transformer blocks and the vision transformer in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.layers.torch_dense import InputNorm, with_summary

if TYPE_CHECKING:
    from hitforge.models.vision_transformer import VisionTransformer


def _dense(features: int, units: int) -> nn.Linear:
    """Dense layer as the vision transformer initialises it: normal of width 0.02, cut at two of them, zero bias."""
    layer = nn.Linear(features, units)
    nn.init.trunc_normal_(layer.weight, std=0.02, a=-0.04, b=0.04)
    nn.init.zeros_(layer.bias)
    return layer


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


class Attention(nn.Module):
    """Self-attention of several heads (Vaswani et al., arXiv 1706.03762)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.query_key_value, self.output = _dense(width, 3 * width), _dense(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) to the same shape."""
        batch, tokens, width = x.shape
        parts = self.query_key_value(x).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, T, W / heads) each
        rate = self.rate if self.training else 0.0
        y = functional.scaled_dot_product_attention(query, key, value, dropout_p=rate)
        return self.output(y.transpose(1, 2).reshape(batch, tokens, width))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention and dense part, each normalised first and beside a shortcut."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, skip: float) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads, dropout)
        self.norm2, self.dense1, self.dense2 = nn.LayerNorm(width), _dense(width, hidden), _dense(hidden, width)
        self.dropout, self.skip = nn.Dropout(dropout), StochasticDepth(skip)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) to the same shape."""
        x = x + self.skip(self.dropout(self.attention(self.norm1(x))))
        y = self.dense2(self.dropout(functional.gelu(self.dense1(self.norm2(x)))))
        return x + self.skip(self.dropout(y))  # type: ignore[no-any-return]


class TransformerNetwork(nn.Module):
    """Patches, blocks, head."""

    def __init__(
        self, image: tuple[int, int, int], outputs: int, config: VisionTransformer.Config, summary: int = 0
    ) -> None:
        super().__init__()
        rows, columns, channels = image
        width, patch = config.width, config.patch
        tokens = (rows // patch) * (columns // patch)
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        nn.init.normal_(self.patches.weight, std=(1 / (channels * patch * patch)) ** 0.5)
        nn.init.zeros_(self.patches.bias)  # type: ignore[arg-type]
        self.token = nn.Parameter(torch.zeros(width)) if config.pool == "token" else None
        self.position = nn.Parameter(torch.zeros(tokens + (self.token is not None), width))
        nn.init.trunc_normal_(self.position, std=0.02, a=-0.04, b=0.04)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.Sequential()
        for i in range(config.depth):
            skip = config.stochastic_depth * i / max(config.depth - 1, 1)
            self.blocks.append(Block(width, config.heads, round(width * config.expansion), config.dropout, skip))
        self.norm, self.output = nn.LayerNorm(width), _dense(width + summary, outputs)
        self.summary = InputNorm(summary) if summary else None

    def forward(self, **inputs: Tensor) -> Tensor:
        """One image (B, C, H, W), with or without a summary (B, S), to (B, K)."""
        summary = inputs.pop("summary", None)
        (x,) = inputs.values()
        x = self.patches(x).flatten(2).transpose(1, 2)  # (B, T, W)
        if self.token is not None:
            x = torch.cat([self.token.to(x.dtype).expand(len(x), 1, -1), x], dim=1)  # (B, T + 1, W)
        x = self.blocks(self.dropout(x + self.position))
        x = x[:, 0] if self.token is not None else x.mean(1)  # (B, W)
        return self.output(with_summary(self.norm(x), summary, self.summary))  # type: ignore[no-any-return]
