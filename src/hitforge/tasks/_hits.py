"""What the tasks on hits have in common: chunks of rows, objects out of memberships, momenta, a score in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.objects.track.rules import RULES
from hitforge.objects.track.truth import HitTruth, hit_truth
from hitforge.tasks import Objects

if TYPE_CHECKING:
    import torch

_CHUNK = 2**24  # numbers that are held at once


def mean_loss(
    loss: Callable[[torch.Tensor, HitTruth], torch.Tensor], outputs: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    """Return the mean over the events of a batch of a loss that looks across the hits of one event.

    Args:
        loss: Takes outputs (h, K) and truth of the hits of one event.
        outputs: Of the batch, (H, K).
        target: (H, 9).
    """
    import torch

    parts = [loss(outputs[rows], hit_truth(target[rows])) for rows in _events(target)]
    return parts[0] if len(parts) == 1 else torch.stack(parts).mean()


def mean_score(score: Callable[[Array, HitTruth], dict[str, float]], outputs: Array, target: Array) -> dict[str, float]:
    """Return the means over the events of a batch of numbers about one event; NaN where no event has one."""
    parts = [score(outputs[rows], hit_truth(target[rows])) for rows in _events(target)]
    known = {name: [part[name] for part in parts if not np.isnan(part[name])] for name in parts[0]}
    return {name: float(np.mean(values)) if values else float("nan") for name, values in known.items()}


def _events(target: Any) -> list[Any]:
    """Rows of each event of a batch, as indices; all rows where there is one event at most."""
    event = target[:, -1] if isinstance(target, np.ndarray) else target[:, -1].cpu().numpy()
    count = np.unique(event, return_counts=True)[1]
    if len(count) <= 1:
        return [slice(None)]
    return np.split(np.argsort(event, kind="stable"), np.cumsum(count)[:-1])


def random_rows(count: int, max_rows: int, device: torch.device, *, random: bool) -> torch.Tensor:
    """Return at most ``max_rows`` of ``count`` rows, (S,) int64: drawn at random by PyTorch, or spread evenly."""
    import torch

    if count <= max_rows:
        return torch.arange(count, device=device)
    if random:
        return torch.randperm(count, device=device)[:max_rows]
    return torch.arange(max_rows, device=device) * count // max_rows


def chunked(function: Callable[[torch.Tensor], torch.Tensor], rows: torch.Tensor, size: int) -> torch.Tensor:
    """Return the sum of a function over chunks of rows; a backward pass computes each chunk again.

    Args:
        function: Takes some of the rows, gives a number.
        rows: (K,).
        size: Numbers that the function holds for one row; a chunk holds at most some 16 million.
    """
    import torch
    from torch.utils.checkpoint import checkpoint

    parts = torch.split(rows, max(1, _CHUNK // max(size, 1)))
    if len(parts) == 1 or not torch.is_grad_enabled():
        return torch.stack([function(part) for part in parts]).sum()
    return torch.stack([checkpoint(function, part, use_reentrant=False) for part in parts]).sum()


def strongest(strength: torch.Tensor, number: torch.Tensor) -> torch.Tensor:
    """Return the hit of the largest strength of each particle, (K,) int64, in the order of the particles' numbers.

    Args:
        strength: (H,).
        number: Particle of each hit, (H,) int64; hits with a negative number have none.
    """
    order = strength.argsort(descending=True, stable=True)
    order = order[number[order].argsort(stable=True)]
    order = order[number[order] >= 0]
    new = number[order].diff(prepend=number.new_full((1,), -1)) != 0
    return order[new]


def kept_objects(member: Array, hit: Array, count: int, min_hits: int, parameters: dict[str, Array]) -> Objects:
    """Return the objects of at least ``min_hits`` hits, numbered anew, memberships sorted by object.

    Args:
        member: Number of the object of each membership, (K,) int.
        hit: Its hit, (K,) int.
        count: Number of objects before.
        min_hits: Hits of an object, at least.
        parameters: Name -> (count,).
    """
    keep = np.bincount(member, minlength=count) >= min_hits  # (count,)
    number = np.cumsum(keep) - 1
    order = np.argsort(member, kind="stable")
    order = order[keep[member[order]]]
    values = {name: column[keep].astype(np.float32) for name, column in parameters.items()}
    return Objects(number[member[order]].astype(np.int32), hit[order].astype(np.int32), int(keep.sum()), values)


class Momentum:
    """Track parameters as two outputs of a hit, log(pt / GeV) and eta, which no turn of the event changes."""

    outputs = 2

    @staticmethod
    def error(outputs: torch.Tensor, truth: HitTruth, rows: torch.Tensor) -> torch.Tensor:
        """Return the summed absolute errors of some rows, outputs (R, 2), truth at ``rows``, (R,)."""
        import torch

        true = torch.stack([truth.pt[rows].clamp(min=1e-3).log(), truth.eta[rows]], dim=1)  # (R, 2)
        return (outputs - true).abs().sum(1)

    @staticmethod
    def decode(outputs: Array) -> dict[str, Array]:
        """Return pt [GeV] and eta, each (R,), of outputs (R, 2)."""
        values = np.asarray(outputs, np.float64)
        return {"pt": np.exp(np.clip(values[:, 0], -10.0, 10.0)), "eta": values[:, 1]}


def efficiency_and_fakes(objects: Objects, truth: HitTruth) -> dict[str, float]:
    """Return the share of reconstructable particles that are found, and the share of objects that are no particle.

    An object and a particle match where each has more than half of its hits in the other (double majority). Hits of a
    particle are those of the batch.
    """
    _, owner = np.unique(np.where(truth.particle >= 0, truth.particle, -1), return_inverse=True)
    owner = owner - int((truth.particle < 0).any())  # (H,) 0 ..., -1 noise
    particles = int(owner.max(initial=-1)) + 1
    size = np.bincount(owner[owner >= 0], minlength=particles)
    members = np.bincount(objects.member, minlength=objects.count)
    own = owner[objects.hit]
    pair, shared = np.unique(objects.member[own >= 0].astype(np.int64) * particles + own[own >= 0], return_counts=True)
    track, particle = pair // max(particles, 1), pair % max(particles, 1)
    good = RULES["double_majority"].met(shared, members[track], size[particle])
    reconstructable = np.zeros(particles, bool)
    reconstructable[owner[(owner >= 0) & (truth.reconstructable > 0)]] = True
    found = np.zeros(particles, bool)
    found[particle[good]] = True
    matched = len(np.unique(track[good]))
    return {
        "efficiency": float(found[reconstructable].mean()) if reconstructable.any() else float("nan"),
        "fakes": 1.0 - matched / objects.count if objects.count else 0.0,
    }
