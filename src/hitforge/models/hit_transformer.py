"""A transformer on the hits of a calorimeter: an answer for each hit, which attends to those near it in space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hitforge.models._shower_hits import ShowerHitsConfig, ShowerHitsModel
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import torch


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

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; it takes ``nodes``, ``place``, ``layer``, ``event``, and ignores other inputs."""
        from hitforge.models.layers.torch_shower_hits import HitTransformerNetwork

        self.check(inputs)
        return HitTransformerNetwork(self.require_places(inputs), outputs, self.config)
