"""Space-filling curves: orders of places in which what follows each other lies near each other, in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor


def hilbert(x: Tensor, y: Tensor, bits: int) -> Tensor:
    """Return how far along Hilbert's curve through a square of 2^bits x 2^bits cells each cell lies, (H,) int64.

    The curve begins in the cell (0, 0) and ends in (2^bits - 1, 0); consecutive cells share a side. From the largest
    quadrant to the smallest: its number along the curve is added, and the cell is turned as the curve in it is (D.
    Hilbert, Math. Ann. 38 (1891) 459).

    Args:
        x: (H,) int64 from 0 to 2^bits - 1.
        y: (H,) likewise.
        bits: Halvings of the square.
    """
    length = torch.zeros_like(x)
    for bit in range(bits - 1, -1, -1):
        right, up = (x >> bit) & 1, (y >> bit) & 1
        length = length + ((3 * right) ^ up) * 4**bit
        mirror = (right == 1) & (up == 0)
        x, y = torch.where(mirror, ~x, x), torch.where(mirror, ~y, y)  # the bits below count
        x, y = torch.where(up == 0, y, x), torch.where(up == 0, x, y)
    return length


def cells(value: Tensor, event: Tensor, bits: int) -> Tensor:
    """Cut the range of a coordinate in each event into 2^bits cells, and return the cell of each hit, (H,) int64.

    Args:
        value: (H,).
        event: (H,) number of each hit's event.
        bits: Halvings of the range.
    """
    number = event.long()
    if not len(number):
        return number
    shape = (int(number.max()) + 1,)
    low = value.new_zeros(shape).scatter_reduce(0, number, value, "amin", include_self=False)
    high = value.new_zeros(shape).scatter_reduce(0, number, value, "amax", include_self=False)
    share = (value - low[number]) / (high - low).clamp(min=1e-6)[number]
    cell: Tensor = (share * 2**bits).long().clamp(0, 2**bits - 1)
    return cell


def along_curve(place: Tensor, axes: tuple[int, int], event: Tensor, bits: int = 10) -> Tensor:
    """Return the rank of each hit along Hilbert's curve through two of its coordinates, (H,) int64, unique in a batch.

    Hits in one cell follow each other by the third coordinate.

    Args:
        place: (H, 3).
        axes: The two coordinates.
        event: (H,) number of each hit's event: the curve fills the range of each event.
        bits: Halvings of the ranges.
    """
    with torch.no_grad():
        first, second = (cells(place[:, axis], event, bits) for axis in axes)
        order = torch.sort(place[:, 3 - sum(axes)], stable=True).indices
        order = order[torch.sort(hilbert(first, second, bits)[order], stable=True).indices]
        rank = torch.empty_like(order)
        rank[order] = torch.arange(len(order), device=order.device)
        return rank
