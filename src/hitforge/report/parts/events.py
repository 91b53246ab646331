"""Some test events, with what was found in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from markupsafe import Markup

from hitforge.core.errors import HitforgeError
from hitforge.detectors import DETECTORS, Detector
from hitforge.report.events import EVENTS, Scene, events_block, events_page
from hitforge.report.results import RunResults
from hitforge.report.sections import Section, Subsection

_MOST = 3_000_000  # [bytes] that events add to the report, which people send by mail


class EventsPart(Section):
    """Events of the first method as pictures, and of all methods to turn around.

    The report holds them itself, so that whoever is sent this one file sees them. Methods beyond ``_MOST`` bytes are
    left out of it, and ``events.html`` beside the report holds all.
    """

    place: ClassVar[float] = 250.0

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        """One of them; a kind that nobody draws is left out."""
        stored = dict.fromkeys(kind for one in run.methods for kind in one.displays)
        drawn = {kind: EVENTS.build(kind, where="report") for kind in stored if kind in EVENTS.names()}
        detector = _detector(run) if drawn else None
        first = run.methods[0].displays if run.methods else {}
        pictures = [picture for kind in drawn for picture in drawn[kind].pictures(first.get(kind, {}), detector)]
        scenes: dict[str, list[Scene]] = {}
        for one in run.methods:
            found = [scene for kind in drawn for scene in drawn[kind].scenes(one.displays.get(kind, {}), detector)]
            if found:
                scenes[one.label] = found
        block, links = _to_turn(run, scenes)
        yield Subsection("events", "Events", pictures, self.place, links, block=block)


def _detector(run: RunResults) -> Detector | None:
    """The detector of the recipe, for its outline; None where it cannot be built here, for then there is no outline."""
    try:
        return DETECTORS.build(run.recipe["detector"], where="recipe.yaml")
    except (KeyError, HitforgeError):
        return None


def _to_turn(run: RunResults, scenes: dict[str, list[Scene]]) -> tuple[Markup, tuple[tuple[str, str], ...]]:
    """As many methods as the report has room for, and a link to the page of all where that are not all."""
    if not scenes:
        return Markup(), ()
    names, block = list(scenes), events_block(scenes)
    held = len(names)
    while len(block) > _MOST and held > 0:
        held -= 1
        block = events_block({name: scenes[name] for name in names[:held]}) if held else Markup()
    if held == len(names):
        return block, ()
    page = events_page(scenes, run.folder / "events.html")
    label = f"events of {', '.join(names[held:])}, too, are in {page.name} beside this file: send both"
    return block, ((label, page.name),)
