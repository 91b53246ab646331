"""Settings that networks with attention have in common."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from hitforge.core.config import Config


class AttentionConfig(Config):
    """A width that is a multiple of the heads; a network gives both their defaults and bounds."""

    width: int
    heads: int

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads, but {self.width} is none of {self.heads}")
        return self
