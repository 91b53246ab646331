"""A dense network on each hit by itself: coordinates for a neighbour search, or a first opinion of each hit."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from hitforge.core import config
from hitforge.models import Model
from hitforge.models.hits import require_hits
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_hits import HitInput
from hitforge.representations import Per, Shapes


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
        require_hits(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; it takes ``nodes`` and ``layer``, and ignores what else comes."""
        return HitNetwork(require_hits(self, inputs), outputs, **dict(self.config))


class HitNetwork(nn.Module):
    """Dense layers with shortcuts; no hit knows of another.

    Args:
        features: Of a hit.
        outputs: Numbers to give for each hit.
        width: Units of the hidden layers.
        depth: Hidden layers.
        layers: Layers of the detector that are known apart.
        embedding: Length of the learned vector of a layer.
        waves: Octaves of sine and cosine of each feature beside the feature.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        width: int = 128,
        depth: int = 3,
        layers: int = 48,
        embedding: int = 8,
        waves: int = 0,
    ) -> None:
        super().__init__()
        self.start = HitInput(features, layers, embedding, waves)
        self.first = linear(self.start.features, width, gain=2.0)
        self.hidden = nn.ModuleList([linear(width, width, gain=1.0) for _ in range(depth - 1)])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(depth)])
        self.output = linear(width, outputs, gain=1.0)

    def forward(self, nodes: Tensor, layer: Tensor, **_: Tensor) -> Tensor:
        """Features (H, F) and layers (H,) to (H, outputs)."""
        with torch.autocast(nodes.device.type, enabled=False):
            x = functional.silu(self.first(self.start(nodes.float(), layer)))  # (H, W)
            for norm, hidden in zip(self.norms, self.hidden, strict=False):
                x = x + functional.silu(hidden(norm(x)))
            return self.output(self.norms[-1](x))  # type: ignore[no-any-return]
