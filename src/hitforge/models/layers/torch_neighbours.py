"""Neighbours of points in PyTorch: search in a learned space, gathering, and the maximum over neighbours.

Tables of neighbours are rows of the flat points (B * P): ``index`` (N, K) with N = B * P, so that gathering is one
``index_select`` and no shape depends on the data.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_LOW = 1 << 16  # values of the lower half of a float32


def flat_index(neighbours: Tensor) -> Tensor:
    """Turn indices within each event, (B, P, K), into rows of the flat points, (B * P, K) int64."""
    batch, points, count = neighbours.shape
    first = torch.arange(batch, device=neighbours.device) * points  # (B,)
    return (neighbours.long() + first[:, None, None]).reshape(batch * points, count)


@torch.no_grad()
def nearest_points(space: Tensor, real: Tensor, count: int) -> Tensor:
    """Find the nearest other real points of each point.

    Args:
        space: Coordinates (B, P, S).
        real: (B, P, 1) bool.
        count: Neighbours of a point, K.

    Returns:
        Rows of the flat points (B * P, K) int64; a point that has fewer than K others, and each point that is not real,
        repeats itself in the places that are left.
    """
    batch, points, _ = space.shape
    with torch.autocast(space.device.type, enabled=False):  # differences of squares need float32
        space = torch.where(real, space.detach().float(), 0.0)
        space = space - space.sum(1, keepdim=True) / real.sum(1, keepdim=True).clamp(min=1)
        square = space.square().sum(2)  # (B, P)
        far = torch.where(real[..., 0], 0.5 * square, torch.inf)[:, None, :]  # (B, 1, P)
        # half the squared distance less half the square of the searching point, which changes no order
        distance = torch.baddbmm(far, space, space.mT, alpha=-1)  # (B, P, P)
    distance.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    found = min(count, points)
    distance, index = distance.topk(found, dim=2, largest=False, sorted=False)  # (B, P, found)
    own = torch.arange(points, device=space.device)[:, None]  # (P, 1)
    index = torch.where(distance.isfinite() & real, index, own)
    if found < count:
        index = torch.cat([index, own.expand(batch, points, count - found)], dim=2)
    return flat_index(index)


def others(index: Tensor) -> Tensor:
    """Tell which entries of a table (N, K) are other points, not the point itself that fills free places."""
    return index != torch.arange(len(index), device=index.device)[:, None]


def gather(x: Tensor, index: Tensor) -> Tensor:
    """Features (N, W) of the neighbours (N, K): (N, K, W)."""
    return x.index_select(0, index.reshape(-1)).view(*index.shape, x.shape[1])


def gather_max(x: Tensor, index: Tensor, points: int) -> Tensor:
    """Largest feature among the neighbours: (N, W) and (N, K) to (N, W), with P ``points`` an event."""
    if x.dtype == torch.bfloat16 and points <= _LOW and x.requires_grad and torch.is_grad_enabled():
        return _GatherMax.apply(x, index, points)  # type: ignore[no-untyped-call, no-any-return]
    return gather(x, index).amax(1)


def weighted_sum(x: Tensor, weights: Tensor) -> Tensor:
    """Sum over neighbours with weights, head by head.

    Args:
        x: Features (N, K, W), W a multiple of the heads.
        weights: (N, H, K), each head's for its share of the features.

    Returns:
        (N, W).
    """
    rows, heads, _ = weights.shape
    # all heads weigh all features, and each keeps its own: less work on a CPU than a small product for each head
    summed = torch.bmm(weights.to(x.dtype), x)  # (N, H, W)
    if heads == 1:
        return summed[:, 0]
    return summed.view(rows, heads, heads, -1).diagonal(dim1=1, dim2=2).mT.reshape(rows, -1)


class _GatherMax(torch.autograd.Function):
    """Gathers, and sends the gradient to the largest feature only, without any (N, K, W) in memory.

    A bf16 number fills the upper half of a float32. The lower half carries the point's index within its event, so the
    largest float32 says from which point it came. Four times as fast as the gradient that PyTorch derives on a CPU.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, points: int) -> Tensor:
        row = torch.arange(len(x), device=x.device, dtype=torch.int32)[:, None]  # (N, 1)
        label = row % points
        tagged = (x.float().view(torch.int32) | label).view(torch.float32)  # (N, W)
        best = tagged.index_select(0, index[:, 0])
        for k in range(1, index.shape[1]):
            torch.maximum(best, tagged.index_select(0, index[:, k]), out=best)
        bits = best.view(torch.int32)
        ctx.save_for_backward((bits & (_LOW - 1)) + (row - label))
        return (bits & -_LOW).view(torch.float32).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (row,), (gradient,) = ctx.saved_tensors, gradients
        return torch.zeros_like(gradient).scatter_add_(0, row.long(), gradient), None, None
