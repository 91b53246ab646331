"""A transformer from the hits of a calorimeter to objects: learned queries, each for one object and its hits."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.hits import require_places
from hitforge.models.hits._shower import ShowerHitsConfig, ShowerHitsModel
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_events import padding
from hitforge.models.layers.torch_shower_hits import MaskedAttention, ShowerEncoder
from hitforge.representations import Per, Shapes


class MaskTransformer(ShowerHitsModel):
    """Queries that look only at the hits of their own masks (Cheng et al., arXiv 2112.01527), on encoded hits.

    The hits are encoded as in ``hit_transformer``. Then a fixed number of learned queries goes through ``decoder``
    layers: attention to the hits that the query's mask of the layer before has (to all, where it has none), attention
    among the queries of the event, a dense part. Behind each layer a query gives its answer, and a vector whose product
    with those of the hits is the mask. In training, all layers answer.
    """

    class Config(ShowerHitsConfig):
        """Size of the encoder, and the queries."""

        queries: int = Field(16, ge=1, le=1024, description="objects that can be found in an event")
        decoder: int = Field(3, ge=1, le=64, description="layers of the queries")

    config: Config

    @property
    def per(self) -> Per:
        """Each object has an answer."""
        return "object"

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; it takes ``nodes``, ``place``, ``layer``, ``event``, and ignores other inputs."""
        self.check(inputs)
        return MaskNetwork(require_places(self, inputs), outputs, **dict(self.config))


class MaskLayer(nn.Module):
    """Queries look at their hits, at each other, and think; each step normalised first and beside a shortcut."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.across = MaskedAttention(width, heads)
        self.among = MaskedAttention(width, heads)
        self.dense1, self.dense2 = linear(width, hidden, gain=2.0), linear(hidden, width, gain=1.0)

    def forward(self, queries: Tensor, start: Tensor, hits: Tensor, seen: Tensor) -> Tensor:
        """Queries (B, Q, W) with what tells them apart, (Q, W), hits (B, N, W), seen (B, Q, N), to (B, Q, W)."""
        x = queries + self.across(self.norms[0](queries) + start, hits, seen)
        own = self.norms[1](x) + start
        x = x + self.among(own, own, seen.new_ones((len(x), 1, x.shape[1])))
        return x + self.dense2(functional.silu(self.dense1(self.norms[2](x))))  # type: ignore[no-any-return]


class MaskNetwork(nn.Module):
    """The encoder of hits, and layers of queries, each of which answers and names its hits behind every layer.

    Args:
        features: Of a hit.
        outputs: Numbers to give for each object.
        queries: Objects that can be found in an event, Q.
        decoder: Layers of the queries.
        heads: Attention heads, of the encoder too.
        encoder: What else ``ShowerEncoder`` takes.
    """

    def __init__(
        self, features: int, outputs: int, *, queries: int = 16, decoder: int = 3, heads: int = 4, **encoder: Any
    ) -> None:
        super().__init__()
        self.encoder = ShowerEncoder(features, heads=heads, **encoder)
        width, hidden = self.encoder.width, self.encoder.hidden
        self.queries = nn.Parameter(torch.randn(queries, width))
        self.start = nn.Parameter(torch.randn(queries, width) * 0.5)
        self.layers = nn.ModuleList([MaskLayer(width, heads, hidden) for _ in range(decoder)])
        self.norm = nn.LayerNorm(width)
        self.answer1, self.answer2 = linear(width, width, gain=2.0), linear(width, outputs, gain=1.0)
        self.mask1, self.mask2 = linear(width, width, gain=2.0), linear(width, width, gain=1.0)
        self.hits1, self.hits2 = linear(width, width, gain=2.0), linear(width, width, gain=1.0)
        self.offset = nn.Parameter(torch.full((1,), -1.0))  # of the masks: most hits belong to another query

    def forward(self, nodes: Tensor, place: Tensor, layer: Tensor, event: Tensor, **_: Tensor) -> dict[str, Tensor]:
        """Answers and masks of the Q queries of each event.

        Args:
            nodes: Features of hits, (H, F).
            place: Their places, (H, 3).
            layer: (H,).
            event: (H,), the largest of which says how many events there are, B.

        Returns:
            ``objects`` (B, Q, outputs) and ``masks`` (H, Q) logits of the last layer; in training also ``objects_0``,
            ``masks_0``, ... of the layers before it, of which the first knows nothing of the event.
        """
        hits = self.encoder(nodes, place, layer, event)  # (H, W)
        cut = padding(event)
        padded = cut.pad(hits)  # (B, N, W)
        with torch.autocast(nodes.device.type, enabled=False):
            named = cut.pad(self.hits2(functional.silu(self.hits1(hits))))  # (B, N, W)
        x = self.queries.expand(len(padded), -1, -1)  # (B, Q, W)
        found = [self._answer(x, named)]
        for block in self.layers:
            seen = (found[-1][1].detach() > 0).transpose(1, 2) & cut.real[:, None]  # (B, Q, N)
            none = ~seen.any(2, keepdim=True)
            x = block(x, self.start, padded, torch.where(none, cut.real[:, None], seen))
            found.append(self._answer(x, named))
        outputs = {"objects": found[-1][0], "masks": found[-1][1].flatten(0, 1)[cut.slots]}
        if self.training:
            for i, (objects, masks) in enumerate(found[:-1]):
                outputs |= {f"objects_{i}": objects, f"masks_{i}": masks.flatten(0, 1)[cut.slots]}
        return outputs

    def _answer(self, queries: Tensor, named: Tensor) -> tuple[Tensor, Tensor]:
        """Answers (B, Q, outputs) and masks (B, N, Q) of queries (B, Q, W), float32."""
        with torch.autocast(queries.device.type, enabled=False):
            x = self.norm(queries.float())
            answer = self.answer2(functional.silu(self.answer1(x)))
            look = self.mask2(functional.silu(self.mask1(x)))
            return answer, named @ look.transpose(1, 2) * look.shape[2] ** -0.5 + self.offset
