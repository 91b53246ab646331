"""An encoder of hits with places: attention between hits that lie near each other, and between groups of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.layers.torch_curves import along_curve
from hitforge.models.layers.torch_dense import InputNorm, linear
from hitforge.models.layers.torch_windows import HitWindows, windows

_AXES = {"plane": (1, 2), "first": (0, 1), "second": (0, 2)}
CURVES = ("plane", "first", "plane", "second")
"""Curves that hits are sorted along, block after block: through two of the coordinates of their places."""


class Near(NamedTuple):
    """Windows of hits, and where in its window each hit lies."""

    windows: HitWindows
    asking: Tensor
    """(N, B, 3) float32, places of a block's hits from their mean."""
    seen: Tensor
    """(N, K, 3) float32, places of its window's hits from the same point."""


def near_hits(place: Tensor, event: Tensor, order: str, block: int, reach: int) -> Near:
    """Cut the hits of each event, sorted along a space-filling curve, into windows.

    Args:
        place: (H, 3), coordinates of about the same scale.
        event: (H,).
        order: Curve, one of ``CURVES``.
        block: Hits that share a window.
        reach: Hits before and behind these that it holds too.
    """
    cut = windows(along_curve(place, _AXES[order], event), event, block, reach, periodic=False)
    with torch.no_grad():
        asking, seen = place[cut.queries], place[cut.keys]
        middle = asking.mean(1, keepdim=True)  # keeps numbers small
        return Near(cut, asking - middle, seen - middle)


class NearBlock(nn.Module):
    """Attention within windows and a dense part, each normalised first and beside a shortcut.

    To the logits of head h, -s_h d^2 is added, with d the distance of two hits and s_h > 0 learned: each head looks as
    far as it needs (the weights exp(-s d^2) are those of GravNet, arXiv 1902.07987, in the space of the detector).
    With d^2 = |a|^2 - 2 a b + |b|^2, of which the first part changes no share, this is four more features of queries
    and keys, so that PyTorch's fused attention does it and no table of pairs is held.
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.output = linear(width, 3 * width, gain=1.0), linear(width, width, gain=1.0)
        self.dense1, self.dense2 = linear(width, hidden, gain=2.0), linear(hidden, width, gain=1.0)
        self.steep = nn.Parameter(torch.linspace(-2.0, 4.0, heads))  # (heads,) log of s
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, near: Near) -> Tensor:
        """Hits (H, W) to (H, W)."""
        x = x + self.dropout(self._attend(self.norm1(x), near))
        y = self.dense2(self.dropout(functional.silu(self.dense1(self.norm2(x)))))
        return x + self.dropout(y)  # type: ignore[no-any-return]

    def _attend(self, x: Tensor, near: Near) -> Tensor:
        """(H, W) to (H, W)."""
        cut, size = near.windows, x.shape[1] // self.heads
        query, key, value = self.query_key_value(x).float().view(len(x), 3, self.heads, size).unbind(1)
        with torch.autocast(x.device.type, enabled=False):
            steep = self.steep.exp()[:, None, None]  # (heads, 1, 1)
            blocks, window = cut.queries.shape, cut.keys.shape
            far = near.seen.square().sum(2, keepdim=True)  # (N, K, 1)
            queries = [
                query.index_select(0, cut.queries.flatten()).view(*blocks, self.heads, size).transpose(1, 2)
                * size**-0.5,
                2.0 * steep * near.asking[:, None],
                steep.expand(len(far), -1, blocks[1], 1),
            ]  # (N, heads, B, size + 4)
            places = torch.cat([near.seen, -far], dim=2)[:, None].expand(-1, self.heads, -1, -1)
            both = torch.stack([key, value], dim=1).index_select(0, cut.keys.flatten())
            key, value = both.view(*window, 2, self.heads, size).permute(2, 0, 3, 1, 4)  # (N, heads, K, size) each
            y = functional.scaled_dot_product_attention(
                torch.cat(queries, dim=3),
                torch.cat([key, places], dim=3),
                functional.pad(value, (0, 4)),  # the fused form asks for as many
                attn_mask=cut.seen[:, None, None],
                scale=1.0,
            )[..., :size]  # (N, heads, B, size)
        y = y.transpose(1, 2).flatten(0, 1)[cut.slots].flatten(1)  # (H, W)
        return self.output(y.to(x.dtype))  # type: ignore[no-any-return]


class Groups(NamedTuple):
    """Groups of hits that follow each other along a curve, event by event."""

    hits: Tensor
    """(B, T, P) int64, hits of each group."""
    real: Tensor
    """(B, T, P) bool."""
    owner: Tensor
    """(H,) int64, group of each hit in the flat (B * T)."""


def hit_groups(place: Tensor, event: Tensor, size: int) -> Groups:
    """Cut the hits of each event, sorted along the curve through the plane, into groups of ``size``.

    Args:
        place: (H, 3).
        event: (H,).
        size: Hits of a group; the last of an event may have fewer.
    """
    order = torch.sort(along_curve(place, _AXES["plane"], event), stable=True).indices
    order = order[torch.sort(event[order], stable=True).indices].long()
    count = torch.bincount(event.long())  # (B,)
    most = -(-int(count.max()) // size) if len(count) else 0
    number = event[order].long()
    start = count.cumsum(0) - count
    rank = torch.arange(len(order), device=event.device) - start[number]  # (H,) place in its event
    owner = torch.empty_like(order)
    owner[order] = number * most + rank // size
    real = torch.arange(most * size, device=event.device) < count[:, None]  # (B, T * P)
    hits = torch.zeros_like(real, dtype=torch.int64)
    hits[real] = order
    shape = (len(count), most, size)
    return Groups(hits.view(shape), real.view(shape), owner)


class MaskedAttention(nn.Module):
    """Attention of several heads, of which each row sees those that a mask lets it see.

    Args:
        width: Features of a row.
        heads: Attention heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = linear(width, width, gain=1.0), linear(width, 2 * width, gain=1.0)
        self.output = linear(width, width, gain=1.0)

    def forward(self, x: Tensor, others: Tensor, seen: Tensor) -> Tensor:
        """Rows (B, Q, W) that look at (B, N, W), seen (B, Q or 1, N) bool, to (B, Q, W); zeros go on where none is."""
        size = x.shape[2] // self.heads
        query = self.query(x).unflatten(2, (self.heads, size)).transpose(1, 2)  # (B, heads, Q, size)
        pair = self.key_value(others).unflatten(2, (2, self.heads, size))
        key, value = pair.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, N, size)
        some = seen.any(2)[:, None, :, None]  # (B, 1, Q, 1)
        with torch.autocast(x.device.type, enabled=False):
            logit = query.float() @ key.float().transpose(2, 3) * size**-0.5
            share = torch.where(seen[:, None] | ~some, logit, -torch.inf).softmax(-1)  # (B, heads, Q, N)
            y = torch.where(some, share @ value.float(), 0.0)
        return self.output(y.transpose(1, 2).flatten(2).to(x.dtype))  # type: ignore[no-any-return]


class GroupBlock(nn.Module):
    """Groups of hits, each the mean of its hits, attend to all groups of the event, and tell their hits."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.attention = MaskedAttention(width, heads)
        self.dense1, self.dense2 = linear(width, hidden, gain=2.0), linear(hidden, width, gain=1.0)
        self.output, self.dropout = linear(width, width, gain=1.0), nn.Dropout(dropout)

    def forward(self, x: Tensor, parts: Groups) -> Tensor:
        """Hits (H, W) to (H, W)."""
        real = parts.real[..., None]  # (B, T, P, 1)
        y = torch.where(real, self.norms[0](x)[parts.hits], 0.0).sum(2) / real.sum(2).clamp(min=1)  # (B, T, W)
        z = self.norms[1](y)
        y = y + self.attention(z, z, parts.real[:, None, :, 0])
        y = y + self.dense2(self.dropout(functional.silu(self.dense1(self.norms[2](y)))))
        return x + self.dropout(self.output(y).flatten(0, 1)[parts.owner])  # type: ignore[no-any-return]


class Tokens(NamedTuple):
    """Hits that lie in the same cell of a grid."""

    owner: Tensor
    """(H,) int64, token of each hit."""
    size: Tensor
    """(T, 1) float32, hits of each token."""
    event: Tensor
    """(T,)."""

    def mean(self, rows: Tensor) -> Tensor:
        """Means over the hits of each token, (H, W) to (T, W) float32."""
        rows = rows.float()
        return rows.new_zeros(len(self.size), rows.shape[1]).index_add(0, self.owner, rows) / self.size


def tokens(place: Tensor, event: Tensor, cell: Sequence[float]) -> Tokens:
    """Put the hits of each event into cells of a grid, of which those with hits are tokens.

    Args:
        place: (H, 3).
        event: (H,).
        cell: Sides of a cell, in the units of ``place``.
    """
    with torch.no_grad():
        number = (place / torch.tensor(cell, device=place.device)).floor().long()
        number = number - number.amin(0)
        key = event.long()
        for axis, most in enumerate((number.amax(0) + 1).tolist()):
            key = key * most + number[:, axis]
        owner, count = torch.unique(key, return_inverse=True, return_counts=True)[1:]
        own = torch.empty(len(count), dtype=event.dtype, device=event.device).scatter_(0, owner, event)
        return Tokens(owner, count[:, None].float(), own)


class Return(nn.Module):
    """Hits take what their token learned, and a dense part, normalised first and beside a shortcut."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.down = linear(width, width, gain=1.0)
        self.dense1, self.dense2 = linear(width, hidden, gain=2.0), linear(hidden, width, gain=1.0)

    def forward(self, x: Tensor, found: Tensor, parts: Tokens) -> Tensor:
        """Hits (H, W), tokens (T, W), to (H, W)."""
        x = x + self.down(self.norm1(found)).index_select(0, parts.owner)
        return x + self.dense2(functional.silu(self.dense1(self.norm2(x))))  # type: ignore[no-any-return]


class ShowerEncoder(nn.Module):
    """Features of hits that know of the hits around them and, roughly, of the whole event.

    Args:
        features: Of a hit, F.
        width: W.
        cell: Sides of the cells whose hits attend as one token, in the units of place; None: each hit by itself.
        blocks: Blocks of attention and dense layers.
        heads: Attention heads; ``width`` must be a multiple.
        block: Hits that share a window.
        reach: Hits before and behind these that the window holds too.
        orders: Curves that hits are sorted along, block after block, see ``CURVES``.
        pool: Hits of the groups that see the whole event, 0 for no groups.
        layers: Layers that are known apart.
        embedding: Length of the learned vector of a layer.
        waves: Octaves of sine and cosine of each coordinate of the place.
        expansion: Hidden units of a block's dense part over ``width``.
        dropout: Share of features dropped behind attention and dense part.
    """

    def __init__(
        self,
        features: int,
        *,
        width: int = 64,
        cell: Sequence[float] | None = None,
        blocks: int = 4,
        heads: int = 4,
        block: int = 32,
        reach: int = 16,
        orders: Sequence[str] = CURVES,
        pool: int = 16,
        layers: int = 64,
        embedding: int = 8,
        waves: int = 5,
        expansion: float = 2.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.width, self.hidden = width, max(1, round(width * expansion))
        self.cell, self.block, self.reach, self.pool, self.layers = cell, block, reach, pool, layers
        self.orders = [orders[i % len(orders)] for i in range(blocks)]
        self.norm, self.norm_place = InputNorm(features), InputNorm(3)
        self.layer = nn.Embedding(layers, embedding)
        self.scales: Tensor
        self.register_buffer("scales", 2.0 ** torch.arange(1, waves + 1), persistent=False)
        self.first = linear(features + 3 * (1 + 2 * waves) + embedding, width, gain=1.0)
        size = (width, heads, self.hidden, dropout)
        self.blocks = nn.ModuleList([NearBlock(*size) for _ in range(blocks)])
        self.groups = nn.ModuleList([GroupBlock(*size) for _ in range(blocks // 2 if pool else 0)])
        self.back = Return(width, self.hidden) if cell else None
        self.last = nn.LayerNorm(width)

    def forward(self, nodes: Tensor, place: Tensor, layer: Tensor, event: Tensor) -> Tensor:
        """Features (H, F), places (H, 3), layers and events (H,) to (H, W) float32."""
        raw = place
        with torch.autocast(nodes.device.type, enabled=False):
            if len(nodes):  # an empty batch has no mean
                nodes, place = self.norm(nodes), self.norm_place(place)
            angle = (place[:, :, None] * self.scales).flatten(1)  # (H, 3 * waves)
            level = self.layer(layer.long().clamp(max=self.layers - 1))
            x = self.first(torch.cat([nodes, place, angle.sin(), angle.cos(), level], dim=1))
        if not len(nodes):
            return self.last(x)  # type: ignore[no-any-return]
        if self.back is None or self.cell is None:
            x = self._blocks(x, place, event)
        else:
            parts = tokens(raw, event, self.cell)
            x = self.back(x, self._blocks(parts.mean(x), parts.mean(place), parts.event), parts)
        with torch.autocast(nodes.device.type, enabled=False):
            return self.last(x.float())  # type: ignore[no-any-return]

    def _blocks(self, x: Tensor, place: Tensor, event: Tensor) -> Tensor:
        """Attention of hits or tokens (H, W) in windows and between groups, to (H, W)."""
        near = {order: near_hits(place, event, order, self.block, self.reach) for order in dict.fromkeys(self.orders)}
        parts = hit_groups(place, event, self.pool) if self.pool else None
        for i, block in enumerate(self.blocks):
            x = block(x, near[self.orders[i]])
            if parts is not None and i % 2:
                x = self.groups[i // 2](x, parts)
        return x
