"""The quality cut on tracks: which short ones stay, by a fit of their hits."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.detectors import TrackerDetector
from hitforge.events import Collection, Events
from hitforge.objects import Candidates
from hitforge.tasks.track_fitting import FITS


class QualityCut(config.Config):
    """Short tracks stay only if a fit of their hits is good: most false ones are short, and kinked."""

    fit: dict[str, Any] = Field(
        default_factory=lambda: {"name": "kalman"},
        description="the fit whose chi2 is cut on",
        json_schema_extra={"plugins": "tasks.track_fitting"},
    )
    hits: int = Field(5, ge=3, le=100, description="tracks with more hits than this stay without a fit")
    max_chi2: float = Field(8.0, gt=0, le=1e6, description="largest chi2 over degrees of freedom of a track that stays")
    max_loc0: float | None = Field(
        None, gt=0, le=1000, description="largest transverse impact parameter of one that stays [mm]; none: any"
    )

    def passed(self, events: Events, candidates: Candidates, detector: TrackerDetector) -> Candidates:
        """Return the tracks that stay; the time it took, shared evenly by the events, is the stage ``quality_cut``."""
        start = perf_counter()
        counts = candidates.counts("track")
        kept = candidates.selected("track", self.keep(events, candidates.members, detector, counts))
        seconds = np.full(len(events), (perf_counter() - start) / max(len(events), 1))
        return replace(kept, seconds={**kept.seconds, "quality_cut": seconds})

    def keep(self, events: Events, tracks: Collection, detector: TrackerDetector, counts: Array) -> Array:
        """Return which tracks stay, (T,) bool, event by event; those whose fit fails stay.

        Args:
            events: As ``TrackFit.fit`` takes them.
            tracks: The same.
            detector: The same.
            counts: Number of tracks in each event, (N,).
        """
        begin = np.cumsum(counts) - counts
        row = begin[tracks.event] + tracks["track"]
        short = np.bincount(row, minlength=int(counts.sum())) <= self.hits
        number_of_short = np.cumsum(short) - 1  # number among the short ones of all events
        per_event = np.add.reduceat(np.append(short, False), begin) * (counts > 0)
        first = np.cumsum(per_event) - per_event
        some = tracks.select_rows(short[row])
        number = number_of_short[row[short[row]]] - first[some.event]
        some = Collection(some.offsets, {**some.columns, "track": number.astype(np.int32)})
        fitted = FITS.build(self.fit, where="quality_cut.fit").fit(events, some, detector, per_event)
        stay = np.ones(len(short), bool)
        with np.errstate(invalid="ignore"):
            bad = fitted["chi2"] > self.max_chi2 * np.maximum(fitted["ndf"], 1)
            if self.max_loc0 is not None:
                bad |= np.abs(fitted["loc0"]) > self.max_loc0
        stay[short] = ~bad
        return stay


__all__ = ["QualityCut"]
