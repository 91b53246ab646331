"""hitforge display: an event as a picture, or with those around it as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hitforge.cli._console import escape, out
from hitforge.core.errors import ConfigError

if TYPE_CHECKING:
    from hitforge.detectors import Detector
    from hitforge.events import Dataset, Events
    from hitforge.report.events import Scene

_AROUND = 3  # events before and after the one that is asked for


def display(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
    to: Annotated[Path, typer.Option("--out", help="A .png picture or an interactive .html page.")],
    event: Annotated[int, typer.Option(min=0, help="Number of the event in its split, from 0.")] = 0,
    split: Annotated[str, typer.Option(help="Part of the dataset.")] = "test",
) -> None:
    """Draw an event as a picture or as an interactive page, which also holds a few events before and after it.

    Example: `hitforge display my_sample --event 3 --out event.html`
    """
    from hitforge.detectors import DETECTORS
    from hitforge.events import Dataset

    if to.suffix not in (".png", ".html"):
        raise ConfigError("--out must end in .png or .html", came=to.suffix or "no ending", where=to)
    sample = Dataset(dataset)
    count = len(sample.files(split)) and sample.count(split)
    if event >= count:
        raise ConfigError(
            f"the split '{split}' has {count} events, from 0 to {count - 1}", came=f"--event {event}", where=dataset
        )
    geometry = DETECTORS.build(sample.detector_block, where=str(dataset))
    if "hits" not in next(iter(sample.read(split, {"hits"}))).collections:
        do = "the report of a run shows what it makes of single jets"
        raise ConfigError("events must have hits to be drawn", came="none in this dataset", where=dataset, do=do)
    if to.suffix == ".png":
        from hitforge.report.events import pictures_for

        events = _some(sample, split, event, event + 1)
        name = f"event {event} of {_origin(sample, split, events, 0)}"
        pictures_for(geometry).event_picture(events, 0, geometry, to, name)
        out.print(f"[bold]{escape(str(to))}[/]")
        return
    first, last = max(event - _AROUND, 0), min(event + _AROUND + 1, count)
    _page(sample, split, event, first, _some(sample, split, first, last), geometry, to)


def _page(sample: Dataset, split: str, event: int, first: int, events: Events, geometry: Detector, to: Path) -> None:
    """Write the page of events from ``first`` on, of which ``event`` is shown at first."""
    from dataclasses import replace

    from hitforge.report.events import events_page, pictures_for

    kind, place = pictures_for(geometry), 0
    scenes: list[Scene] = []
    empty: list[str] = []
    for row in range(len(events)):
        number = first + row
        if number != event and not events.hits.counts[row]:
            empty.append(str(number))
            continue
        place = len(scenes) if number == event else place
        scene = kind.event_scene(events, row, geometry, f"event {number}")
        scenes.append(replace(scene, text=(f"From {_origin(sample, split, events, row)}.", *scene.text)))
    events_page({"": scenes}, to, place)
    out.print(f"[bold]{escape(str(to))}[/]: {escape(', '.join(scene.name for scene in scenes))}")
    if empty:
        out.print(f"events without hits are left out: {escape(', '.join(empty))}")


def _some(sample: Dataset, split: str, first: int, last: int) -> Events:
    """Events of a split by number."""
    import numpy as np

    from hitforge.events import Events

    parts, begin = [], 0
    for events in sample.read(split):
        rows = np.arange(max(first - begin, 0), min(last - begin, len(events)))
        if len(rows):
            parts.append(events.take(rows))
        begin += len(events)
        if begin >= last:
            break
    return Events.concatenate(parts)


def _origin(sample: Dataset, split: str, events: Events, row: int) -> str:
    """Where an event comes from: dataset and split, and where the dataset tells it the file and its event."""
    files, text = sample.index.get("files", []), f"{sample.path.resolve().name} ({split})"
    if files and {"file", "event"} <= events.fields.keys():
        file, number = (int(events.fields[name][row]) for name in ("file", "event"))
        if file < len(files):
            text += f", event {number} of {Path(files[file]).name}"
    return text
