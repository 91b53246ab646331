"""Object condensation for showers: hits say how well they stand for a particle, and move towards those they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field
from scipy.special import expit

from hitforge.core.arrays import Array
from hitforge.objects.shower.truth import shower_truth
from hitforge.representations import Per
from hitforge.tasks import Objects
from hitforge.tasks._condensation import cluster, condensation
from hitforge.tasks._showers import ShowerConfig, ShowerTask

if TYPE_CHECKING:
    import torch

_PAYLOAD = 2  # logit of a hadron, log of true over deposited energy


class CondenseShowers(ShowerTask):
    """Showers by object condensation (Kieseler, arXiv 2002.03605) with fractions of hits.

    A hit j has beta_j in (0, 1), the charge q_j = arctanh^2(beta_j) + q_min, coordinates x_j, and the weight w_j = E_j^
    power. A hit is one of the particle with the largest share of it, or of noise; alpha_k is the hit of particle k with
    the largest charge. With the shares f_jk of the truth and d_jk = |x_j - x_alpha_k|, the potentials

        L_V = 1 / K sum_k q_alpha_k sum_j w_j q_j (attract f_jk d_jk^2 + repel (1 - f_jk) max(0, 1 - d_jk)) / n_k

    with n_k = sum_j w_j f_jk draw a hit towards all that share it, so that it comes to lie between them, and

        L_beta = 1 / K sum_k (1 - beta_alpha_k) + noise sum_noise w_j beta_j / sum_noise w_j

    makes one hit of each particle stand out. Class and log(true energy / deposited energy) are read from the mean of
    the particle's hits, weighed by w_j q_j f_jk; their losses are a cross entropy and an absolute error. Events do not
    mix.

    A shower begins at the free hit of the largest beta, above ``beta``, and claims all hits within ``distance``; the
    first ``max_showers`` of them count. Then a hit within ``distance`` of any such point is shared by the two nearest
    in the ratio exp(-(d / softness)^2 / 2).
    """

    class Config(ShowerConfig):
        """Space, loss and clustering."""

        renamed: ClassVar[dict[str, str]] = {"most": "max_showers"}

        dimensions: int = Field(4, ge=1, le=64, description="coordinates of the condensation space")
        q_min: float = Field(0.1, gt=0, le=10, description="least charge of a hit")
        power: float = Field(0.5, ge=0, le=2, description="power of a hit's energy that is its weight")
        attract: float = Field(1.0, ge=0, le=1e3, description="weight of the attractive potential")
        repel: float = Field(1.0, ge=0, le=1e3, description="weight of the repulsive potential")
        beta_loss: float = Field(1.0, ge=0, le=1e3, description="weight of L_beta")
        noise: float = Field(0.3, ge=0, le=1e3, description="weight of the beta of noise in L_beta")
        classes: float = Field(0.2, ge=0, le=1e3, description="weight of the classes' cross entropy")
        correction: float = Field(0.5, ge=0, le=1e3, description="weight of the energies' error")
        beta: float = Field(0.2, ge=0, lt=1, description="least beta of a hit that begins a shower")
        distance: float = Field(0.7, gt=0, le=100, description="largest distance of a shower's hits from its first")
        softness: float = Field(0.3, gt=0, le=100, description="distance over which shares pass from one to another")
        max_showers: int = Field(128, ge=1, le=10_000, description="showers that are looked for in an event, at most")

    config: Config
    per: ClassVar[Per] = "hit"

    @property
    def outputs(self) -> int:
        """Beta (logit), coordinates, class (logit of hadron) and log energy correction."""
        return 1 + self.config.dimensions + _PAYLOAD

    def torch_loss(self, outputs: torch.Tensor, target: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return L_V + L_beta + class + energy of the class; outputs (H, ``outputs``)."""
        import torch
        from torch.nn import functional

        from hitforge.models.layers.torch_events import padding

        c, truth = self.config, shower_truth(target)
        if not len(outputs):
            return outputs.sum()
        cut = padding(truth.event, len(truth.objects))
        beta, strength = condensation(outputs[:, 0])
        beta, charge, place = (cut.pad(x) for x in (beta, strength + c.q_min, outputs[:, 1 : 1 + c.dimensions]))
        weight = cut.pad(truth.energy.clamp(min=0.0) ** c.power) * cut.real  # (B, N)
        share = cut.pad(truth.fraction) * (truth.particles.real > 0)[:, None]  # (B, N, M)
        rest = 1.0 - share.sum(2)  # (B, N) of noise
        noise = cut.real & ((share <= 0).all(2) | (share.amax(2) < rest) if share.shape[2] else cut.real)
        loss: torch.Tensor = outputs.sum() * 0.0
        if c.noise and bool(noise.any()):
            loss = loss + c.beta_loss * c.noise * (weight * beta)[noise].sum() / weight[noise].sum().clamp(min=1e-6)
        if not share.shape[2]:
            return loss
        own = torch.zeros_like(share, dtype=torch.bool).scatter(2, share.argmax(2, keepdim=True), True)
        own &= (cut.real & ~noise)[..., None]  # (B, N, M)
        found = own.any(1)  # (B, M)
        if not bool(found.any()):
            return loss
        first = torch.where(own, charge.detach()[..., None], -1.0).argmax(1)  # (B, M) hit of each particle
        away = place[:, None] - place.gather(1, first[..., None].expand(-1, -1, c.dimensions))[:, :, None]
        squared = away.square().sum(3)  # (B, M, N)
        apart = torch.relu(1.0 - (squared + 1e-12).sqrt())  # the root has no slope at 0
        part = share.transpose(1, 2)  # (B, M, N)
        size = (part * weight[:, None]).sum(2).clamp(min=1e-9)  # (B, M)
        force = (c.attract * part * squared + c.repel * (1.0 - part) * apart) * (weight * charge)[:, None]
        value = charge.gather(1, first) * force.sum(2) / size + c.beta_loss * (1.0 - beta.gather(1, first))
        voice = part * (weight * charge.detach())[:, None]  # (B, M, N)
        voice = voice / voice.sum(2, keepdim=True).clamp(min=1e-9)
        said = voice @ cut.pad(outputs[:, 1 + c.dimensions :])  # (B, M, 2)
        particles = truth.particles
        value = value + c.classes * functional.binary_cross_entropy_with_logits(
            said[..., 0], particles.kind, reduction="none"
        )
        correction = (particles.energy.clamp(min=1e-3) / particles.deposited.clamp(min=1e-3)).log().clamp(-1.5, 1.5)
        value = value + c.correction * (said[..., 1] - correction).abs()
        each = torch.where(found, particles.weight, 0.0)  # (B, M)
        mean: torch.Tensor = (each * value).sum() / each.sum().clamp(min=1e-6)
        return loss + mean

    def objects(self, outputs: Array, inputs: dict[str, Array]) -> Objects:
        """Cluster the hits of one event, outputs (H, ``outputs``)."""
        c = self.config
        if not len(outputs):
            return self.nothing(inputs)
        values, energy = np.asarray(outputs, np.float64), np.asarray(inputs["energy"], np.float64)
        beta, place = expit(np.asarray(values[:, 0], np.float64)), np.ascontiguousarray(values[:, 1 : 1 + c.dimensions])
        order = np.argsort(-beta, kind="stable")
        order = order[beta[order] > c.beta]
        _, first = cluster(place, order, c.distance**2)
        first = first[: c.max_showers]  # an untrained network may begin thousands
        if not len(first):
            return self.nothing(inputs)
        share = self._shares(place, first)
        raw = energy @ np.where(share >= c.min_share, share, 0.0)
        charge = np.arctanh(np.minimum(beta, 1.0 - 1e-4)) ** 2 + c.q_min
        voice = share * (np.maximum(energy, 0.0) ** c.power * charge)[:, None]  # (H, K)
        said = voice.T @ values[:, 1 + c.dimensions :] / np.maximum(voice.sum(0), 1e-12)[:, None]  # (K, 2)
        parameters = {
            "score": beta[first],
            "hadron": expit(np.asarray(said[:, 0], np.float64)),
            "energy": raw * np.exp(np.clip(said[:, 1], -3.0, 3.0)),
        }
        return self.kept(share, energy, parameters)

    def _shares(self, place: Array, first: Array) -> Array:
        """Shares of hits, (H, K), in showers that begin at the hits ``first``, (K,); two for a hit at most."""
        c = self.config
        squared = ((place[:, None] - place[first][None]) ** 2).sum(2)  # (H, K)
        least = squared.min(1, keepdims=True)
        ratio = np.exp(-(squared - least) / (2.0 * c.softness**2))
        if len(first) > 2:
            ratio[squared > np.partition(squared, 1, axis=1)[:, 1:2]] = 0.0
        ratio[least[:, 0] > c.distance**2] = 0.0
        result: Array = ratio / np.maximum(ratio.sum(1, keepdims=True), 1e-12)
        return result
