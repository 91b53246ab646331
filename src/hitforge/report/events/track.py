"""Events with tracks: hits and lines in space, across and along the beam."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from hitforge.core.arrays import Array
from hitforge.detectors import Detector, TrackerDetector, require_tracker
from hitforge.events import Events
from hitforge.report.events import EventPictures, Scene
from hitforge.report.events._track import track_scenes, tracks_figure, tracks_figures
from hitforge.report.events._track_view import stored_events, true_event
from hitforge.report.style import Picture


class TrackPictures(EventPictures):
    """Tracks of a method by what became of them; of a sample the true particles above 0.5 GeV."""

    def pictures(self, arrays: Mapping[str, Array], detector: Detector | None) -> list[Picture]:
        """Draw kept events across and along the beam."""
        return tracks_figures(stored_events(arrays, detector))

    def scenes(self, arrays: Mapping[str, Array], detector: Detector | None) -> list[Scene]:
        """Hits as points, and tracks and missed particles as lines."""
        return track_scenes(stored_events(arrays), detector)

    def suits(self, detector: Detector) -> int:
        """Trackers alone."""
        return 2 if isinstance(detector, TrackerDetector) else 0

    def event_figure(self, events: Events, index: int, detector: Detector, name: str = "") -> Figure:
        """Draw an event across and along the beam, with the true particles above 0.5 GeV."""
        return tracks_figure(true_event(events, index, require_tracker(detector, "a display of tracks"), name))

    def event_scene(self, events: Events, index: int, detector: Detector, name: str = "") -> Scene:
        """Hits are points by part of the detector, and true particles above 0.5 GeV lines through them."""
        event = true_event(events, index, require_tracker(detector, "a display of tracks"), name)
        return track_scenes([event], detector)[0]
