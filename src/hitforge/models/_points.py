"""What the networks on points have in common: fields of their configurations, and the check of the inputs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Shapes

Pool = Literal["mean", "max", "sum", "attention"]


class PointsConfig(Config):
    """Normalisation of points, and how the points of an event become numbers."""

    norm: Literal["layer", "batch", "none"] = Field(
        "layer", description="layer: each point by itself; batch: over the real points of a batch; none"
    )
    pool: tuple[Pool, ...] = Field(
        ("mean", "max", "attention", "sum"),
        min_length=1,
        description="pooled side by side over the real points: mean, max, attention (learned weights), sum",
    )
    dense: int = Field(64, ge=0, le=8192, description="units of a hidden dense layer before the outputs, 0 for none")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped in blocks and before dense layers")

    @field_validator("pool")
    @classmethod
    def _each_once(cls, pool: tuple[Pool, ...]) -> tuple[Pool, ...]:
        if len(set(pool)) < len(pool):
            raise ValueError("each kind of pooling may stand once")
        return pool


def require_neighbours(model: Model, inputs: Shapes) -> None:
    """Say whether the points carry a table of neighbours.

    Raises:
        ConfigError: They do not, or the inputs are no points.
    """
    if not model.require_points(inputs)[1]:
        raise ConfigError(
            f"the model '{model.name}' needs the neighbours of each point",
            came=inputs,
            do="give the representation 'points' a graph",
        )
