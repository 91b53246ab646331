"""Flat hits of several events side by side: where each stands when the events are padded, in PyTorch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Padding(NamedTuple):
    """Flat hits (H, ...) as rows of B events, each padded to the N hits of the fullest."""

    hits: Tensor
    """(B, N) int64, hit of each place; 0 where there is none."""
    real: Tensor
    """(B, N) bool, whether there is one."""
    slots: Tensor
    """(H,) int64, place of each hit in the flat (B * N)."""

    def pad(self, rows: Tensor) -> Tensor:
        """Bring rows of hits (H, ...) to (B, N, ...), zero where there is no hit."""
        if not len(rows):
            return rows.new_zeros((*self.hits.shape, *rows.shape[1:]))
        real = self.real.view(*self.real.shape, *[1] * (rows.ndim - 1))
        return torch.where(real, rows[self.hits], torch.zeros((), dtype=rows.dtype, device=rows.device))

    def flat(self, rows: Tensor) -> Tensor:
        """Bring (B, N, ...) back to (H, ...)."""
        return rows.flatten(0, 1)[self.slots]


def padding(event: Tensor, events: int | None = None) -> Padding:
    """Say where the hits of a batch stand when its events are padded.

    Args:
        event: (H,) number of each hit's event, in any order.
        events: Number of events, B; without it as many as the largest number asks for.
    """
    number = event.long()
    count = torch.bincount(number, minlength=events or 0)  # (B,)
    most = int(count.max()) if len(count) else 0
    order = torch.sort(number, stable=True).indices  # (H,)
    start = count.cumsum(0) - count
    owner = number[order]
    slots = torch.empty_like(order)
    slots[order] = owner * most + torch.arange(len(order), device=event.device) - start[owner]
    inside = torch.arange(most, device=event.device)
    real = inside < count[:, None]  # (B, N)
    hits = torch.zeros_like(real, dtype=torch.int64)
    hits[real] = order
    return Padding(hits, real, slots)
