"""What methods found where there is no truth: counts and energies of an event."""

from __future__ import annotations

from typing import ClassVar

from hitforge.report.results import RunResults
from hitforge.report.sections import Headline, Section

_COUNTS = {
    "showers_per_event": "showers an event",
    "shower_energy_per_event": "their energy [GeV]",
    "hit_energy_per_event": "energy of their hits [GeV]",
    "tracks_per_event": "tracks an event",
    "hits_per_event": "hits in them",
    "hits_per_track": "hits a track",
}
_SHARES = {"share_of_hits": "of all hits [%]", "share_of_energy": "of all hits' energy [%]"}


class ObjectCountsSection(Section):
    """A table; it has no picture."""

    place: ClassVar[float] = 232.0

    def headline(self, run: RunResults) -> Headline:
        """Counts of an event, those of other kinds under their own names, and shares in percent."""
        named = dict.fromkeys(name for one in run.methods for name in one.numbers_of(self.name))
        others = {name: name.replace("_", " ") for name in named if name not in {**_COUNTS, **_SHARES}}
        columns = tuple((name, title, 1.0) for name, title in {**_COUNTS, **others}.items())
        columns += tuple((name, title, 100.0) for name, title in _SHARES.items())
        text = "Means over events and shares of all events together; nothing here says what is right"
        return Headline("counts", columns, text, counted=True)
