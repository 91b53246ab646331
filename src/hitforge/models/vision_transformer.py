"""A small vision transformer: patches of the image are tokens that attend to one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from hitforge.core.config import Config as BaseConfig
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models._image import summary_length
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


class VisionTransformer(Model):
    """Vision transformer (Dosovitskiy et al., arXiv 2010.11929), normalised before each block, learnt positions."""

    class Config(BaseConfig):
        """Size of the network."""

        patch: int = Field(4, ge=1, le=64, description="cells along a side of a patch")
        width: int = Field(64, ge=4, le=4096, description="numbers in a token; a multiple of heads")
        depth: int = Field(6, ge=1, le=64, description="transformer blocks")
        heads: int = Field(4, ge=1, le=64, description="attention heads")
        expansion: float = Field(2.0, ge=0.25, le=16, description="hidden units of a block's dense part over width")
        dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped in each block")
        stochastic_depth: float = Field(
            0.0, ge=0, lt=1, description="chance that an event skips the last block; falls linearly to 0 at the first"
        )
        pool: Literal["mean", "token"] = Field("mean", description="mean of all tokens, or an extra class token")

        @model_validator(mode="after")
        def _divisible(self) -> VisionTransformer.Config:
            if self.width % self.heads:
                raise ValueError(f"width must be a multiple of heads, but {self.width} is no multiple of {self.heads}")
            return self

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether whole patches tile the image."""
        rows, columns, _ = self.require_image(inputs)
        if rows % self.config.patch or columns % self.config.patch:
            raise ConfigError(
                f"patches of {self.config.patch} cells must tile the image",
                came=f"{rows} x {columns}",
                where="model.patch",
                do="choose a patch that divides both sides",
            )

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; input (B, C, H, W) and perhaps a summary (B, S)."""
        from hitforge.models.layers.torch_transformer import TransformerNetwork

        self.check(inputs)
        return TransformerNetwork(self.require_image(inputs), outputs, self.config, summary_length(inputs))
