"""A dense network on each hit by itself: coordinates for a neighbour search, or a first opinion of each hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hitforge.core import config
from hitforge.models import Model
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import torch


class HitEncoder(Model):
    """Features of a hit and a learned vector of its layer, then dense layers with shortcuts."""

    class Config(config.Config):
        """Size of the network."""

        width: int = Field(128, ge=1, le=4096, description="units of the hidden layers")
        depth: int = Field(3, ge=1, le=32, description="hidden layers")
        layers: int = Field(48, ge=1, le=4096, description="sensitive layers of the detector")
        embedding: int = Field(8, ge=1, le=256, description="length of the learned vector of a layer")
        waves: int = Field(0, ge=0, le=16, description="octaves of sine and cosine of each feature beside the feature")

    config: Config

    @property
    def per(self) -> Per:
        """Each hit has an answer."""
        return "hit"

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are hits of a tracker."""
        self.require_hits(inputs)

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; it takes ``nodes`` and ``layer``, and ignores what else comes."""
        from hitforge.models.layers.torch_hits import HitNetwork

        return HitNetwork(self.require_hits(inputs), outputs, self.config)
