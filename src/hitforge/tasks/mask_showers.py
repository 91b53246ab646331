"""Showers as masks: each query of an event is one shower or none, and says what share it has of each hit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field
from scipy.special import expit

from hitforge.core.arrays import Array
from hitforge.objects.shower.truth import ShowerTruth, shower_truth
from hitforge.representations import Per
from hitforge.tasks import Objects
from hitforge.tasks._assignment import assign_batch
from hitforge.tasks._showers import ShowerConfig, ShowerTask

if TYPE_CHECKING:
    import torch

    from hitforge.models.layers.torch_events import Padding

_NOTHING = 2  # class of a query without a particle, behind electromagnetic and hadron


class MaskShowers(ShowerTask):
    """Showers by queries with fractional masks (Cheng et al., arXiv 2107.06278).

    A query gives the logits of three classes (electromagnetic, hadron, nothing), the logarithm of an energy correction,
    and a logit m_j for each hit j of its event. With w_j = E_j / sum E, p = 1 / (1 + exp(-m)) and the shares f_j of a
    particle in the truth, query and particle fit with the costs

        entropy = sum_j w_j (softplus(m_j) - f_j m_j),    dice = 1 - 2 sum w p f / (sum w p^2 + sum w f^2)

    (dice with squares, which is 0 where p = f: Milletari et al., arXiv 1606.04797). Each particle gets the query of the
    matching with the least summed cost mask * entropy + dice * dice - classes * p(class). The loss is the cross entropy
    of the classes, in which queries without a particle count ``nothing`` times, these two costs of the matched pairs,
    and the absolute error of the correction against log(E / sum_j E_j p_j). It is the mean over the network's layers.

    In an event, the score of a query is 1 - p(nothing) times sum w p^2 / sum w p, the mean p of its own energy. Its
    energy is sum_j E_j p_j times exp(correction). Where masks of kept queries overlap, a hit is shared in the ratio p *
    score^2, and no hit is given away more than once.
    """

    class Config(ShowerConfig):
        """Weights of costs and losses."""

        classes: float = Field(1.0, ge=0, le=1e3, description="weight of the classes")
        nothing_weight: float = Field(0.2, gt=0, le=1e3, description="weight of queries without a particle in them")
        mask: float = Field(5.0, ge=0, le=1e3, description="weight of the masks' cross entropy")
        dice: float = Field(2.0, ge=0, le=1e3, description="weight of the masks' overlap")
        correction: float = Field(0.5, ge=0, le=1e3, description="weight of the energies' error")

    config: Config
    per: ClassVar[Per] = "object"

    @property
    def outputs(self) -> int:
        """Logits of three classes, and the log energy correction."""
        return 4

    def torch_loss(self, outputs: dict[str, torch.Tensor], target: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the loss of the class.

        Args:
            outputs: ``objects`` (B, Q, 4) and ``masks`` (H, Q), and those of other layers, ``objects_0`` ...
            target: See ``ShowerTruth``.
        """
        import torch

        from hitforge.models.layers.torch_events import padding

        truth = shower_truth(target)
        events = len(outputs["objects"])  # events behind the last hit have none, and no particles
        truth = truth._replace(objects=truth.objects[:events])
        cut = padding(truth.event, events)
        layers = [name.removeprefix("objects") for name in outputs if name.startswith("objects")]
        losses = [self._layer(outputs[f"objects{i}"], outputs[f"masks{i}"], truth, cut) for i in layers]
        return torch.stack(losses).mean()

    def objects(self, outputs: dict[str, Array], inputs: dict[str, Array]) -> Objects:
        """Read the showers of one event off: ``objects`` (1, Q, 4), ``masks`` (H, Q)."""
        c = self.config
        if not len(outputs) or not len(outputs["masks"]):
            return self.nothing(inputs)
        answer, energy = np.asarray(outputs["objects"][0], np.float64), np.asarray(inputs["energy"], np.float64)
        chance = np.exp(answer[:, :3] - answer[:, :3].max(1, keepdims=True))
        chance /= chance.sum(1, keepdims=True)  # (Q, 3)
        real = 1.0 - chance[:, _NOTHING]
        keep = np.flatnonzero(real >= c.min_score)
        mask = expit(np.asarray(outputs["masks"][:, keep], np.float64))  # (H, K)
        whole = energy @ mask  # (K,) [GeV]
        score = real[keep] * (energy @ mask**2) / np.maximum(whole, 1e-12)
        stay = score >= c.min_score  # what is left out must not take hits from others
        keep, mask, whole, score = keep[stay], mask[:, stay], whole[stay], score[stay]
        claim = mask * score**2
        share = claim / np.maximum(claim.sum(1, keepdims=True), 1e-12) * np.minimum(mask.sum(1, keepdims=True), 1.0)
        parameters = {
            "score": score,
            "hadron": chance[keep, 1] / np.maximum(real[keep], 1e-12),
            "energy": whole * np.exp(np.clip(answer[keep, 3], -3.0, 3.0)),
        }
        return self.kept(share, energy, parameters)

    def _layer(self, objects: torch.Tensor, masks: torch.Tensor, truth: ShowerTruth, cut: Padding) -> torch.Tensor:
        """Loss of one layer: answers (B, Q, 4), masks (H, Q)."""
        import torch
        from torch.nn import functional

        c, particles = self.config, truth.particles
        energy = cut.pad(truth.energy.clamp(min=0.0))  # (B, N)
        weight = energy / energy.sum(1, keepdim=True).clamp(min=1e-9)
        logit = cut.pad(masks)  # (B, N, Q)
        share = cut.pad(truth.fraction)  # (B, N, M)
        chance = logit.sigmoid()
        entropy = torch.einsum("bn,bnq->bq", weight, functional.softplus(logit))[:, :, None]
        entropy = entropy - torch.einsum("bnq,bnm->bqm", weight[..., None] * logit, share)  # (B, Q, M)
        both = torch.einsum("bnq,bnm->bqm", weight[..., None] * chance, share)
        sizes = [torch.einsum("bn,bnk->bk", weight, x.square()) for x in (chance, share)]
        overlap = 1.0 - (2.0 * both + 1e-4) / (sizes[0][:, :, None] + sizes[1][:, None] + 1e-4)
        cost = c.mask * entropy + c.dice * overlap  # (B, Q, M)
        query = self._matched(objects, cost, truth)  # (B, M)
        event, particle = torch.nonzero(query >= 0, as_tuple=True)  # (P,)
        query = query[event, particle]
        label = torch.full_like(objects[..., 0], _NOTHING, dtype=torch.int64)
        label[event, query] = particles.kind[event, particle].long()
        each = torch.full_like(objects[..., 0], c.nothing_weight)
        each[event, query] = particles.weight[event, particle]
        wrong = functional.cross_entropy(objects[..., :3].transpose(1, 2), label, reduction="none")  # (B, Q)
        loss: torch.Tensor = c.classes * (each * wrong).sum() / each.sum().clamp(min=1e-6)
        if len(event):
            raw = torch.einsum("bn,bnq->bq", energy, chance.detach())[event, query].clamp(min=1e-3)
            correction = (particles.energy[event, particle].clamp(min=1e-3) / raw).log().clamp(-1.5, 1.5)
            error = (objects[event, query, 3] - correction).abs()
            size = particles.weight[event, particle]
            value = cost[event, query, particle] + c.correction * error
            loss = loss + (size * value).sum() / size.sum().clamp(min=1e-6)
        return loss

    def _matched(self, objects: torch.Tensor, cost: torch.Tensor, truth: ShowerTruth) -> torch.Tensor:
        """Query of each particle, (B, M) int64, -1 for none."""
        import torch

        kind = truth.particles.kind.long()  # (B, M)
        with torch.no_grad():
            chance = objects[..., :3].softmax(2)
            fits = chance.gather(2, kind[:, None].expand(-1, objects.shape[1], -1))  # (B, Q, M)
            total = (cost - self.config.classes * fits).transpose(1, 2).double().cpu().numpy()  # (B, M, Q)
            count = (truth.particles.real > 0).sum(1).cpu().numpy()
        return torch.from_numpy(assign_batch(total, count)).to(objects.device)
