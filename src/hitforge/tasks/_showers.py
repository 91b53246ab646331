"""What the tasks that find showers have in common: which are kept, how they are matched, and a score in training."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.objects.shower.matching import SHOWER_PARAMETERS, pairwise_iou
from hitforge.objects.shower.truth import shower_truth
from hitforge.tasks import Better, Objects, ObjectTask


class ShowerConfig(config.Config):
    """Which showers are kept."""

    renamed: ClassVar[dict[str, str]] = {"visible": "target.min_deposited"}

    min_score: float = Field(0.1, ge=0, lt=1, description="least score of a shower that is kept")
    min_energy: float = Field(1.0, ge=0, le=1e4, description="least energy of a shower that is kept [GeV]")
    min_share: float = Field(
        0.05, ge=0, lt=1, description="shares of a hit's energy below this are not counted as members"
    )


class ShowerTask(ObjectTask):
    """Showers with fractions of hits.

    A shower has ``score`` (0 to 1), ``hadron`` (probability of that class) and ``energy`` [GeV].
    """

    kind: ClassVar[str | None] = "shower"
    usual_metrics: ClassVar[tuple[str, ...]] = ("average_precision", "shower_efficiency", "shower_response")

    config: ShowerConfig

    @property
    def scores(self) -> dict[str, Better]:
        """Means over the objects or hits of an event."""
        return {"overlap": "max", "efficiency": "max", "fakes": "min"}

    def nothing(self, inputs: dict[str, Array]) -> Objects:
        """Return no shower."""
        none = np.zeros(0, np.int32)
        return Objects(
            none, none, 0, {name: np.zeros(0, np.float32) for name in SHOWER_PARAMETERS}, np.zeros(0, np.float32)
        )

    def kept(self, share: Array, energy: Array, parameters: dict[str, Array]) -> Objects:
        """Make objects of shares, without showers below the least score or energy.

        Args:
            share: Of each hit's energy in each shower, (H, K); a hit's sum is cut down to 1.
            energy: Of the hits, (H,) [GeV].
            parameters: ``SHOWER_PARAMETERS``, (K,) each.
        """
        c = self.config
        share = np.where(share >= c.min_share, share, 0.0)
        raw = energy @ share if len(energy) else np.zeros(share.shape[1])
        stay = np.flatnonzero((parameters["score"] >= c.min_score) & (raw >= c.min_energy))
        share = share[:, stay]
        share = share / np.maximum(share.sum(1, keepdims=True), 1.0)
        member, hit = np.nonzero(share.T)
        columns = {name: np.asarray(parameters[name], np.float32)[stay] for name in SHOWER_PARAMETERS}
        weight = share[hit, member].astype(np.float32)
        return Objects(member.astype(np.int32), hit.astype(np.int32), len(stay), columns, weight)

    def score(self, outputs: Any, target: Any) -> dict[str, float]:
        """Return means over particles and showers of one event: see ``scores``.

        ``overlap``: the best energy-weighted IoU of a particle with any shower; ``efficiency``: share of particles
        where it is at least 0.5; ``fakes``: share of showers whose best one is below 0.5. NaN where there are none.
        """
        truth = shower_truth(target)
        inputs = {"place": truth.place, "energy": truth.energy, "event": truth.event}
        found = self.objects(outputs, inputs)
        energy = np.asarray(truth.energy, np.float64)
        real = truth.particles.real[0] > 0
        fraction = np.asarray(truth.fraction, np.float64)[:, : len(real)][:, real]  # (H, P)
        share = np.zeros((len(energy), found.count))
        share[found.hit, found.member] = 1.0 if found.weight is None else found.weight
        overlap = pairwise_iou(fraction, share, energy)  # (P, K)
        best, own = overlap.max(1, initial=0.0), overlap.max(0, initial=0.0)
        return {
            "overlap": float(best.mean()) if len(best) else float("nan"),
            "efficiency": float((best >= 0.5).mean()) if len(best) else float("nan"),
            "fakes": float((own < 0.5).mean()) if len(own) else float("nan"),
        }
