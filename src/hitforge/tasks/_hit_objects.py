"""What the tasks that group hits by what the network says of each have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray
from pydantic import Field

from hitforge.core import config
from hitforge.representations import Per
from hitforge.tasks import ObjectTask
from hitforge.tasks._truth import efficiency_and_fakes, mean_score
from hitforge.tasks.fitting import Judge

Array = NDArray[Any]


class HitObjectsConfig(config.Config):
    """Which particles are learned, and which tracks are kept and fitted."""

    truth_hits: int = Field(3, ge=1, le=100, description="hits of a particle that is to be found as a track")
    min_hits: int = Field(3, ge=1, le=100, description="hits of a track, at least")
    fit: dict[str, Any] | None = Field(None, description="how the parameters of tracks are fitted, None for not")
    judge: Judge | None = Field(None, description="which short tracks stay, by a fit of their hits; None for all")


class HitObjects(ObjectTask):
    """Tracks out of numbers of each hit, without edges."""

    per: ClassVar[Per] = "hit"
    usual_metrics: ClassVar[tuple[str, ...]] = ("tracking_efficiency", "trackml_score")
    scores: ClassVar[tuple[str, ...]] = ("efficiency", "fakes")

    def score(self, outputs: Array, target: Array) -> dict[str, float]:
        """Return ``efficiency`` of wanted particles and ``fakes``, by double majority, mean over the events."""
        return mean_score(lambda out, truth: efficiency_and_fakes(self.objects(out, {}), truth), outputs, target)
