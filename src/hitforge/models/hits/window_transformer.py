"""A transformer on the hits of a tracker: hits are sorted, and each attends to those near it in the order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models._attention import AttentionConfig
from hitforge.models.hits import require_hits
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_hits import HitInput
from hitforge.models.layers.torch_windows import HitWindows, windows
from hitforge.representations import Per, Shapes
from hitforge.representations.hits import AROUND, PAIR_FEATURES, TRACK_PLACE, pair_features, sorting


class WindowTransformer(Model):
    """Self-attention in windows of sorted hits, the work of which grows with the number of hits and not its square.

    Hits that belong together lie near each other in phi (Van Stroud et al., arXiv 2411.07149), or, where tracks bend,
    in phi + bend * r for some bend; the blocks take turns through several such orders, so that what one window cuts
    another holds together (several hashes as in Miao et al., arXiv 2402.12535). Windows overlap and close around phi.
    With ``pairs`` a small network tells attention what the places of two hits say about a track through both.
    """

    class Config(AttentionConfig):
        """Size of the network."""

        width: int = Field(64, ge=2, le=4096, description="features of a hit")
        blocks: int = Field(4, ge=1, le=64, description="blocks of attention and dense layers")
        heads: int = Field(4, ge=1, le=64, description="attention heads; width must be a multiple")
        block: int = Field(64, ge=1, le=8192, description="hits that share a window")
        reach: int = Field(64, ge=0, le=8192, description="hits before and behind these that the window holds too")
        orders: tuple[Literal["phi", "bend", "back", "eta"], ...] = Field(
            ("phi", "bend", "back", "eta"),
            min_length=1,
            description="what hits are sorted by, block after block: phi; phi + bend * r; phi - bend * r; eta",
        )
        bend: float = Field(0.15, gt=0, le=100, description="change of phi with the feature r in the bent orders [rad]")
        layers: int = Field(48, ge=1, le=65536, description="sensitive layers that the network knows apart")
        embedding: int = Field(8, ge=1, le=256, description="length of the learned vector of a layer")
        pairs: int = Field(0, ge=0, le=256, description="hidden units of the network on pairs of places, 0 for none")
        waves: int = Field(2, ge=0, le=16, description="octaves of sine and cosine of each feature beside the feature")
        expansion: float = Field(2.0, ge=0.25, le=16, description="hidden units of a block's dense part over width")
        dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped behind attention and dense part")

    config: Config

    @property
    def per(self) -> Per:
        """Each hit has an answer."""
        return "hit"

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are hits of a tracker with their place."""
        require_hits(self, inputs)
        if inputs.get("place") != (len(TRACK_PLACE),):
            raise ConfigError(
                f"the model '{self.name}' takes hits whose place is {', '.join(TRACK_PLACE)}",
                came=inputs,
                do="set azimuth: true in the representation 'track_hits'",
            )

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; it takes ``nodes``, ``place``, ``layer``, ``event``, and ignores other inputs."""
        self.check(inputs)
        settings = dict(self.config)
        return WindowNetwork(
            require_hits(self, inputs),
            outputs,
            sort=partial(sorting, bend=settings.pop("bend")),
            around=AROUND,
            pair_features=pair_features,
            pair_size=len(PAIR_FEATURES),
            **settings,
        )


class PairBias(nn.Module):
    """A number for each head that is added to the attention between two hits (as in Qu et al., arXiv 2202.03772)."""

    def __init__(self, heads: int, hidden: int, features: int) -> None:
        super().__init__()
        self.hidden = linear(features, hidden, gain=2.0)
        self.output = linear(hidden, heads, gain=1.0, bias=False)  # a constant changes no share

    def forward(self, pairs: Tensor) -> Tensor:
        """Features of pairs (N, B, K, F) to (N, heads, B, K)."""
        return self.output(torch.relu(self.hidden(pairs))).permute(0, 3, 1, 2)  # type: ignore[no-any-return]


class WindowAttention(nn.Module):
    """Attention of several heads within windows (arXiv 1706.03762; windows over sorted hits as in arXiv 2411.07149).

    Args:
        width: Features of a hit.
        heads: Attention heads.
        pairs: Hidden units of the network that looks at pairs of places, 0 for none.
        features: Of a pair.
    """

    def __init__(self, width: int, heads: int, pairs: int = 0, features: int = 0) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value, self.output = linear(width, 3 * width, gain=1.0), linear(width, width, gain=1.0)
        self.bias = PairBias(heads, pairs, features) if pairs else None

    def forward(self, x: Tensor, near: HitWindows) -> Tensor:
        """Hits (H, W) to (H, W); with ``pairs`` the windows must hold their features."""
        parts = self.query_key_value(x).view(len(x), 3, self.heads, x.shape[1] // self.heads)
        query, key, value = parts.unbind(1)  # (H, heads, W / heads) each
        mask = near.seen[:, None, None]  # (N, 1, 1, K)
        if self.bias is not None and near.pairs is not None:
            mask = torch.where(mask, self.bias(near.pairs), -torch.inf).to(query.dtype)
        y = functional.scaled_dot_product_attention(
            query[near.queries].transpose(1, 2),  # (N, heads, B, W / heads)
            key[near.keys].transpose(1, 2),
            value[near.keys].transpose(1, 2),
            attn_mask=mask,
        )
        return self.output(y.transpose(1, 2).flatten(0, 1)[near.slots].flatten(1))  # type: ignore[no-any-return]


class WindowBlock(nn.Module):
    """Window attention and a dense part, each normalised first and beside a shortcut."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, pairs: int = 0, features: int = 0) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), WindowAttention(width, heads, pairs, features)
        self.norm2, self.dense1, self.dense2 = (
            nn.LayerNorm(width),
            linear(width, hidden, gain=2.0),
            linear(hidden, width, gain=1.0),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, near: HitWindows) -> Tensor:
        """Hits (H, W) to (H, W); with ``pairs`` the windows must hold their features."""
        x = x + self.dropout(self.attention(self.norm1(x), near))
        y = self.dense2(self.dropout(functional.silu(self.dense1(self.norm2(x)))))
        return x + self.dropout(y)  # type: ignore[no-any-return]


class WindowNetwork(nn.Module):
    """Blocks of window attention, each in the next of several orders of the hits.

    Args:
        features: Of a hit.
        outputs: Numbers to give for each hit.
        sort: Values that hits are sorted by, (H,) each, by name, from their places (H, D).
        around: Names of those that close to a circle, as an angle does.
        pair_features: What the places of two hits say, (..., D) of one and of the other to (..., F).
        pair_size: F.
        width: Features of a hit inside the network.
        blocks: Blocks of attention and dense layers.
        heads: Attention heads; ``width`` must be a multiple.
        block: Hits that share a window.
        reach: Hits before and behind these that the window holds too.
        orders: What hits are sorted by, block after block: names of ``sort``.
        layers: Layers that the network knows apart.
        embedding: Length of the learned vector of a layer.
        pairs: Hidden units of the network on pairs of places, 0 for none.
        waves: Octaves of sine and cosine of each feature beside the feature.
        expansion: Hidden units of a block's dense part over ``width``.
        dropout: Share of features dropped behind attention and dense part.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        sort: Callable[[Tensor], Mapping[str, Tensor]],
        orders: Sequence[str],
        around: Collection[str] = (),
        pair_features: Callable[[Tensor, Tensor], Tensor] | None = None,
        pair_size: int = 0,
        width: int = 64,
        blocks: int = 4,
        heads: int = 4,
        block: int = 64,
        reach: int = 64,
        layers: int = 48,
        embedding: int = 8,
        pairs: int = 0,
        waves: int = 2,
        expansion: float = 2.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.sort, self.around, self.block, self.reach = sort, around, block, reach
        self.pair_features = pair_features if pairs else None
        self.orders = [orders[i % len(orders)] for i in range(blocks)]
        self.start = HitInput(features, layers, embedding, waves)
        self.first = linear(self.start.features, width, gain=1.0)
        hidden = max(1, round(width * expansion))
        self.blocks = nn.ModuleList(
            [WindowBlock(width, heads, hidden, dropout, pairs, pair_size) for _ in range(blocks)]
        )
        self.norm = nn.LayerNorm(width)
        self.hidden, self.output = linear(width, hidden, gain=2.0), linear(hidden, outputs, gain=1.0)

    def forward(self, nodes: Tensor, place: Tensor, layer: Tensor, event: Tensor, **_: Tensor) -> Tensor:
        """Features (H, F), places (H, D), layers and events (H,) to (H, outputs)."""
        with torch.autocast(nodes.device.type, enabled=False):
            start = self.start(nodes.float(), layer)
            x = self.first(start)  # (H, W)
        place = place.float()
        values, near = self.sort(place), {}
        for name in dict.fromkeys(self.orders):
            near[name] = windows(values[name], event, self.block, self.reach, periodic=name in self.around)
            if self.pair_features is not None:
                with torch.no_grad():
                    one, other = place[near[name].queries][:, :, None], place[near[name].keys][:, None]
                    near[name] = near[name]._replace(pairs=self.pair_features(one, other))
        for name, block in zip(self.orders, self.blocks, strict=True):
            x = block(x, near[name])
        with torch.autocast(nodes.device.type, enabled=False):
            return self.output(functional.silu(self.hidden(self.norm(x.float()))))  # type: ignore[no-any-return]
