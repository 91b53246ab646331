"""Events as pictures and as pages to turn around, drawn by kind of object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.report.style import Picture


class EventPictures(Plugin, ABC):
    """Draws events in which objects of the kind of its name are looked for.

    Of a run it draws what the kind kept in ``display_<kind>.npz``; of a sample any event of a detector that it suits.
    """

    @abstractmethod
    def pictures(self, arrays: Mapping[str, Array]) -> list[Picture]:
        """Draw the events that a method kept; none for no arrays. Called inside ``style.look``."""

    @abstractmethod
    def page(self, arrays: Mapping[str, Array], folder: Path) -> Path | None:
        """Write the same events as a page to turn around into a method's folder; None where there is none.

        Raises:
            DataError: The file cannot be written.
        """

    def suits(self, detector: Detector) -> int:
        """How well it draws events of a detector: 0 not at all, 1 as it would any, 2 they are what it is made for."""
        return 0

    def event_picture(self, events: Events, index: int, detector: Detector, path: Path) -> Path:
        """Draw an event of a detector that it suits into a PNG file.

        Raises:
            DataError: There is no such event, it has no hits, or the file cannot be written.
            ConfigError: The kind draws no single events.
        """
        raise self._unable(detector)

    def event_page(self, events: Events, index: int, detector: Detector, path: Path) -> Path:
        """Write an event of a detector that it suits as a page that opens without network.

        Raises:
            DataError: There is no such event, it has no hits, or the file cannot be written.
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


__all__ = ["EVENTS", "EventPictures", "pictures_for"]
