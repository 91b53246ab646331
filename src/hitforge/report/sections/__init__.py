"""Sections of a report: what the metric of a name measured is drawn by the section of the same name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from hitforge.core.registry import Plugin, Registry
from hitforge.report.results import RunResults
from hitforge.report.style import Picture


@dataclass(frozen=True)
class Subsection:
    """Pictures below one title of the page; it is left out where it has neither these nor a note.

    Attributes:
        key: Its address in the page.
        title: As it is read.
        pictures: None are left out.
        place: The page is sorted by this number.
        links: Label and address, from the run's folder, of pages that show more.
        block: Markup (``markupsafe.Markup``) between title and pictures.
        data: Names of the methods' tables that the pictures draw; the page offers them as one CSV file.
        note: What stands in place of pictures that would show too little.
    """

    key: str
    title: str
    pictures: Sequence[Picture | None]
    place: float
    links: tuple[tuple[str, str], ...] = ()
    block: str = ""
    data: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Headline:
    """Numbers that stand in a table at the top of the page, a row a method.

    Attributes:
        table: Sections that name the same one share a table.
        columns: Name of the metric's number, title, and factor that turns it into the title's unit.
        note: What is said below the table, without full stop; those of several sections are joined.
        counted: Whether the number of events is said.
    """

    table: str
    columns: tuple[tuple[str, str, float], ...]
    note: str = ""
    counted: bool = False


class Section(Plugin):
    """Draws a part of the page. All that it can say is optional.

    Attributes:
        place: Order of sections: those of metrics stand at 30 to 235, what an event costs and events at 240 to 250, and
            what went in (sample, training, graph, saliency) at 252 to 300.
        labels: Number of the metric -> its name on axes and in sentences, where the number's own will not do.
        swept: Number that the table of a sweep shows, and what it is; the first that was measured is shown.
    """

    place: ClassVar[float] = 235.0
    labels: ClassVar[dict[str, str]] = {}
    swept: ClassVar[tuple[str, str] | None] = None

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """Draw the pictures; called inside ``style.look``."""
        return ()

    def headline(self, run: RunResults) -> Headline | None:
        """Say which numbers stand at the top of the page."""
        return None

    def answer(self, run: RunResults) -> Markup | None:
        """Say in one sentence what came out."""
        return None

    def answer_picture(self, run: RunResults) -> Picture | None:
        """Draw what came out for the top of the page; called inside ``style.look``."""
        return None


SECTIONS: Registry[Section] = Registry("report.sections", Section)


def sections_of(run: RunResults) -> list[Section]:
    """Return the sections of the metrics that a run measured, in the order of the page; some metrics have none."""
    known = SECTIONS.names()
    found = [SECTIONS.build(name, where="report") for name in run.metrics if name in known]
    return sorted(found, key=lambda section: (section.place, section.name))


def labels_of(run: RunResults) -> dict[str, str]:
    """Return what the sections of a run call the numbers of their metrics."""
    return {name: label for section in sections_of(run) for name, label in section.labels.items()}


__all__ = ["SECTIONS", "Headline", "Section", "Subsection", "labels_of", "sections_of"]
