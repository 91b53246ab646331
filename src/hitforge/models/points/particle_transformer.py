"""A particle transformer (arXiv 2202.03772): attention between points, with a bias from their four-momenta."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models._attention import AttentionConfig
from hitforge.models.layers.torch_dense import InputNorm, linear, with_summary
from hitforge.models.layers.torch_points import PointsInput
from hitforge.models.points import require_points
from hitforge.representations import Shapes

_PAIR = 4  # numbers of a pair: logarithms of distance, kT, momentum share and squared mass
_SMALL = 1e-8


class ParticleTransformer(Model):
    """Blocks in which each point looks at all others, then blocks in which one learned token looks at the points.

    The logit of point i that looks at j has a bias from ln distance, ln kT, ln z and ln m^2 of the two (arXiv
    2202.03772, equation 3), the same in all blocks, from the array ``momentum``. Without it there is no bias.
    Normalisation stands before and behind attention and dense part (NormFormer, arXiv 2110.09456). The paper's network
    has a width of 128, 8 blocks and 2 of the token.
    """

    class Config(AttentionConfig):
        """Size of the network."""

        width: int = Field(64, ge=1, le=4096, description="features of a point")
        heads: int = Field(8, ge=1, le=64, description="attention heads; the width must be a multiple")
        blocks: int = Field(3, ge=1, le=64, description="blocks of attention between points")
        class_blocks: int = Field(1, ge=1, le=16, description="blocks in which the token looks at the points")
        expansion: float = Field(2.0, gt=0, le=16, description="hidden units of a block's dense part over the width")
        pair: int = Field(32, ge=0, le=1024, description="units of the layers that make the bias of pairs; 0 for none")
        dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped behind attention and dense part")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points, with momenta where pairs have a bias."""
        require_points(self, inputs)
        if self.config.pair and inputs.get("momentum", (0, 0))[1:] != (4,):
            raise ConfigError(
                "the bias of pairs needs the momentum of each point",
                came=inputs,
                where="model.pair",
                do="use the representation 'constituents', or set model.pair to 0",
            )

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; inputs as ``hitforge.models.points`` says."""
        self.check(inputs)
        features, _ = require_points(self, inputs)
        return PairTransformer(features, outputs, summary=self.summary_length(inputs), **dict(self.config))


class MomentumBias(nn.Module):
    """Turns the four-momenta of two points into a bias of each head.

    Args:
        units: Of the two hidden layers.
        heads: Numbers of a pair that come out.
    """

    def __init__(self, units: int, heads: int) -> None:
        super().__init__()
        self.norm = InputNorm(_PAIR)
        self.first, self.second = linear(_PAIR, units, gain=2.0), linear(units, units, gain=2.0)
        self.last = linear(units, heads, gain=1.0)

    def forward(self, momentum: Tensor, real: Tensor) -> Tensor:
        """Momenta (B, P, 4) and real points (B, P, 1) to (B, heads, P, P)."""
        both = real & real.mT  # (B, P, P)
        x = self.norm(pair_numbers(momentum), both[..., None])
        x = functional.gelu(self.second(functional.gelu(self.first(x))))
        return self.last(x).permute(0, 3, 1, 2)  # type: ignore[no-any-return]


@torch.no_grad()
def pair_numbers(momentum: Tensor) -> Tensor:
    """Return ln distance, ln kT, ln z and ln m^2 of each two points.

    Args:
        momentum: (B, P, 4), px, py, pz and energy.

    Returns:
        (B, P, P, 4) float32; distances are in rapidity and azimuth.
    """
    px, py, pz, energy = momentum.float().unbind(2)  # (B, P)
    pt = torch.hypot(px, py)
    rapidity = 0.5 * ((energy + pz).clamp(min=_SMALL) / (energy - pz).clamp(min=_SMALL)).log()
    azimuth = torch.atan2(py, px)
    turn = azimuth[:, :, None] - azimuth[:, None]
    turn = torch.remainder(turn + torch.pi, 2 * torch.pi) - torch.pi
    distance = torch.hypot(rapidity[:, :, None] - rapidity[:, None], turn)
    least = torch.minimum(pt[:, :, None], pt[:, None])
    share = least / (pt[:, :, None] + pt[:, None]).clamp(min=_SMALL)
    total = momentum.float()[:, :, None] + momentum.float()[:, None]  # (B, P, P, 4)
    square = total[..., 3].square() - total[..., :3].square().sum(3)
    numbers = torch.stack([distance, least * distance, share, square], dim=3)
    return numbers.clamp(min=_SMALL).log()


class NormFormerBlock(nn.Module):
    """Attention and a dense part, each normalised before and behind, and beside a shortcut."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = linear(width, width, gain=1.0), linear(width, 2 * width, gain=1.0)
        self.output = linear(width, width, gain=1.0)
        self.before, self.behind = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dense1, self.dense2 = linear(width, hidden, gain=2.0), linear(hidden, width, gain=1.0)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor, bias: Tensor) -> Tensor:
        """Rows (B, Q, W) that look at (B, K, W) with biases (B, heads or 1, Q or 1, K) to (B, Q, W)."""
        x = x + self.dropout(self.behind(self._attend(self.before(x), self.before(seen), bias)))
        y = self.norm2(functional.gelu(self.dense1(self.norm1(x))))
        return x + self.dropout(self.dense2(y))  # type: ignore[no-any-return]

    def _attend(self, x: Tensor, seen: Tensor, bias: Tensor) -> Tensor:
        size = x.shape[2] // self.heads
        query = self.query(x).unflatten(2, (self.heads, size)).transpose(1, 2)  # (B, heads, Q, size)
        pair = self.key_value(seen).unflatten(2, (2, self.heads, size))
        key, value = pair.permute(2, 0, 3, 1, 4).unbind(0)
        y = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        return self.output(y.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class PairTransformer(nn.Module):
    """Embedding, blocks between points, blocks of the token, output.

    Args:
        features: Of a point, F.
        outputs: Numbers to give for each event, K.
        width: Features of a point behind the embedding.
        heads: Attention heads.
        blocks: Blocks of attention between points.
        class_blocks: Blocks in which the token looks at the points.
        expansion: Hidden units of a block's dense part over the width.
        pair: Units of the layers that make the bias of pairs; 0 for none.
        dropout: Share of features dropped behind attention and dense part.
        summary: Numbers about the event beside the token, 0 for none.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        width: int = 64,
        heads: int = 8,
        blocks: int = 3,
        class_blocks: int = 1,
        expansion: float = 2.0,
        pair: int = 32,
        dropout: float = 0.0,
        summary: int = 0,
    ) -> None:
        super().__init__()
        hidden = max(1, round(width * expansion))
        self.start = PointsInput(features)
        self.first, self.second = linear(features + 3, hidden, gain=2.0), linear(hidden, width, gain=1.0)
        self.pairs = MomentumBias(pair, heads) if pair else None
        self.blocks = nn.ModuleList(NormFormerBlock(width, heads, hidden, dropout) for _ in range(blocks))
        self.tokens = nn.ModuleList(NormFormerBlock(width, heads, hidden, dropout) for _ in range(class_blocks))
        self.token = nn.Parameter(torch.randn(width) * 0.02)
        self.last = nn.LayerNorm(width)
        self.summary = InputNorm(summary) if summary else None
        self.output = linear(width + summary, outputs, gain=1.0)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Points as ``hitforge.models.points`` says, with or without summary, to (B, K)."""
        x, real = self.start(inputs["points"], inputs["position"], inputs["mask"])
        x = self.second(functional.gelu(self.first(x)))  # (B, P, W)
        hidden = torch.where(real, 0.0, torch.finfo(torch.bfloat16).min).mT[:, None]  # (B, 1, 1, P)
        bias = hidden if self.pairs is None else self.pairs(inputs["momentum"], real) + hidden
        for block in self.blocks:
            x = block(x, x, bias)
        token = self.token.expand(len(x), 1, -1).to(x.dtype)
        own = torch.zeros_like(hidden[..., :1])  # the token sees itself: an event without points has an answer
        for block in self.tokens:
            token = block(token, torch.cat([token, x], dim=1), torch.cat([own, hidden], dim=3))
        return self.output(with_summary(self.last(token[:, 0]), inputs.get("summary"), self.summary))  # type: ignore[no-any-return]
