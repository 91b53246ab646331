"""What the networks on hits of a calorimeter have in common: the size of their encoder, and what they take."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hitforge.models import Model
from hitforge.models._attention import AttentionConfig
from hitforge.models.hits import require_places
from hitforge.representations import Shapes

_Side = Annotated[float, Field(gt=0, le=1e4)]


class ShowerHitsConfig(AttentionConfig):
    """Size of the encoder of hits."""

    width: int = Field(64, ge=2, le=4096, description="features of a hit")
    cell: tuple[_Side, _Side, _Side] | None = Field(
        None,
        description="sides (depth, u, v) of the cells whose hits attend as one token, in the units of place; none for "
        "each hit by itself",
    )
    blocks: int = Field(4, ge=1, le=64, description="blocks of attention and dense layers")
    heads: int = Field(4, ge=1, le=64, description="attention heads; width must be a multiple")
    block: int = Field(32, ge=1, le=8192, description="hits that share a window")
    reach: int = Field(16, ge=0, le=8192, description="hits before and behind these that the window holds too")
    orders: tuple[Literal["plane", "first", "second"], ...] = Field(
        ("plane", "first", "plane", "second"),
        min_length=1,
        description="curves that hits are sorted along, block after block: through the plane across the depth (u, v), "
        "through (depth, u), through (depth, v)",
    )
    pool: int = Field(16, ge=0, le=1024, description="hits of the groups that see the whole event, 0 for no groups")
    layers: int = Field(64, ge=1, le=65536, description="sensitive layers that the network knows apart")
    embedding: int = Field(8, ge=1, le=256, description="length of the learned vector of a layer")
    waves: int = Field(5, ge=0, le=16, description="octaves of sine and cosine of each coordinate of the place")
    expansion: float = Field(2.0, ge=0.25, le=16, description="hidden units of a block's dense part over width")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped behind attention and dense part")


class ShowerHitsModel(Model):
    """A network that takes hits of a calorimeter with their places."""

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are hits of a calorimeter with their places."""
        require_places(self, inputs)
