"""Some test events, with what was found in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import quote

from hitforge.report.events import EVENTS, EventPictures
from hitforge.report.results import RunResults
from hitforge.report.sections import Section, Subsection


class EventsPart(Section):
    """Events of the first method as pictures, and of each method as a page in its folder to turn around."""

    place: ClassVar[float] = 250.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them; a kind that nobody draws is left out."""
        stored = dict.fromkeys(kind for one in run.methods for kind in one.displays)
        drawn = {kind: EVENTS.build(kind, where="report") for kind in stored if kind in EVENTS.names()}
        first = run.methods[0].displays if run.methods else {}
        pictures = [picture for kind in drawn for picture in drawn[kind].pictures(first.get(kind, {}))]
        yield Subsection("events", "Events", pictures, self.place, _pages(run, drawn))


def _pages(run: RunResults, drawn: dict[str, EventPictures]) -> tuple[tuple[str, str], ...]:
    """Write the page of each method that kept events; label and address from the report."""
    links = []
    for one in run.methods:
        for kind, arrays in one.displays.items():
            page = drawn[kind].page(arrays, run.folder / one.path) if kind in drawn else None
            if page is not None:
                links.append((one.label, quote(f"{one.path}/{page.name}".removeprefix("./"))))
    return tuple(links)
