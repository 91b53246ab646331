"""Events with showers: hits, owners and boxes in space; towers on a surface of cells."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from hitforge.core.arrays import Array
from hitforge.detectors import Detector, GridDetector, LayeredDetector
from hitforge.events import Events
from hitforge.report.events import EventPictures, Scene
from hitforge.report.events._shower import shower_scenes, showers_figures
from hitforge.report.events._shower_view import stored_showers
from hitforge.report.events._space import space_figure, space_scene
from hitforge.report.events._space_view import space_of
from hitforge.report.events._surface import surface_figure, surface_scene
from hitforge.report.style import Picture


class ShowerPictures(EventPictures):
    """Showers of a method beside the true ones; of a sample hits by energy, time and owner."""

    def pictures(self, arrays: Mapping[str, Array], detector: Detector | None) -> list[Picture]:
        """Draw kept events from two sides and from the front, true above found."""
        return showers_figures(stored_showers(arrays), detector)

    def scenes(self, arrays: Mapping[str, Array], detector: Detector | None) -> list[Scene]:
        """Hits as points in the colours of their owners, with the boxes of true and found objects."""
        return shower_scenes(stored_showers(arrays), detector)

    def suits(self, detector: Detector) -> int:
        """Calorimeters, and for want of better any points in space."""
        return 2 if isinstance(detector, (GridDetector, LayeredDetector)) else 1

    def event_figure(self, events: Events, index: int, detector: Detector, name: str = "") -> Figure:
        """Draw an event.

        On a surface of cells in eta and phi: by energy, and by owner where the event has links. In a calorimeter of
        layers, and for points in space: from the side, from above and along z, where the cells of the hottest layer are
        drawn, with true and found axes and the energy of each layer.
        """
        if isinstance(detector, GridDetector):
            return surface_figure(events, index, detector, name)
        return space_figure(space_of(events, index, detector, None, name))

    def event_scene(self, events: Events, index: int, detector: Detector, name: str = "") -> Scene:
        """Return an event to turn around.

        On a surface each hit is a tower on its cell's face. In a calorimeter of layers, and for points in space, hits
        are points whose size grows with the energy, or prisms on their cells if they are few; it holds the hottest
        20,000 and says how many are left out.
        """
        if isinstance(detector, GridDetector):
            return surface_scene(events, index, detector, name)
        return space_scene(space_of(events, index, detector, name=name), detector)
