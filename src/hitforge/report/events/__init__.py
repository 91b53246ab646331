"""Events as pictures and as pages to turn around, drawn by kind of object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.files import atomic
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.report.events._page import events_block, events_page
from hitforge.report.events._scene import Scene
from hitforge.report.style import Picture, look


class EventPictures(Plugin, ABC):
    """Draws events in which objects of the kind of its name are looked for.

    Of a run it draws what the kind kept in ``display_<kind>.npz``; of a sample any event of a detector that it suits.
    """

    @abstractmethod
    def pictures(self, arrays: Mapping[str, Array], detector: Detector | None) -> list[Picture]:
        """Draw the events that a method kept; none for no arrays. Called inside ``style.look``.

        Args:
            arrays: What the kind kept.
            detector: That of the run; None where it is not known.
        """

    def scenes(self, arrays: Mapping[str, Array], detector: Detector | None) -> list[Scene]:
        """Return the same events to turn around in the page; none where there are none. See ``pictures``."""
        return []

    def suits(self, detector: Detector) -> int:
        """How well it draws events of a detector: 0 not at all, 1 as it would any, 2 they are what it is made for."""
        return 0

    def event_figure(self, events: Events, index: int, detector: Detector, name: str = "") -> Figure:
        """Draw an event of a detector that it suits.

        Args:
            events: A sample with hits.
            index: Event to draw.
            detector: Where the hits are.
            name: What the event is called; by its number if empty.

        Raises:
            DataError: There is no such event, or it has no hits.
            ConfigError: The kind draws no single events.
        """
        raise self._unable(detector)

    def event_picture(self, events: Events, index: int, detector: Detector, path: Path, name: str = "") -> Path:
        """Draw an event into the PNG file ``path``. See ``event_figure``.

        Raises:
            DataError: The file cannot be written.
        """
        figure = self.event_figure(events, index, detector, name)
        with look(), atomic(path) as temporary:
            figure.savefig(temporary, format="png", dpi=130)
        return path

    def event_scene(self, events: Events, index: int, detector: Detector, name: str = "") -> Scene:
        """Return an event of a detector that it suits to turn around in a page. See ``event_figure``.

        Raises:
            DataError: There is no such event, or it has no hits.
            ConfigError: The kind draws no single events.
        """
        raise self._unable(detector)

    def _unable(self, detector: Detector) -> ConfigError:
        return ConfigError(f"events of the kind '{self.name}' are drawn in reports alone", came=detector.name)


EVENTS: Registry[EventPictures] = Registry("report.events", EventPictures)  # type: ignore[type-abstract]


def pictures_for(detector: Detector) -> EventPictures:
    """Return what draws events of a detector best; of equals the first by name."""
    every = [EVENTS.build(name, where="display") for name in EVENTS.usable()]
    return max(every, key=lambda one: one.suits(detector))


__all__ = ["EVENTS", "EventPictures", "Scene", "events_block", "events_page", "pictures_for"]
