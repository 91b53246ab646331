"""Networks that answer for each hit of a tracker, in PyTorch.

Places of hits are known to some 1e-5, so what touches them is computed in float32 also where the rest is bf16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.layers.torch_dense import InputNorm, dense
from hitforge.models.layers.torch_window_attention import WindowBlock, pair_features, windows

if TYPE_CHECKING:
    from hitforge.models.hit_encoder import HitEncoder
    from hitforge.models.window_transformer import WindowTransformer


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


class HitNetwork(nn.Module):
    """Dense layers with shortcuts; no hit knows of another."""

    def __init__(self, features: int, outputs: int, config: HitEncoder.Config) -> None:
        super().__init__()
        self.start = HitInput(features, config.layers, config.embedding, config.waves)
        self.first = dense(self.start.features, config.width, gain=2.0)
        self.hidden = nn.ModuleList([dense(config.width, config.width, gain=1.0) for _ in range(config.depth - 1)])
        self.norms = nn.ModuleList([nn.LayerNorm(config.width) for _ in range(config.depth)])
        self.output = dense(config.width, outputs, gain=1.0)

    def forward(self, nodes: Tensor, layer: Tensor, **_: Tensor) -> Tensor:
        """Features (H, F) and layers (H,) to (H, outputs)."""
        with torch.autocast(nodes.device.type, enabled=False):
            x = functional.silu(self.first(self.start(nodes.float(), layer)))  # (H, W)
            for norm, hidden in zip(self.norms, self.hidden, strict=False):
                x = x + functional.silu(hidden(norm(x)))
            return self.output(self.norms[-1](x))  # type: ignore[no-any-return]


class WindowNetwork(nn.Module):
    """Blocks of window attention, each in the next of several orders of the hits."""

    def __init__(self, features: int, outputs: int, config: WindowTransformer.Config) -> None:
        super().__init__()
        self.config = config
        self.start = HitInput(features, config.layers, config.embedding, config.waves)
        self.first = dense(self.start.features, config.width, gain=1.0)
        hidden = max(1, round(config.width * config.expansion))
        self.blocks = nn.ModuleList(
            [
                WindowBlock(config.width, config.heads, hidden, config.dropout, config.pairs)
                for _ in range(config.blocks)
            ]
        )
        self.norm = nn.LayerNorm(config.width)
        self.hidden, self.output = dense(config.width, hidden, gain=2.0), dense(hidden, outputs, gain=1.0)

    def forward(self, nodes: Tensor, layer: Tensor, event: Tensor, **_: Tensor) -> Tensor:
        """Features (H, F), layers and events (H,) to (H, outputs)."""
        with torch.autocast(nodes.device.type, enabled=False):
            start = self.start(nodes.float(), layer)
            x = self.first(start)  # (H, W)
        place = nodes.float()[:, list(self.config.place)]  # (H, 4)
        values = self._orders(place)
        used = list(values)[: len(self.blocks)]
        near = {}
        for name in used:
            near[name] = windows(values[name], event, self.config.block, self.config.reach, periodic=name != "eta")
            if self.config.pairs:
                near[name] = near[name]._replace(pairs=pair_features(place, near[name]))
        for i, block in enumerate(self.blocks):
            x = block(x, near[self.config.orders[i % len(self.config.orders)]])
        with torch.autocast(nodes.device.type, enabled=False):
            return self.output(functional.silu(self.hidden(self.norm(x.float()))))  # type: ignore[no-any-return]

    def _orders(self, place: Tensor) -> dict[str, Tensor]:
        """Values that hits are sorted by, (H,) each; angles from 0 to 2 pi."""
        cosine, sine, radius, z = place.unbind(1)
        phi, bend = torch.atan2(sine, cosine), self.config.bend * radius
        angles = {"phi": phi, "bend": phi + bend, "back": phi - bend}
        found = {name: value.remainder(2 * torch.pi) for name, value in angles.items()}
        found["eta"] = z / radius.clamp(min=1e-3)
        return {name: found[name] for name in self.config.orders}
