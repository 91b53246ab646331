"""What methods found where there is no truth: counts and energies of an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitforge.report.figures_binned import percent
from hitforge.report.results import MethodResult

_COUNTS = {
    "showers_per_event": "showers an event",
    "shower_energy_per_event": "their energy [GeV]",
    "hit_energy_per_event": "energy of their hits [GeV]",
    "tracks_per_event": "tracks an event",
    "hits_per_event": "hits in them",
    "hits_per_track": "hits a track",
}
_SHARES = {"share_of_hits": "of all hits [%]", "share_of_energy": "of all hits' energy [%]"}


def headline_table(methods: Sequence[MethodResult]) -> dict[str, Any] | None:
    """Return counts by method: ``columns``, ``rows`` (method, values), ``n``, ``note``; None if none counted."""
    names = [name for name in {**_COUNTS, **_SHARES} if any(one.metric(name) for one in methods)]
    if not names:
        return None
    rows = [
        (one, [percent(one.metric(name)) if name in _SHARES else one.metric(name) for name in names])
        for one in methods
    ]
    number = next(value["n"] for _, values in rows for value in values if value)
    note = "Means over events and shares of all events together; nothing here says what is right."
    columns = [{**_COUNTS, **_SHARES}[name] for name in names]
    return {"columns": columns, "rows": [row for row in rows if any(row[1])], "n": number, "note": note}
