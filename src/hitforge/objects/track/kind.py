"""Tracks, groups of hits of a tracker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin
from hitforge.detectors import require_tracker
from hitforge.events import Collection, Events
from hitforge.objects import Candidates, Kind
from hitforge.objects.track.display_data import shown_tracks
from hitforge.objects.track.matching import match
from hitforge.objects.track.target import TrackTarget

_FITTED = {"loc0": "mm", "z0": "mm", "phi": "rad", "theta": "rad", "q_over_p": "1/GeV"}
_UNITS = {
    "tracks": {**_FITTED, **{f"sigma_{name}": unit for name, unit in _FITTED.items()}},
    "particles": {"charge": "e", "pt": "GeV", "phi": "rad", **dict.fromkeys(("radius", "vz", "d0", "z0"), "mm")},
}


class Track(Kind):
    """Tracks. What is known of a candidate: loc0, z0 [mm], phi, theta, q_over_p [1/GeV], ``sigma_`` of each, chi2, ndf.

    Columns are NaN where a fit failed.
    """

    Config = TrackTarget
    config: TrackTarget
    units = MappingProxyType(_UNITS)

    def match(self, events: Events, candidates: Candidates, region: Array | None) -> dict[str, Collection]:
        """Count the hits that tracks and particles share; see ``hitforge.objects.track.matching.match``."""
        tables = match(events, candidates.members, candidates.parameters, region)
        return {**tables, "members": candidates.members}

    def measured(self, events: Events, region: Array | None) -> Collection:
        """Return ``hits``, the number of hits that count, of each event."""
        used = np.ones(events.hits.rows) if region is None else region.astype(np.float64)
        columns = {"hits": events.hits.sum(used).astype(np.int64)}
        return Collection.from_counts(np.ones(len(events), np.int64), columns)

    @staticmethod
    def counted(objects: Collection, measured: Collection | None) -> dict[str, tuple[Array, Array | None, str]]:
        """Return ``hits_per_track``."""
        length = objects.sum(objects["hits"].astype(np.float64))
        return {"hits_per_track": (length, objects.counts, "mean number of hits of a track")}

    def display(
        self, events: Events, tables: Mapping[str, Collection], metrics: Sequence[Plugin] = ()
    ) -> dict[str, Array]:
        """Return a few events with their tracks; see ``hitforge.objects.track.display_data``."""
        return shown_tracks(events, tables, self.config).arrays()

    def require_truth(self, events: Events, region: Array | None, where: Path) -> None:
        """Refuse events of which the field ``truth``, which readers of real files give, says that it is not whole.

        Raises:
            ConfigError: An event has no truth, or that of its pixels alone, and hits of strips count.
        """
        if "truth" not in events.fields:
            return
        pixels = require_tracker(self.detector, "a search for tracks").pixel_volumes
        hits, known = events.hits, events.fields["truth"][events.hits.event]
        used = np.ones(hits.rows, bool) if region is None else region
        dark = (known == 0) | ((known == 1) & ~np.isin(hits["subsystem"], pixels))
        bad = np.flatnonzero(used & dark)
        if len(bad):
            partly = known[bad[0]] == 1
            raise ConfigError(
                "the truth must speak of all hits that tracks are measured by",
                came="that of the pixels alone, and hits of strips" if partly else "an event without truth",
                where=f"event {hits.event[bad[0]]} of {where}",
                do="set 'subsystems: pixel' in the target, or in the source" if partly else "leave it out",
            )
