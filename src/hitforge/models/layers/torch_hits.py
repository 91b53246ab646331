"""What networks on flat hits see of each, in PyTorch.

Places of hits are known to some 1e-5, so what touches them is computed in float32 also where the rest is bf16.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_dense import InputNorm


class HitInput(nn.Module):
    """Normalised features of a hit, waves of them, and a learned vector of its layer.

    A network sees fine differences of a feature x better beside sin(2^k x) and cos(2^k x), k = 1 .. ``waves`` (Tancik
    et al., arXiv 2006.10739).
    """

    def __init__(self, features: int, layers: int, embedding: int, waves: int) -> None:
        super().__init__()
        self.norm, self.layer = InputNorm(features), nn.Embedding(layers, embedding)
        self.features = features * (1 + 2 * waves) + embedding
        self.scales: Tensor
        self.register_buffer("scales", 2.0 ** torch.arange(1, waves + 1), persistent=False)

    def forward(self, nodes: Tensor, layer: Tensor) -> Tensor:
        """Features (H, F) and layers (H,) to (H, ``features``), of which the first F are the normalised ones."""
        x = self.norm(nodes) if len(nodes) else nodes  # an empty batch has no mean
        angle = (x[:, :, None] * self.scales).flatten(1)  # (H, F * waves)
        return torch.cat([x, angle.sin(), angle.cos(), self.layer(layer.long())], dim=1)
