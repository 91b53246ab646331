"""Regions beside the truth: which box stands for which particle, which of them are learned from, and their hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hitforge.core.errors import ConfigError
from hitforge.objects.shower.truth import ShowerTruth

if TYPE_CHECKING:
    import torch

_VIEWS = {4: ((0, 1), (0, 2)), 6: ((0, 1, 2),)}
_TOUCH = 0.05  # overlap below which a particle's best anchor does not stand for it


def views(boxes: Any) -> tuple[tuple[int, ...], ...]:
    """Return the coordinates (0 depth, 1 u, 2 v) along the axes of each view of an event, from boxes (..., 2 D).

    Raises:
        ConfigError: The boxes have neither 2 nor 3 axes.
    """
    if boxes.shape[-1] not in _VIEWS:
        raise ConfigError(
            "regions must have 2 axes, in two views of an event, or 3",
            came=f"boxes of {boxes.shape[-1]} numbers",
            do="use the model 'two_stage_detector' or 'mask_rcnn'",
        )
    return _VIEWS[boxes.shape[-1]]


class RegionTruth(NamedTuple):
    """Particles of the N views of a batch, behind each other event by event, at most M in each."""

    boxes: torch.Tensor
    """(N, M, 2 D)."""
    real: torch.Tensor
    """(N, M) bool."""
    kind: torch.Tensor
    """(N, M) int64."""
    weight: torch.Tensor
    """(N, M)."""
    energy: torch.Tensor
    """(N, M) [GeV]."""
    deposited: torch.Tensor
    """(N, M) [GeV]."""


def region_truth(truth: ShowerTruth, axes: tuple[tuple[int, ...], ...]) -> RegionTruth:
    """Return the particles of each event as each of its views shows them; at least one column, real or not."""
    import torch
    from torch.nn import functional

    if truth.objects.shape[1] == 0:
        truth = truth._replace(objects=functional.pad(truth.objects, (0, 0, 0, 1)))
    boxes = torch.stack([truth.boxes[..., [*axis, *(3 + a for a in axis)]] for axis in axes], dim=1).flatten(0, 1)
    p, count = truth.particles, len(axes)
    real, kind, weight, energy, deposited = (
        column.repeat_interleave(count, 0) for column in (p.real > 0, p.kind.long(), p.weight, p.energy, p.deposited)
    )
    return RegionTruth(boxes, real, kind, weight, energy, deposited)


class Matched(NamedTuple):
    """What boxes (N, A) stand for."""

    particle: torch.Tensor
    """(N, A) int64, column of ``RegionTruth``."""
    positive: torch.Tensor
    """(N, A) bool, it stands for the particle."""
    negative: torch.Tensor
    """(N, A) bool, it stands for none."""


def match_boxes(boxes: torch.Tensor, particles: RegionTruth, fore: float, back: float, *, every: bool) -> Matched:
    """Match boxes with the particles that they overlap the most.

    Args:
        boxes: (N, A, 2 D) or (A, 2 D).
        particles: Of the N views.
        fore: Overlap from which on a box stands for the particle.
        back: Overlap below which it stands for none.
        every: A particle's best box stands for it even below ``fore``.
    """
    import torch

    from hitforge.models.layers.torch_boxes import box_overlaps

    iou = box_overlaps(particles.boxes, boxes) * particles.real[:, :, None]  # (N, M, A)
    best, particle = iou.max(1)
    positive = best >= fore
    if every:
        top = iou.amax(2, keepdim=True)
        chosen, by = ((iou >= top - 1e-6) & (top > _TOUCH)).to(torch.uint8).max(1)
        particle = torch.where(chosen > 0, by, particle)
        positive = positive | (chosen > 0)
    return Matched(particle, positive, ~positive & (best < back))


def drawn(match: Matched, count: int, share: float, *, random: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which positive and negative boxes of each row are learned from, both (N, A) bool.

    Args:
        match: What the boxes stand for.
        count: Boxes of a row, at most.
        share: Part of them that may be positive; negative ones fill the rest.
        random: Draw with PyTorch's random numbers, else spread evenly.
    """
    import torch

    def some(flags: torch.Tensor, limit: torch.Tensor) -> torch.Tensor:
        if random:
            key = torch.rand(flags.shape, device=flags.device)
        else:
            key = (torch.arange(flags.shape[1], device=flags.device) * 0.6180339887 % 1.0).expand_as(flags)
        rank = key.masked_fill(~flags, 2.0).argsort(dim=1, stable=True).argsort(dim=1)
        return flags & (rank < limit)

    few = torch.full((len(match.positive), 1), max(1, int(count * share)), device=match.positive.device)
    positive = some(match.positive, few)
    negative = some(match.negative, count - positive.sum(1, keepdim=True))
    return positive, negative


def hits_in_frames(
    frames: torch.Tensor, row: torch.Tensor, truth: ShowerTruth, axes: tuple[tuple[int, ...], ...]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return pairs of frames and the hits of their event that lie in them.

    Args:
        frames: (P, 2 D).
        row: View of each frame, (P,) int64, of the N views of the batch.
        truth: With the hits.
        axes: See ``views``.

    Returns:
        Frame and hit of each pair, (K,) int64, and the place of the hit in that view, (K, D).
    """
    import torch

    event = truth.event.long()
    order = event.argsort(stable=True)
    count = torch.bincount(event, minlength=len(truth.objects))  # (B,)
    start = count.cumsum(0) - count
    own = row // len(axes)  # (P,)
    each = count[own]
    frame = torch.arange(len(frames), device=frames.device).repeat_interleave(each)  # (K,)
    step = torch.arange(len(frame), device=frames.device) - (each.cumsum(0) - each)[frame]
    hit = order[start[own[frame]] + step]
    seen = torch.stack([truth.place[:, list(axis)] for axis in axes])  # (V, H, D)
    place = seen[row[frame] % len(axes), hit]
    low, high = frames[frame].chunk(2, dim=1)
    inside = ((place >= low) & (place < high)).all(1)
    return frame[inside], hit[inside], place[inside]
