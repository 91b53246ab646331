"""Which hits attend to which: overlapping windows of hits in an order, in PyTorch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class HitWindows(NamedTuple):
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
    """(N, B, K, F) float32, what the places of a query and a key say, where attention is to see it."""


def windows(value: Tensor, event: Tensor, block: int, reach: int, *, periodic: bool) -> HitWindows:
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
    return HitWindows(order[offset + queries], order[offset + keys], ~small | (window < most), slots)
