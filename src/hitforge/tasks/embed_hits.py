"""Metric learning: a space in which consecutive hits of a particle lie near each other and others far apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.objects.track.truth import HitTruth, consecutive
from hitforge.representations import Per
from hitforge.tasks import Better, HitTask
from hitforge.tasks._hits import mean_loss, mean_score, random_rows

if TYPE_CHECKING:
    import torch

_CHUNK = 2**24  # distances that are held at once


class EmbedHits(HitTask):
    """Coordinates of each hit, for the edge builder ``embedding``, which joins hits within a radius of each other.

    The loss (hinge on squared distances; Ju et al., arXiv 2103.06995) of hits i, j with coordinates x, d^2 = |x_i -
    x_j|^2 and a margin m is

        positive * sum_true w d^2 / sum_true w  +  mean_hard max(0, m^2 - d^2)  +  mean_random max(0, m^2 - d^2).

    True pairs are hits on consecutive distinct layers of one particle, with the weight w of the truth. Hard pairs are
    the nearest others of a hit within the margin, random ones any two hits; pairs of one particle are left out of both.
    Events do not mix: the loss of a batch is the mean of theirs.
    """

    per: ClassVar[Per] = "hit"

    class Config(config.Config):
        """Space and loss."""

        dimensions: int = Field(8, ge=1, le=64, description="coordinates of the learned space")
        margin: float = Field(1.0, gt=0, le=100, description="distance beyond which false pairs are left in peace")
        positive: float = Field(2.0, gt=0, le=1e3, description="weight of true pairs against false ones")
        neighbours: int = Field(16, ge=1, le=1024, description="hard negatives of a hit, at most")
        searched: int = Field(3000, ge=1, le=1_000_000, description="hits of an event whose neighbours are searched")
        random: int = Field(4, ge=0, le=100, description="random negatives for each of the searched hits")

    config: Config

    @property
    def scores(self) -> dict[str, Better]:
        """Means over the objects or hits of an event."""
        return {"edge_efficiency": "max", "edge_purity": "max"}

    @property
    def outputs(self) -> int:
        """Dimension of the space."""
        return self.config.dimensions

    def torch_loss(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss of the class; outputs (H, D), target (H, 9)."""
        return mean_loss(self._loss, outputs, target)

    def _loss(self, outputs: torch.Tensor, truth: HitTruth) -> torch.Tensor:
        """Loss of one event."""
        import torch

        particle = truth.particle.long()  # (H,)
        training = outputs.requires_grad

        def false(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
            """Mean hinge of pairs that are of no single particle."""
            wrong = (one != other) & ((particle[one] != particle[other]) | (particle[one] < 0))
            hinge = torch.relu(self.config.margin**2 - _squared(outputs, one[wrong], other[wrong]))
            mean: torch.Tensor = hinge.sum() / wrong.sum().clamp(min=1)
            return mean

        inner, outer = (
            torch.from_numpy(side).to(outputs.device)
            for side in consecutive(particle.cpu().numpy(), truth.rank.cpu().numpy())
        )
        weight = truth.weight[inner]  # (P,)
        loss: torch.Tensor = (weight * _squared(outputs, inner, outer)).sum() / weight.sum().clamp(min=1e-6)
        loss = self.config.positive * loss
        if not len(outputs):
            return loss
        rows = random_rows(len(outputs), self.config.searched, outputs.device, random=training)
        loss = loss + false(*self._near(outputs.detach(), rows))
        if self.config.random:
            rows = rows.repeat_interleave(self.config.random)
            loss = loss + false(rows, self._any(len(outputs), rows, random=training))
        return loss

    def score(self, outputs: Array, target: Array) -> dict[str, float]:
        """Return efficiency and purity of the pairs of hits within the margin.

        ``edge_efficiency`` is the weighted share of true pairs within the margin, ``edge_purity`` the share of true
        pairs among the pairs within it, counted around at most ``searched`` hits. Both are means over the events.
        """
        return mean_score(self._score, outputs, target)

    def _score(self, outputs: Array, truth: HitTruth) -> dict[str, float]:
        """Numbers of one event."""
        inner, outer = consecutive(truth.particle, truth.rank)
        if not len(inner) or not truth.weight[inner].sum():
            return dict.fromkeys(self.scores, float("nan"))
        near = np.square(outputs[inner] - outputs[outer]).sum(1) <= self.config.margin**2
        found = {"edge_efficiency": float(np.average(near, weights=truth.weight[inner]))}
        count = len(outputs)
        rows = np.unique(np.linspace(0, count - 1, min(count, self.config.searched)).astype(np.int64))
        size = np.square(outputs).sum(1, dtype=np.float64)  # (H,)
        pairs = 0
        for part in np.array_split(rows, -(-len(rows) * count // _CHUNK)):
            squared = size[part, None] + size - 2.0 * (outputs[part] @ outputs.T)  # (S, H)
            pairs += int((squared <= self.config.margin**2).sum()) - len(part)
        searched = np.zeros(count, bool)
        searched[rows] = True
        good = int((near & searched[inner]).sum() + (near & searched[outer]).sum())
        return found | {"edge_purity": min(1.0, good / pairs) if pairs > 0 else 0.0}

    def _near(self, place: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pairs of the hits ``rows``, (S,), with their nearest others within the margin, each (P,) int64."""
        import torch

        if not place.isfinite().all():  # the engine says what to do about a loss that is not finite
            return rows[:0], rows[:0]
        most = min(self.config.neighbours + 1, len(place))
        ones, others = [], []
        for part in torch.split(rows, max(1, _CHUNK // len(place))):
            distance, other = torch.cdist(place[part], place).topk(most, dim=1, largest=False)  # (S, K)
            near = distance < self.config.margin
            ones.append(part[:, None].expand_as(other)[near])
            others.append(other[near])
        return torch.cat(ones), torch.cat(others)

    def _any(self, count: int, rows: torch.Tensor, *, random: bool) -> torch.Tensor:
        """Another hit for each row, (S,) int64; outside a training always the same."""
        import torch

        if random:
            return torch.randint(0, count, (len(rows),), device=rows.device)
        step = torch.arange(1, len(rows) + 1, device=rows.device)
        return (rows + step * 7919) % count


def _squared(place: torch.Tensor, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Squared distances of pairs, (P,)."""
    return (place[one] - place[other]).square().sum(1)
