"""Tracks as masks: some hits are queries, each for one track, and say which hits belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field
from scipy.special import expit

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.objects.track.truth import HitTruth
from hitforge.tasks import Objects
from hitforge.tasks._hit_objects import HitObjects, HitObjectsConfig
from hitforge.tasks._hits import Momentum, chunked, kept_objects, mean_loss, strongest

if TYPE_CHECKING:
    import torch

_CHUNK = 2**24  # entries of masks that are held at once


class FindTracks(HitObjects):
    """Tracks and their parameters in one stage, by masks (Cheng et al., arXiv 2107.06278; tracks: arXiv 2411.07149).

    Each hit i gives a logit c_i of being a query, a point y_i to be found at, a step s_i to the middle of its mask, and
    parameters. The mask of query i is the logit m_ij = sharpness (1 - |y_i + s_i - y_j|^2) for every hit j, which is a
    product of a vector of the query with one of the hit, up to constants. A query is not a free vector but a hit, and
    answers for a particle only if it is a hit of it: so the best matching of queries and particles falls apart into one
    choice for each particle, the own hit of the least cost

        - c_i + mean_own softplus(-m_ij) + first * rank_i,

    which takes the place of the Hungarian algorithm. The loss is the cross entropy of c (chosen hits against all
    others), and for each particle k with its query i, weighed by the truth,

        mask / n_k (sum_own softplus(-m_ij) + sum_other softplus(m_ij)) + dice (1 - 2 sum_own p_ij / (n_k + sum_j p_ij))

    with p = 1 / (1 + exp(-m)), and ``parameters`` times the L1 errors of log(pt) and eta.

    In a new event, queries above ``query`` are taken from the best on; one is dropped when it and a better one lie in
    the masks of each other. A hit goes to the query of the largest p above ``member``, or to all such ones.

    Events do not mix: the loss of a batch is the mean of theirs.
    """

    class Config(HitObjectsConfig):
        """Masks, loss, and how tracks are read off."""

        dimensions: int = Field(8, ge=1, le=256, description="coordinates of the space that masks are balls of")
        sharpness: float = Field(2.0, gt=0, le=100, description="logit of a mask at its centre")
        first: float = Field(0.5, ge=0, le=100, description="cost of a query for each layer before it")
        classes: float = Field(1.0, ge=0, le=1e3, description="weight of the queries' cross entropy")
        positive: float = Field(5.0, gt=0, le=1e3, description="weight of chosen hits against all others in it")
        mask: float = Field(1.0, ge=0, le=1e3, description="weight of the masks' cross entropy")
        dice: float = Field(1.0, ge=0, le=1e3, description="weight of the masks' overlap")
        parameters: float = Field(0.1, ge=0, le=1e3, description="weight of the track parameters")
        query: float = Field(0.3, gt=0, lt=1, description="least probability of a query")
        member: float = Field(0.5, gt=0, lt=1, description="least probability of a hit in a mask")
        shared: bool = Field(False, description="a hit may be a member of several tracks")

    config: Config

    @property
    def outputs(self) -> int:
        """Logit of a query, point, step to the middle of the mask, and two numbers of the track."""
        return 1 + 2 * self.config.dimensions + Momentum.outputs

    def torch_loss(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss of the class; outputs (H, ``outputs``), target (H, 9)."""
        return mean_loss(self._loss, outputs, target)

    def _loss(self, outputs: torch.Tensor, truth: HitTruth) -> torch.Tensor:
        """Loss of one event."""
        import torch
        from torch.nn import functional

        c = self.config
        logit, look, found, momentum = self._parts(outputs)
        if not len(outputs):
            return outputs.sum()
        real = (truth.particle >= 0) & (truth.weight > 0) & (truth.hits >= self.truth_hits)  # (H,)
        number = torch.full_like(real, -1, dtype=torch.int64)
        _, number[real] = torch.unique(truth.particle[real].long(), return_inverse=True)
        with torch.no_grad():
            cost = self._cost(logit, look, found, number) + c.first * truth.rank.clamp(min=0)
        query = strongest(-cost, number)  # (K,)
        label = torch.zeros_like(logit)
        label[query] = 1.0
        size = functional.binary_cross_entropy_with_logits(logit, label, reduction="none")
        weight = truth.weight * (1.0 + (c.positive - 1.0) * label)
        loss: torch.Tensor = c.classes * (size * weight).sum() / weight.sum().clamp(min=1e-6)
        if not len(query):
            return loss
        share = torch.zeros_like(logit)  # (H,) weight of each query's particle, sum 1
        share[query] = truth.weight[query] / truth.weight[query].sum()

        def masks(row: torch.Tensor) -> torch.Tensor:
            """Loss of the masks of some queries, (k,) hits."""
            value = self._mask(look[row], found)  # (k, H)
            own = number[row, None] == number
            count = own.sum(1)  # (k,)
            entropy = functional.softplus(torch.where(own, -value, value)).sum(1) / count
            chance = value.sigmoid()
            overlap = 2.0 * torch.where(own, chance, 0.0).sum(1) / (count + chance.sum(1))
            total: torch.Tensor = (share[row] * (c.mask * entropy + c.dice * (1.0 - overlap))).sum()
            return total

        loss = loss + chunked(masks, query, 4 * len(outputs))
        if c.parameters:
            loss = loss + c.parameters * (share[query] * Momentum.error(momentum[query], truth, query)).sum()
        return loss

    def objects(self, outputs: Array, inputs: dict[str, Array]) -> Objects:
        """Read the tracks of one event off, outputs (H, ``outputs``), with pt [GeV] and eta."""
        c = self.config
        logit, look, found, momentum = self._parts(np.asarray(outputs, np.float32))
        chance = expit(np.asarray(logit, np.float64))
        order = np.argsort(-chance, kind="stable")
        order = order[chance[order] > c.query]
        least = float(np.log(c.member / (1.0 - c.member)))
        query = order[_kept(self._mask(look[order], found[order]) > least)]  # (Q,)
        members, hits = [], []
        for part in np.array_split(np.arange(len(outputs)), -(-len(query) * len(outputs) // _CHUNK) or 1):
            value = self._mask(look[query], found[part])  # (Q, h)
            if c.shared or not len(query):
                member, hit = np.nonzero(value > least)
            else:
                best = value.argmax(0)
                hit = np.flatnonzero(value[best, np.arange(len(part))] > least)
                member = best[hit]
            members.append(member)
            hits.append(part[hit])
        values = Momentum.decode(momentum[query])
        return kept_objects(np.concatenate(members), np.concatenate(hits), len(query), self.min_track_hits, values)

    def _parts(self, outputs: Any) -> tuple[Any, Any, Any, Any]:
        """Logits (H,), points to look from and to be found at (H, D), momenta (H, 2)."""
        d = self.config.dimensions
        found, shift = outputs[:, 1 : 1 + d], outputs[:, 1 + d : 1 + 2 * d]
        return outputs[:, 0], found + shift, found, outputs[:, 1 + 2 * d :]

    def _mask(self, look: Any, found: Any) -> Any:
        """Logits of hits (h, D) in the masks of queries (q, D), (q, h); tensors or arrays."""
        squared = (look * look).sum(1)[:, None] + (found * found).sum(1)[None] - 2.0 * (look @ found.T)
        return self.config.sharpness * (1.0 - squared)

    def _cost(self, logit: torch.Tensor, look: torch.Tensor, found: torch.Tensor, number: torch.Tensor) -> torch.Tensor:
        """Cost of each hit as the query of its particle, (H,): how well it is one, and has the particle's hits."""
        import torch
        from torch.nn import functional

        order = number.argsort(stable=True)
        order = order[number[order] >= 0]  # (R,) hits of particles, particle by particle
        owner = number[order]
        count = torch.bincount(owner)  # (K,)
        start = count.cumsum(0) - count
        each = count[owner]  # (R,) own hits of the particle of each
        one = torch.repeat_interleave(torch.arange(len(order), device=order.device), each)  # (P,)
        step = torch.arange(len(one), device=order.device) - torch.repeat_interleave(each.cumsum(0) - each, each)
        other = order[start[owner[one]] + step]
        value = self.config.sharpness * (1.0 - (look[order[one]] - found[other]).square().sum(1))
        total = torch.zeros_like(each, dtype=logit.dtype).index_add(0, one, functional.softplus(-value))
        cost = -logit
        cost[order] = cost[order] + total / each
        return cost


@njit(cache=True)
def _kept(inside):  # type: ignore[no-untyped-def]
    """Which queries stay, (Q,) bool, from the best on; (Q, Q): the mask of the first has the second."""
    keep = np.ones(len(inside), np.bool_)
    for i in range(len(inside)):
        for j in range(i):
            if keep[j] and inside[i, j] and inside[j, i]:
                keep[i] = False
                break
    return keep
