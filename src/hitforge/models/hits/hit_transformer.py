"""A transformer on the hits of a calorimeter: an answer for each hit, which attends to those near it in space."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.hits import require_places
from hitforge.models.hits._shower import ShowerHitsConfig, ShowerHitsModel
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_shower_hits import ShowerEncoder
from hitforge.representations import Per, Shapes


class HitTransformer(ShowerHitsModel):
    """Self-attention in windows along space-filling curves, and between groups of hits.

    The hits of an event are sorted along Hilbert's curve through two of their three coordinates (curves for clouds of
    points: Wu et al., arXiv 2312.10035) and attend to those near them in the order and, by a learned scale, in space.
    The curve through the plane across the depth holds the hits of a shower that comes from the origin together, the two
    others follow the depth. After every second block, groups of ``pool`` hits attend to all groups of the event. The
    work grows with the number of hits, but for the groups.
    """

    class Config(ShowerHitsConfig):
        """Size of the network."""

    config: Config

    @property
    def per(self) -> Per:
        """Each hit has an answer."""
        return "hit"

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; it takes ``nodes``, ``place``, ``layer``, ``event``, and ignores other inputs."""
        self.check(inputs)
        return HitTransformerNetwork(require_places(self, inputs), outputs, **dict(self.config))


class HitTransformerNetwork(nn.Module):
    """The encoder, and an answer for each hit.

    Args:
        features: Of a hit.
        outputs: Numbers to give for each hit.
        encoder: What else ``ShowerEncoder`` takes.
    """

    def __init__(self, features: int, outputs: int, **encoder: Any) -> None:
        super().__init__()
        self.encoder = ShowerEncoder(features, **encoder)
        width = self.encoder.width
        self.hidden = linear(width, 2 * width, gain=2.0)
        self.output = linear(2 * width, outputs, gain=1.0)

    def forward(self, nodes: Tensor, place: Tensor, layer: Tensor, event: Tensor, **_: Tensor) -> Tensor:
        """Features (H, F), places (H, 3), layers and events (H,) to (H, outputs)."""
        x = self.encoder(nodes, place, layer, event)
        with torch.autocast(nodes.device.type, enabled=False):
            return self.output(functional.silu(self.hidden(x)))  # type: ignore[no-any-return]
