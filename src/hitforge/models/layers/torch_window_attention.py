"""Self-attention of hits to those near them in an order, with overlapping blocks, in PyTorch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.layers.torch_dense import dense

_PAIR = 7  # features of a pair of hits
_STEP = 0.01  # differences in r and z below this are none, in the units of the places


class Windows(NamedTuple):
    """Which hits attend to which: N blocks of B hits that follow each other, K that these see."""

    queries: Tensor
    """(N, B) int64, hits of a block; the last block of an event is filled up with its last hit."""
    keys: Tensor
    """(N, K) int64, hits that are seen: the block's and those up to a reach before and behind."""
    seen: Tensor
    """(N, K) bool; where False, a hit stands a second time in a small event."""
    slots: Tensor
    """(H,) int64, place of each hit in the flat queries."""
    pairs: Tensor | None = None
    """(N, B, K, 7) float32, what the places of a query and a key say, where attention is to see it."""


def windows(value: Tensor, event: Tensor, block: int, reach: int, *, periodic: bool) -> Windows:
    """Sort the hits of each event by a value and cut them into blocks.

    Args:
        value: (H,) by which hits are sorted.
        event: (H,) number of the event in the batch.
        block: Hits of a block, B.
        reach: Hits before and behind a block that it sees too; K = B + 2 * reach.
        periodic: The first hit follows the last, as in an angle; else windows at the ends are shifted inwards.
    """
    order = torch.sort(value, stable=True).indices  # (H,)
    order = order[torch.sort(event[order], stable=True).indices]
    count = torch.bincount(event.long())  # (events,)
    start = count.cumsum(0) - count
    blocks = (count + block - 1) // block
    owner = torch.repeat_interleave(torch.arange(len(count), device=event.device), blocks)  # (N,)
    first = blocks.cumsum(0) - blocks
    begin = (torch.arange(len(owner), device=event.device) - first[owner]) * block  # (N,) first hit, in the event
    most = count[owner][:, None]  # (N, 1)
    inside = torch.arange(block, device=event.device)
    queries = torch.minimum(begin[:, None] + inside, most - 1)  # (N, B)
    window = torch.arange(block + 2 * reach, device=event.device)
    left = begin[:, None] - reach  # (N, 1)
    if not periodic:
        left = torch.minimum(left, most - len(window)).clamp(min=0)
    small = most < len(window)
    keys = torch.where(small, window, left + window) % most  # (N, K)
    rank = torch.arange(len(order), device=event.device) - start[event[order].long()]  # (H,) place in its event
    slots = torch.empty_like(order)
    slots[order] = (first[event[order].long()] + rank // block) * block + rank % block
    offset = start[owner][:, None]
    return Windows(order[offset + queries], order[offset + keys], ~small | (window < most), slots)


def _fine(x: Tensor) -> Tensor:
    """Signed and about logarithmic: small differences stay visible beside large ones."""
    return torch.asinh(100.0 * x) / 5.0


def pair_features(place: Tensor, near: Windows) -> Tensor:
    """Return what the places of two hits say about a track through both, (N, B, K, 7).

    These are the difference in phi (its sine and cosine), the sine over the differences in r and in z (bending), the z
    at which their line meets r = 0, and the differences in r and in asinh(z / r); all but the cosine are stretched
    around 0.

    Args:
        place: cos(phi), sin(phi), r and z of hits, (H, 4).
        near: Windows.
    """
    with torch.no_grad():
        one, other = place[near.queries][:, :, None].unbind(-1), place[near.keys][:, None].unbind(-1)
        (cos1, sin1, r1, z1), (cos2, sin2, r2, z2) = one, other
        turn, across, along = sin2 * cos1 - cos2 * sin1, r2 - r1, z2 - z1  # (N, B, K)
        over_r, over_z = (x / (x.square() + _STEP**2) for x in (across, along))
        slope = torch.asinh(z2 / r2.clamp(min=_STEP)) - torch.asinh(z1 / r1.clamp(min=_STEP))
        numbers = torch.stack([turn, turn * over_r, turn * over_z, z1 - r1 * along * over_r, across, slope], dim=-1)
        stretched = torch.asinh(100.0 * numbers) / 5.0  # small differences stay visible beside large ones
        return torch.cat([stretched, (cos2 * cos1 + sin2 * sin1)[..., None]], dim=-1)


class PairBias(nn.Module):
    """A number for each head that is added to the attention between two hits (as in Qu et al., arXiv 2202.03772)."""

    def __init__(self, heads: int, hidden: int) -> None:
        super().__init__()
        self.hidden = dense(_PAIR, hidden, gain=2.0)
        self.output = dense(hidden, heads, gain=1.0, bias=False)  # a constant changes no share

    def forward(self, pairs: Tensor) -> Tensor:
        """Features of pairs (N, B, K, 7) to (N, heads, B, K)."""
        return self.output(torch.relu(self.hidden(pairs))).permute(0, 3, 1, 2)  # type: ignore[no-any-return]


class WindowAttention(nn.Module):
    """Attention of several heads within windows (arXiv 1706.03762; windows over sorted hits as in arXiv 2411.07149).

    Args:
        width: Features of a hit.
        heads: Attention heads.
        pairs: Hidden units of the network that looks at pairs of places, 0 for none.
    """

    def __init__(self, width: int, heads: int, pairs: int = 0) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value, self.output = dense(width, 3 * width, gain=1.0), dense(width, width, gain=1.0)
        self.bias = PairBias(heads, pairs) if pairs else None

    def forward(self, x: Tensor, near: Windows) -> Tensor:
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

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, pairs: int) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), WindowAttention(width, heads, pairs)
        self.norm2, self.dense1, self.dense2 = (
            nn.LayerNorm(width),
            dense(width, hidden, gain=2.0),
            dense(hidden, width, gain=1.0),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, near: Windows) -> Tensor:
        """Hits (H, W) to (H, W); with ``pairs`` the windows must hold their features."""
        x = x + self.dropout(self.attention(self.norm1(x), near))
        y = self.dense2(self.dropout(functional.silu(self.dense1(self.norm2(x)))))
        return x + self.dropout(y)  # type: ignore[no-any-return]
