"""Boxes in any number of dimensions D in PyTorch: overlaps, anchors, suppression, features of regions.

A box is a row (low..., high...) of 2 D numbers in units of cells, where cell i spans [i, i + 1).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

_BLOCK = 192  # boxes that are compared with each other at once in a suppression
_GROWTH = 3.0  # largest logarithm of a box's side over its anchor's


def sides(boxes: Tensor) -> Tensor:
    """Return the lengths of boxes, (..., 2 D) to (..., D)."""
    low, high = boxes.chunk(2, dim=-1)
    return high - low


def _centres(boxes: Tensor) -> Tensor:
    low, high = boxes.chunk(2, dim=-1)
    return 0.5 * (low + high)


def box_overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Return the intersection over union of all pairs of boxes, (..., N, 2 D) and (..., M, 2 D) to (..., N, M).

    A pair without volume, or with a negative side, has 0.
    """
    dimensions = first.shape[-1] // 2
    shared: Tensor | float = 1.0
    for axis in range(dimensions):
        high = torch.minimum(first[..., :, None, dimensions + axis], second[..., None, :, dimensions + axis])
        low = torch.maximum(first[..., :, None, axis], second[..., None, :, axis])
        shared = shared * (high - low).clamp(min=0.0)
    volumes = [sides(boxes).clamp(min=0.0).prod(-1) for boxes in (first, second)]
    union = volumes[0][..., :, None] + volumes[1][..., None, :] - shared
    return shared / union.clamp(min=1e-9)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Return boxes relative to anchors, (..., 2 D): shift of the centre in sides of the anchor, logarithm of the sides.

    These are the numbers of Girshick et al., arXiv 1311.2524, in D dimensions. Sides below 1e-3 count as 1e-3.
    """
    side, unit = sides(boxes).clamp(min=1e-3), sides(anchors).clamp(min=1e-3)
    shift = (_centres(boxes) - _centres(anchors)) / unit
    return torch.cat([shift, (side / unit).log()], dim=-1)


def decode(values: Tensor, anchors: Tensor) -> Tensor:
    """Return the boxes that ``encode`` made the values of, (..., 2 D); a side grows or shrinks by exp(3) at most."""
    unit = sides(anchors).clamp(min=1e-3)
    shift, growth = values.chunk(2, dim=-1)
    centre = _centres(anchors) + shift * unit
    half = 0.5 * unit * growth.clamp(-_GROWTH, _GROWTH).exp()
    return torch.cat([centre - half, centre + half], dim=-1)


def clip(boxes: Tensor, shape: Sequence[int]) -> Tensor:
    """Return what of boxes (..., 2 D) lies within a map of this shape; boxes outside get a side of 0."""
    edges = boxes.new_tensor(list(shape) * 2)
    return torch.minimum(boxes.clamp(min=0.0), edges)


def enlarged(boxes: Tensor, factor: float) -> Tensor:
    """Return boxes (..., 2 D) with sides ``factor`` times as long and the same centres."""
    extra = 0.5 * (factor - 1.0) * sides(boxes)
    return boxes + torch.cat([-extra, extra], dim=-1)


def grid_anchors(shape: Sequence[int], stride: Sequence[float], sizes: Tensor) -> Tensor:
    """Return anchors of all sizes at the centre of each cell of a map, (cells x K, 2 D), the size moving fastest.

    Args:
        shape: Cells of the map along each axis.
        stride: Sides of its cells, in cells of the input.
        sizes: Sides of the anchors, (K, D), in cells of the input.
    """
    axes = [(torch.arange(n, device=sizes.device) + 0.5) * s for n, s in zip(shape, stride, strict=True)]
    centre = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 1, len(axes))  # (cells, 1, D)
    return torch.cat([centre - 0.5 * sizes, centre + 0.5 * sizes], dim=-1).reshape(-1, 2 * len(axes))


def suppress(boxes: Tensor, scores: Tensor, limit: float, max_boxes: int) -> tuple[Tensor, Tensor]:
    """Keep the best box, drop all that overlap it by more than ``limit``, and so on: greedy non-maximum suppression.

    The sorted boxes are taken in blocks. Within a block, the greedy choice is the only solution of "a box is kept if no
    better one that is kept overlaps it", which repeated substitution reaches from any start; in most cases a few times
    do. What is kept then drops boxes of the blocks behind. Of equal scores, the earlier row is the better one.

    Args:
        boxes: (B, N, 2 D), each of the B lists by itself.
        scores: (B, N); boxes with minus infinity are left out.
        limit: Intersection over union.
        max_boxes: Boxes that are kept at most.

    Returns:
        Rows of the kept boxes from the best on, (B, max_boxes) int64, and which of these are real, (B, max_boxes) bool;
        a row that is not real is 0.
    """
    batch = scores.shape[0]
    order = scores.argsort(dim=1, descending=True, stable=True)
    alive = scores.gather(1, order) > -torch.inf  # (B, n)
    boxes = _rows(boxes, order)
    found = order.new_zeros(batch, max_boxes + 1)  # the last column takes what is too much
    count = order.new_zeros(batch, 1)
    while alive.shape[1] and bool((alive.any(1) & (count[:, 0] < max_boxes)).any()):
        head, rest = boxes[:, :_BLOCK], boxes[:, _BLOCK:]
        keep = _kept(box_overlaps(head, head) > limit, alive[:, :_BLOCK])  # (B, k)
        place = torch.where(keep, (count + keep.cumsum(1) - 1).clamp(max=max_boxes), max_boxes)
        found.scatter_(1, place, order[:, :_BLOCK])
        count = count + keep.sum(1, keepdim=True)
        first = _first(keep)
        covers = (box_overlaps(_rows(head, first), rest) > limit) & keep.gather(1, first)[:, :, None]  # (B, f, n - k)
        alive = alive[:, _BLOCK:] & ~covers.any(1)
        left = _first(alive)
        boxes, order, alive = _rows(rest, left), order[:, _BLOCK:].gather(1, left), alive.gather(1, left)
    real = torch.arange(max_boxes, device=count.device) < count
    return torch.where(real, found[:, :max_boxes], 0), real


def _rows(boxes: Tensor, index: Tensor) -> Tensor:
    """Rows (B, K) of boxes (B, N, 2 D)."""
    return boxes.gather(1, index[..., None].expand(-1, -1, boxes.shape[-1]))


def _first(flags: Tensor) -> Tensor:
    """Columns with the true ones first in their order, (B, K), K that of the row with the most."""
    return flags.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, : int(flags.sum(1).max())]


def _kept(covers: Tensor, alive: Tensor) -> Tensor:
    """Greedy choice of sorted boxes, (B, k) bool; covers (B, k, k): the first is too near to the second."""
    covers = covers.triu(1)
    keep = alive
    while True:
        now = alive & ~(covers & keep[:, :, None]).any(1)
        if torch.equal(now, keep):
            return keep
        keep = now


def align(maps: Tensor, boxes: Tensor, bins: int, samples: int = 2) -> Tensor:
    """Return features of regions: the mean of interpolated points in each bin (RoI align, He et al., arXiv 1703.06870).

    Points stand evenly, ``samples`` along each axis of a bin. Interpolation is linear between centres of cells; beyond
    the outermost centres the map goes on as it is there. Since a mean of products over a grid of points is a product of
    means along the axes, each axis is one product of matrices. Gradients reach the maps and the boxes.

    Args:
        maps: (B, C, *S) with D axes S.
        boxes: (B, R, 2 D) in cells of the map.
        bins: Along each axis.
        samples: Points along each axis of a bin.

    Returns:
        (B, R, C, bins, ...) with D axes of bins.
    """
    dimensions = maps.ndim - 2
    low, high = boxes.chunk(2, dim=-1)
    weights = [
        _hats(low[..., axis], high[..., axis], size, bins, samples).to(maps.dtype)  # (B, R, bins, S)
        for axis, size in enumerate(maps.shape[2:])
    ]
    # the last axis, for all regions at once: its bins stand before the channels, which spares copies
    rows = maps.flatten(1, -2).transpose(1, 2)  # (B, S, C x other axes)
    x = torch.bmm(weights[-1].flatten(1, 2), rows).view(*weights[-1].shape[:3], *maps.shape[1:-1])
    if dimensions > 1:
        shape = (*x.shape[:-1], bins)
        x = torch.matmul(x.flatten(2, -2), weights[-2].transpose(2, 3)).view(shape)
    for axis in reversed(range(dimensions - 2)):
        before, behind = x.shape[: 4 + axis], x.shape[5 + axis :]
        part = x.reshape(*x.shape[:2], -1, maps.shape[2 + axis], bins ** len(behind))
        x = torch.matmul(weights[axis][:, :, None], part).view(*before, bins, *behind)
    return x.movedim(2, -1)


def _hats(low: Tensor, high: Tensor, size: int, bins: int, samples: int) -> Tensor:
    """Weights of the cells of one axis in the mean of each bin, (B, R) to (B, R, bins, size)."""
    step = (torch.arange(bins * samples, device=low.device, dtype=low.dtype) + 0.5) / (bins * samples)
    point = (low[..., None] + (high - low)[..., None] * step - 0.5).clamp(0.0, size - 1.0)  # (B, R, points)
    cells = torch.arange(size, device=low.device)
    hat = (1.0 - (point[..., None] - cells).abs()).clamp(min=0.0)  # (B, R, points, size)
    return hat.view(*low.shape, bins, samples, size).mean(3)


def interpolate(maps: Tensor, boxes: Tensor, region: Tensor, place: Tensor) -> Tensor:
    """Return the values of maps that are spanned over boxes at places, linear between centres of bins, (P,).

    Args:
        maps: (R, m, ...) with D axes.
        boxes: (R, 2 D), what each map spans.
        region: Map of each place, (P,) int64.
        place: (P, D); beyond the outermost centres a map goes on as it is there.
    """
    bins = maps.shape[1]
    low, high = boxes[region].chunk(2, dim=-1)
    at = ((place - low) / (high - low).clamp(min=1e-3) * bins - 0.5).clamp(0.0, bins - 1.0)  # (P, D)
    floor = at.detach().floor().clamp(max=max(bins - 2, 0))
    share, below = at - floor, floor.long()
    total = torch.zeros_like(share[:, 0])
    flat = maps.flatten()
    for corner in itertools.product((0, 1), repeat=maps.ndim - 1):
        weight, index = torch.ones_like(total), region
        for axis, side in enumerate(corner):
            weight = weight * (share[:, axis] if side else 1.0 - share[:, axis])
            index = index * bins + (below[:, axis] + side).clamp(max=bins - 1)
        total = total + weight * flat.index_select(0, index)
    return total
