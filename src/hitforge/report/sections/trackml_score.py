"""The score of the TrackML challenge."""

from __future__ import annotations

from typing import ClassVar

from markupsafe import Markup

from hitforge.report._answers import Told, compared, counted, first_with
from hitforge.report.results import RunResults
from hitforge.report.sections import Headline, Section


class TrackmlScoreSection(Section):
    """Stands in the table of tracks; it has no picture."""

    place: ClassVar[float] = 165.0

    def headline(self, run: RunResults) -> Headline:
        """The score over the particles that are asked for, alike for all methods, in percent."""
        return Headline("tracks", ((_SCORE.name, "TrackML score, target [%]", 100.0),))

    def answer(self, run: RunResults) -> Markup | None:
        """Say the score of the first method that has one, and how far it lies from the others'.

        The challenge's own, over all particles, stands beside it and is compared with none: methods gain by the
        momentum that they look down to.
        """
        found = first_with(run, _SCORE.name)
        if found is None:
            return None
        one, value = found
        text = Markup("{}<b>{}</b> has a TrackML score of {} over the particles that are asked for{}.")
        score, whole = _SCORE.bold(_SCORE.of(one) or {}), _WHOLE.of(one)
        over_all = Markup(", {} over all").format(_WHOLE.bold(whole)) if whole else ""
        return text.format(counted(value), one.label, score, over_all) + compared(run, one, (_SCORE,))


_SCORE = Told("trackml_score_target", "TrackML score", better="max")
_WHOLE = Told("trackml_score", "TrackML score", better="max")
