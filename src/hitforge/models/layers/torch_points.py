"""Blocks of the networks on points in PyTorch; points that are not real influence nothing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_dense import InputNorm, linear, with_summary

POOLS = ("mean", "max", "attention", "sum")
"""Kinds of pooling, in the order in which they stand side by side."""
_HUNDRED = 100.0  # sums over points are counted in hundreds, to begin with numbers of order 1


class PointsInput(nn.Module):
    """Normalises features and positions of the real points, and joins them."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm = InputNorm(features + 3)

    def forward(self, points: Tensor, position: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, P, F + 3), of which the position is the last three, and which points are real (B, P, 1) bool."""
        real = mask > 0.5
        x = torch.cat([points, position.to(points.dtype)], dim=2)  # (B, P, F + 3)
        return self.norm(x, real), real


class BatchNormPoints(nn.Module):
    """Batch normalisation over the real points."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = InputNorm(width)
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """(B, P, W) to the same shape."""
        y: Tensor = self.norm(x, real) * self.weight + self.bias
        return y.to(x.dtype)


class PointNorm(nn.Module):
    """The normalisation of this name: ``layer``, ``batch`` or ``none``."""

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.layer = nn.LayerNorm(width) if kind == "layer" else None
        self.batch = BatchNormPoints(width) if kind == "batch" else None

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """(B, P, W) to the same shape."""
        if self.layer is not None:
            return self.layer(x)  # type: ignore[no-any-return]
        return x if self.batch is None else self.batch(x, real)


class PointPool(nn.Module):
    """Pools the real points of an event in several ways side by side; an event without points gives zeros."""

    def __init__(self, width: int, kinds: Sequence[str]) -> None:
        super().__init__()
        self.kinds, self.features = kinds, width * len(kinds)
        self.score = linear(width, 1, gain=1.0, bias=False) if "attention" in kinds else None

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Points (B, P, W) to (B, W * kinds) in float32."""
        x = torch.where(real, x, 0.0)
        count = real.sum(1)  # (B, 1)
        total = x.sum(1, dtype=torch.float32)  # (B, W)
        pooled = []
        for kind in self.kinds:
            if kind == "mean":
                pooled.append(total / count.clamp(min=1))
            elif kind == "sum":
                pooled.append(total / _HUNDRED)
            elif kind == "max":
                largest = torch.where(real, x, -torch.inf).max(1).values
                pooled.append(torch.where(count > 0, largest, 0.0).float())
            elif self.score is not None:
                score = torch.where(real, self.score(x).float(), torch.finfo(torch.float32).min)  # (B, P, 1)
                share = torch.where(real, score.softmax(1), 0.0).to(x.dtype)
                pooled.append(torch.bmm(share.mT, x)[:, 0].float())
        return torch.cat(pooled, dim=1)


class PointsHead(nn.Module):
    """Pooling, summary, dense layers.

    Args:
        width: W.
        outputs: K.
        pool: Kinds of pooling side by side, of mean, max, attention (learned weights) and sum.
        dense: Units of a hidden dense layer before the outputs, 0 for none.
        dropout: Share of features dropped before each dense layer.
        summary: S, 0 for none.
    """

    def __init__(
        self,
        width: int,
        outputs: int,
        *,
        pool: Sequence[str] = POOLS,
        dense: int = 64,
        dropout: float = 0.0,
        summary: int = 0,
    ) -> None:
        super().__init__()
        self.pool = PointPool(width, pool)
        features = self.pool.features + summary
        self.summary = InputNorm(summary) if summary else None
        self.dropout = nn.Dropout(dropout)
        self.hidden = linear(features, dense, gain=2.0) if dense else None
        self.output = linear(dense or features, outputs, gain=1.0)

    def forward(self, x: Tensor, real: Tensor, summary: Tensor | None) -> Tensor:
        """Points (B, P, W) and summary (B, S) to outputs (B, K)."""
        x = with_summary(self.pool(x, real), summary, self.summary)
        if self.hidden is not None:
            x = torch.relu(self.hidden(self.dropout(x)))  # (B, D)
        return self.output(self.dropout(x))  # type: ignore[no-any-return]  # (B, K)
