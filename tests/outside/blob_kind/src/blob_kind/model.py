"""Two layers on each hit."""

from __future__ import annotations

from typing import Any

from hitforge.core import config
from hitforge.models import Model
from hitforge.models.hits import require_hits
from hitforge.representations import Per, Shapes


class BlobNetwork(Model):
    """Two dense layers."""

    class Config(config.Config):
        """Nothing to set."""

    @property
    def per(self) -> Per:
        """Each hit has an answer."""
        return "hit"

    def check(self, inputs: Shapes) -> None:
        """Look for hits."""
        require_hits(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> Any:
        """Build the network."""
        from torch import nn

        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layers = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, outputs))

            def forward(self, nodes: Any, event: Any) -> Any:
                return 0.1 * self.layers(nodes)

        return Network()
