"""What the tracking task of ColliderML prints."""

from __future__ import annotations

from typing import ClassVar

from hitforge.report.results import RunResults
from hitforge.report.sections import Headline, Section

_COLUMNS = (
    ("colliderml_trackml_eff", "trackml_eff [%]", 100.0),
    ("colliderml_fake_rate", "fake_rate [%]", 100.0),
    ("colliderml_dup_rate", "dup_rate [%]", 100.0),
    ("colliderml_physics_eff_pt1", "physics_eff_pt1 [%]", 100.0),
)


class ColliderMLScoreSection(Section):
    """A table of its own, as its numbers are no efficiencies; it has no picture."""

    place: ClassVar[float] = 166.0

    def headline(self, run: RunResults) -> Headline:
        """The four numbers in percent, and why they are not ours."""
        text = (
            "Numbers as ColliderML's package defines them, not to be read as efficiencies: trackml_eff divides by the"
            " hits on tracks, so that hits that no track has cost nothing, and physics_eff_pt1 joins the numbers of"
            " particles of all events; the TrackML score and the efficiencies of the other table do neither"
        )
        return Headline("colliderml", _COLUMNS, text)
