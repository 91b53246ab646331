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
            tracker = require_tracker(detector, "a fit of tracks")
            candidates = self.config.quality_cut.passed(events, candidates, tracker)
        if self.config.fit is not None:
            start = perf_counter()
            tracker = require_tracker(detector, "a fit of tracks")
            fitted = FITS.build(self.config.fit, where="task.fit").fit(events, candidates.members, tracker)
            candidates = replace(candidates, parameters=_beside(candidates.parameters, fitted))
            seconds = np.full(len(events), (perf_counter() - start) / max(len(events), 1))  # the same share each
            candidates = replace(candidates, seconds={**candidates.seconds, "fit": seconds})
        return candidates


def _beside(told: Collection | None, fitted: Collection) -> Collection:
    """Parameters that a network predicts and those of a fit of the hits, in one table."""
    return fitted if told is None else Collection(fitted.offsets, {**told.columns, **fitted.columns})
