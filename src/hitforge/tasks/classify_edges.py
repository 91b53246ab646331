"""Edge classification: which edges of a graph join consecutive hits of one particle, and the tracks that follow."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, field_validator
from scipy.special import expit

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.registry import name_of
from hitforge.representations import Per
from hitforge.representations.hits import TRACK_SCALES
from hitforge.tasks import Better, Objects
from hitforge.tasks._hits import kept_objects
from hitforge.tasks._tracks import TrackTask
from hitforge.tasks.track_building import BUILDERS, TrackBuilder
from hitforge.tasks.track_fitting.quality_cut import QualityCut

if TYPE_CHECKING:
    import torch


class ClassifyEdges(TrackTask):
    """One output (logit) an edge; a track builder turns the probabilities of an event's edges into tracks.

    The loss is the weighted mean of (1 - p_t)^gamma * cross entropy over edges, p_t the probability of the true answer
    (focal loss, arXiv 1708.02002; plain cross entropy with gamma = 0); true edges count ``positive`` times.
    """

    per: ClassVar[Per] = "edge"
    usual_metrics: ClassVar[tuple[str, ...]] = ("tracking_efficiency", "trackml_score")

    class Config(config.Config):
        """Loss and track building."""

        renamed: ClassVar[dict[str, str]] = {"min_hits": "target.min_track_hits", "judge": "quality_cut"}

        positive: float = Field(1.0, gt=0, le=1e3, description="weight of true edges against false ones")
        gamma: float = Field(0.0, ge=0, le=10, description="power of the focal factor, 0 for plain cross entropy")
        threshold: float = Field(
            0.5, gt=0, lt=1, description="probability above which an edge counts in efficiency and purity"
        )
        build: dict[str, Any] = Field(
            default_factory=lambda: {"name": "walk"},
            description="track builder: its name and settings",
            json_schema_extra={"plugins": "tasks.track_building"},
        )
        fit: dict[str, Any] | None = Field(
            None,
            description="how the parameters of tracks are fitted, null for not",
            json_schema_extra={"plugins": "tasks.track_fitting"},
        )
        quality_cut: QualityCut | None = Field(
            None, description="which short tracks stay, by a fit of their hits; None for all"
        )

        @field_validator("build", mode="before")
        @classmethod
        def _resolved(cls, block: Any) -> Any:
            """Write out the builder's settings, so that a recipe holds them all and a wrong one fails at once."""
            builder, settings = BUILDERS.configure(block, where="task.build")
            return {"name": name_of(builder), **settings.model_dump()}

    config: Config

    @property
    def outputs(self) -> int:
        """One logit."""
        return 1

    @property
    def scores(self) -> dict[str, Better]:
        """Numbers of the edges of an event: area under the curve, efficiency and purity."""
        return {"edge_auc": "max", "edge_efficiency": "max", "edge_purity": "max"}

    def torch_loss(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss [nat]; outputs (E, 1), target (E, 2): label and weight."""
        from torch.nn import functional

        label, weight = target[:, 0], self._weight(target)
        size = functional.binary_cross_entropy_with_logits(outputs[:, 0], label, reduction="none")  # (E,)
        if self.config.gamma:
            size = size * (1.0 - (-size).exp()).clamp(min=1e-6) ** self.config.gamma  # exp(-size) is p_t
        return (size * weight).sum() / weight.sum().clamp(min=1e-6)

    def loss_weight(self, target: torch.Tensor) -> torch.Tensor:
        """Return the sum of the edges' weights."""
        return self._weight(target).sum()

    def _weight(self, target: torch.Tensor) -> torch.Tensor:
        """Of each edge in the loss, (E,)."""
        return target[:, 1] * (1.0 + (self.config.positive - 1.0) * target[:, 0])

    def score(self, outputs: Array, target: Array) -> dict[str, float]:
        """Return ``edge_auc``, and ``edge_efficiency`` and ``edge_purity`` at the threshold, all weighted."""
        label, weight = target[:, 0] > 0.5, target[:, 1].astype(np.float64)
        chance = expit(np.asarray(outputs[:, 0], np.float64))
        kept = chance > self.config.threshold
        good = float(weight[kept & label].sum())
        return {
            "edge_auc": _area(chance, label, weight),
            "edge_efficiency": _ratio(good, float(weight[label].sum())),
            "edge_purity": _ratio(good, float(weight[kept].sum())),
        }

    def objects(self, outputs: Array, inputs: dict[str, Array]) -> Objects:
        """Build the tracks of one event from its edges, outputs (E, 1).

        Raises:
            DataError: The outputs do not fit the edges.
        """
        nodes, layer = inputs["nodes"], inputs["layer"]
        if outputs.shape != (len(inputs["source"]), 1):
            raise DataError(f"outputs must be ({len(inputs['source'])}, 1)", came=outputs.shape)
        xyz = np.zeros((len(nodes), 3))
        xyz[:, [0, 2]] = nodes[:, :2] * np.array(
            TRACK_SCALES, nodes.dtype
        )  # builders look at distances from the centre
        chance = expit(np.asarray(outputs[:, 0], np.float64))
        least, source, destination = self.min_track_hits, inputs["source"], inputs["destination"]
        member, hit, count = self._builder.build(source, destination, chance, layer, len(nodes), xyz, least)
        return kept_objects(member, hit, count, least, {})

    @cached_property
    def _builder(self) -> TrackBuilder:
        return BUILDERS.build(self.config.build, where="task.build")


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _area(chance: Array, label: Array, weight: Array) -> float:
    """Weighted share of pairs of a true and a false edge that are in the right order; equal ones count half."""
    _, place = np.unique(chance, return_inverse=True)
    true = np.bincount(place[label], weight[label], minlength=place.max(initial=-1) + 1)
    false = np.bincount(place[~label], weight[~label], minlength=len(true))
    below = np.cumsum(false) - 0.5 * false
    return _ratio(float((true * below).sum()), float(true.sum() * false.sum()))
