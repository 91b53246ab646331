"""What the tasks that group hits by outputs of each hit have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.representations import Per
from hitforge.tasks import Better
from hitforge.tasks._hits import efficiency_and_fakes, mean_score
from hitforge.tasks._tracks import TrackTask
from hitforge.tasks.track_fitting.quality_cut import QualityCut


class HitObjectsConfig(config.Config):
    """Which particles are learned, and which tracks are kept and fitted."""

    renamed: ClassVar[dict[str, str]] = {
        "truth_hits": "hits_margin",
        "min_hits": "target.min_track_hits",
        "judge": "quality_cut",
    }

    hits_margin: int = Field(
        2, ge=0, le=100, description="particles with so many hits fewer than target.min_hits are learned as tracks, too"
    )
    fit: dict[str, Any] | None = Field(
        None,
        description="how the parameters of tracks are fitted, null for not",
        json_schema_extra={"plugins": "tasks.track_fitting"},
    )
    quality_cut: QualityCut | None = Field(
        None, description="which short tracks stay, by a fit of their hits; None for all"
    )


class HitObjects(TrackTask):
    """Tracks out of numbers of each hit, without edges."""

    per: ClassVar[Per] = "hit"
    usual_metrics: ClassVar[tuple[str, ...]] = ("tracking_efficiency", "trackml_score")

    @property
    def scores(self) -> dict[str, Better]:
        """Means over the particles and tracks of an event."""
        return {"efficiency": "max", "fakes": "min"}

    @property
    def truth_hits(self) -> int:
        """Hits of a particle that is learned as a track, at least; three without a target."""
        return 3 if self.object_kind is None else max(self.object_kind.config.min_hits - self.config.hits_margin, 1)

    def score(self, outputs: Array, target: Array) -> dict[str, float]:
        """Return ``efficiency`` of reconstructable particles and ``fakes``, by double majority, means over events."""
        return mean_score(lambda out, truth: efficiency_and_fakes(self.objects(out, {}), truth), outputs, target)
