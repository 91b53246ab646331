"""Object condensation: each hit says how well it stands for its particle, and moves to the others of that particle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field
from scipy.special import expit

from hitforge.core.arrays import Array
from hitforge.objects.track.truth import HitTruth
from hitforge.tasks import Objects
from hitforge.tasks._condensation import cluster, condensation
from hitforge.tasks._hit_objects import HitObjects, HitObjectsConfig
from hitforge.tasks._hits import Momentum, chunked, kept_objects, mean_loss, strongest

if TYPE_CHECKING:
    import torch


class CondenseHits(HitObjects):
    """Tracks by object condensation (Kieseler, arXiv 2002.03605).

    A hit j has beta_j in (0, 1), the charge q_j = arctanh^2(beta_j) + q_min, and coordinates x_j. Of the hits of a
    particle k, the one with the largest charge, alpha_k, stands for it. With d_jk = |x_j - x_alpha_k|, the potentials

        L_V = 1 / K sum_k q_alpha_k / n_k sum_j q_j (attract M_jk d_jk^2 + repel (1 - M_jk) max(0, 1 - d_jk))

    draw the n_k hits of a particle (M_jk = 1) to it and push all others away (the paper divides by the number of all
    hits instead of K n_k, which lets the pushes fade in large events), and

        L_beta = 1 / K sum_k (1 - beta_alpha_k) + noise / N_noise sum_noise beta_j

    makes one hit of each particle stand out. Particles are weighed by the truth, sums over k and K with them; hits of
    particles with too few hits (``hits_margin``) count as noise. With ``parameters``, L1 errors of log(pt) and eta are
    added, weighed by arctanh^2(beta) as in the paper.

    A track begins at the free hit of the largest beta, above ``beta``, and takes all free hits within ``distance``.

    Events do not mix: the loss of a batch is the mean of theirs.
    """

    class Config(HitObjectsConfig):
        """Space, loss and clustering."""

        dimensions: int = Field(8, ge=1, le=64, description="coordinates of the condensation space")
        q_min: float = Field(0.1, gt=0, le=10, description="least charge of a hit")
        attract: float = Field(1.0, ge=0, le=1e3, description="weight of the attractive potential")
        repel: float = Field(1.0, ge=0, le=1e3, description="weight of the repulsive potential")
        beta_loss: float = Field(1.0, ge=0, le=1e3, description="weight of L_beta")
        noise: float = Field(1.0, ge=0, le=1e3, description="weight of the beta of noise in L_beta")
        parameters: float = Field(0.0, ge=0, le=1e3, description="weight of the track parameters, 0 for none")
        beta: float = Field(0.3, ge=0, lt=1, description="least beta of a hit that begins a track")
        distance: float = Field(0.5, gt=0, le=100, description="largest distance of a track's hits from its first")

    config: Config

    @property
    def outputs(self) -> int:
        """Beta (logit), coordinates, and two numbers of the track where they are asked for."""
        return 1 + self.config.dimensions + (Momentum.outputs if self.config.parameters else 0)

    def torch_loss(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return L_V + L_beta (+ parameters) of the class; outputs (H, ``outputs``), target (H, 9)."""
        return mean_loss(self._loss, outputs, target)

    def _loss(self, outputs: torch.Tensor, truth: HitTruth) -> torch.Tensor:
        """Loss of one event."""
        import torch

        c = self.config
        if not len(outputs):
            return outputs.sum()
        beta, strength = condensation(outputs[:, 0])  # (H,)
        charge, place = strength + c.q_min, outputs[:, 1 : 1 + c.dimensions]
        real = (truth.particle >= 0) & (truth.weight > 0) & (truth.hits >= self.truth_hits)  # (H,)
        loss: torch.Tensor = outputs.sum() * 0.0
        noise = beta[~real]
        if len(noise):
            loss = loss + c.beta_loss * c.noise * noise.mean()
        if not real.any():
            return loss
        _, owner = torch.unique(truth.particle[real].long(), return_inverse=True)  # (R,)
        number = owner.new_full((len(outputs),), -1).masked_scatter(real, owner)  # (H,) particle or -1
        first = strongest(charge.detach(), number)  # (K,) hit that stands for each particle
        size = place.square().sum(1)  # (H,)
        weight = torch.zeros_like(charge)  # (H,) of each particle's hit, sum 1
        weight[first] = truth.weight[first] / truth.weight[first].sum()

        def potential(row: torch.Tensor) -> torch.Tensor:
            """Potentials of some particles, (k,) hits, summed over all hits."""
            squared = (size[row, None] + size - 2.0 * (place[row] @ place.T)).clamp(min=0.0)  # (k, H)
            own = number[row, None] == number
            away = torch.relu(1.0 - (squared + 1e-12).sqrt())  # the root has no slope at 0
            energy = torch.where(own, c.attract * squared, c.repel * away) @ charge  # (k,)
            total: torch.Tensor = (weight[row] * charge[row] * energy / own.sum(1)).sum()
            return total

        loss = loss + chunked(potential, first, 4 * len(outputs))
        loss = loss + c.beta_loss * (weight[first] * (1.0 - beta[first])).sum()
        if c.parameters:
            error = Momentum.error(outputs[real, 1 + c.dimensions :], truth, real)  # (R,)
            share = strength[real] * truth.weight[real]
            loss = loss + c.parameters * (share * error).sum() / share.sum().clamp(min=1e-6)
        return loss

    def objects(self, outputs: Array, inputs: dict[str, Array]) -> Objects:
        """Cluster the hits of one event, outputs (H, ``outputs``); with ``parameters`` also pt [GeV], eta."""
        c = self.config
        beta, place = expit(np.asarray(outputs[:, 0], np.float64)), outputs[:, 1 : 1 + c.dimensions]
        order = np.argsort(-beta, kind="stable")
        order = order[beta[order] > c.beta]
        owner, first = cluster(np.ascontiguousarray(place, np.float64), order, c.distance**2)
        values = Momentum.decode(outputs[first, 1 + c.dimensions :]) if c.parameters else {}
        hit = np.flatnonzero(owner >= 0)
        return kept_objects(owner[hit], hit, len(first), self.min_track_hits, values)
