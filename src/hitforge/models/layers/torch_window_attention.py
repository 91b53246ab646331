"""Self-attention of hits to those near them in an order, with overlapping blocks, in PyTorch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.layers.torch_dense import dense


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


def rotated(x: Tensor, angle: Tensor) -> Tensor:
    """Turn pairs of features, (..., 2 A), by angles, (..., A): products then depend on differences of the angles.

    Rotary position encoding (Su et al., arXiv 2104.09864), with coordinates of hits in place of positions in a text.
    """
    one, other = x.chunk(2, dim=-1)
    cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    return torch.cat([one * cosine - other * sine, one * sine + other * cosine], dim=-1)


class WindowAttention(nn.Module):
    """Attention of several heads within windows (arXiv 1706.03762; windows over sorted hits as in arXiv 2411.07149).

    Args:
        width: Features of a hit.
        heads: Attention heads; ``width / heads`` must be even.
        angles: Coordinates of a hit that queries and keys are turned by, 0 for none.
    """

    def __init__(self, width: int, heads: int, angles: int = 0) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value, self.output = dense(width, 3 * width, gain=1.0), dense(width, width, gain=1.0)
        self.turn: nn.Parameter | None = None
        if angles:  # from waves as long as the detector to short ones
            scale = 2.0 ** torch.linspace(-1, 5, width // heads // 2)
            self.turn = nn.Parameter(torch.randn(angles, heads, len(scale)) * scale)

    def forward(self, x: Tensor, near: Windows, place: Tensor | None = None) -> Tensor:
        """Hits (H, W), with coordinates (H, A) where the layer takes them, to (H, W)."""
        parts = self.query_key_value(x).view(len(x), 3, self.heads, -1)  # (H, 3, heads, W / heads)
        query, key, value = parts.unbind(1)
        if self.turn is not None and place is not None:
            angle = torch.einsum("ha,akw->hkw", place.float(), self.turn.float())  # (H, heads, W / heads / 2)
            query, key = rotated(query, angle), rotated(key, angle)
        y = functional.scaled_dot_product_attention(
            query[near.queries].transpose(1, 2),  # (N, heads, B, W / heads)
            key[near.keys].transpose(1, 2),
            value[near.keys].transpose(1, 2),
            attn_mask=near.seen[:, None, None],
        )
        return self.output(y.transpose(1, 2).flatten(0, 1)[near.slots].flatten(1))  # type: ignore[no-any-return]


class WindowBlock(nn.Module):
    """Window attention and a dense part, each normalised first and beside a shortcut."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, angles: int) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), WindowAttention(width, heads, angles)
        self.norm2, self.dense1, self.dense2 = (
            nn.LayerNorm(width),
            dense(width, hidden, gain=2.0),
            dense(hidden, width, gain=1.0),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, near: Windows, place: Tensor | None = None) -> Tensor:
        """(H, W) to the same shape."""
        x = x + self.dropout(self.attention(self.norm1(x), near, place))
        y = self.dense2(self.dropout(functional.silu(self.dense1(self.norm2(x)))))
        return x + self.dropout(y)  # type: ignore[no-any-return]
