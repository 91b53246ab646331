"""What the tasks that find tracks have in common: which of them stay, and how they are fitted."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import ClassVar

import numpy as np

from hitforge.detectors import Detector, require_tracker
from hitforge.events import Collection, Events
from hitforge.objects import Candidates
from hitforge.tasks import ObjectTask
from hitforge.tasks.track_fitting import FITS


class TrackTask(ObjectTask):
    """Tracks as groups of hits; its configuration has ``quality_cut`` and ``fit``."""

    kind: ClassVar[str | None] = "track"

    @property
    def min_track_hits(self) -> int:
        """Hits of a track, at least; three without a target: fewer make no track."""
        return 3 if self.object_kind is None else int(self.object_kind.config.min_track_hits)

    def refine(self, events: Events, candidates: Candidates, detector: Detector) -> Candidates:
        """Return the candidates that pass the quality cut, fitted where ``fit`` is set."""
        if self.config.quality_cut is not None:
            start = perf_counter()
            tracker = require_tracker(detector, "a fit of tracks")
            counts = candidates.counts("track")
            stay = self.config.quality_cut.keep(events, candidates.members, tracker, counts)
            candidates = candidates.selected("track", stay)
            candidates = _timed(candidates, "quality_cut", start, len(events))
        if self.config.fit is not None:
            start = perf_counter()
            tracker = require_tracker(detector, "a fit of tracks")
            fitted = FITS.build(self.config.fit, where="task.fit").fit(events, candidates.members, tracker)
            candidates = replace(candidates, parameters=_beside(candidates.parameters, fitted))
            candidates = _timed(candidates, "fit", start, len(events))
        return candidates


def _timed(candidates: Candidates, stage: str, start: float, events: int) -> Candidates:
    """Add a stage, of which each event took the same share."""
    seconds = np.full(events, (perf_counter() - start) / max(events, 1))
    return replace(candidates, seconds={**candidates.seconds, stage: seconds})


def _beside(told: Collection | None, fitted: Collection) -> Collection:
    """Parameters that a network predicts and those of a fit of the hits, in one table."""
    return fitted if told is None else Collection(fitted.offsets, {**told.columns, **fitted.columns})
