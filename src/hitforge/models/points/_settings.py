"""Settings that the networks on points have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hitforge.core.config import DISTINCT, Config

PoolKind = Literal["mean", "max", "sum", "attention"]


class PointsConfig(Config):
    """Normalisation of points, and how the points of an event become numbers."""

    norm: Literal["layer", "batch", "none"] = Field(
        "layer", description="layer: each point by itself; batch: over the real points of a batch; none"
    )
    pool: Annotated[tuple[PoolKind, ...], DISTINCT] = Field(
        ("mean", "max", "attention", "sum"),
        min_length=1,
        description="pooled side by side over the real points: mean, max, attention (learned weights), sum",
    )
    dense: int = Field(64, ge=0, le=8192, description="units of a hidden dense layer before the outputs, 0 for none")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped in blocks and before dense layers")
