"""The score of the TrackML challenge."""

from __future__ import annotations

from typing import ClassVar

from hitforge.report.results import RunResults
from hitforge.report.sections import Headline, Section


class TrackmlScoreSection(Section):
    """Stands in the table of tracks; it has no picture."""

    place: ClassVar[float] = 165.0

    def headline(self, run: RunResults) -> Headline:
        """The score in percent."""
        return Headline("tracks", (("trackml_score", "TrackML score [%]", 100.0),))
