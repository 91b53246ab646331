"""Events with tracks: hits and lines in space, across and along the beam."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hitforge.core.arrays import Array
from hitforge.detectors import Detector, TrackerDetector, require_tracker
from hitforge.events import Events
from hitforge.report.events import EventPictures
from hitforge.report.events._track import tracks_figures, tracks_page, tracks_picture
from hitforge.report.events._track_view import stored_events, true_event
from hitforge.report.style import Picture


class TrackPictures(EventPictures):
    """Tracks of a method by what became of them; of a sample the true particles above 0.5 GeV."""

    def pictures(self, arrays: Mapping[str, Array]) -> list[Picture]:
        """Draw kept events across and along the beam."""
        return tracks_figures(stored_events(arrays))

    def page(self, arrays: Mapping[str, Array], folder: Path) -> Path | None:
        """Write ``tracks.html``."""
        events = stored_events(arrays)
        return tracks_page(events, folder / "tracks.html") if events else None

    def suits(self, detector: Detector) -> int:
        """Trackers alone."""
        return 2 if isinstance(detector, TrackerDetector) else 0

    def event_picture(self, events: Events, index: int, detector: Detector, path: Path) -> Path:
        """Draw an event across and along the beam, with the true particles above 0.5 GeV."""
        return tracks_picture(true_event(events, index, require_tracker(detector, "a display of tracks")), path)

    def event_page(self, events: Events, index: int, detector: Detector, path: Path) -> Path:
        """Write an event whose hits are points by part of the detector, and its true particles lines through them."""
        return tracks_page([true_event(events, index, require_tracker(detector, "a display of tracks"))], path)
