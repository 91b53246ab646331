"""hitforge display: an event as a picture or a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hitforge.cli._console import out
from hitforge.core.errors import ConfigError


def display(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
    to: Annotated[Path, typer.Option("--out", help="A .png picture or an interactive .html page.")],
    event: Annotated[int, typer.Option(min=0, help="Number of the event in its split.")] = 0,
    split: Annotated[str, typer.Option(help="Part of the dataset.")] = "test",
) -> None:
    """Draw an event as a picture or as an interactive page.

    Example: `hitforge display my_sample --event 3 --out event.html`
    """
    from hitforge.detectors import DETECTORS
    from hitforge.events import Dataset
    from hitforge.report.events import pictures_for

    sample = Dataset(dataset)
    geometry = DETECTORS.build(sample.index["description"]["detector"], where=str(dataset))
    if to.suffix not in (".png", ".html"):
        raise ConfigError("--out must end in .png or .html", came=to.suffix or "no ending")
    index = event
    for events in sample.read(split):
        if index < len(events):
            kind = pictures_for(geometry)
            draw = kind.event_page if to.suffix == ".html" else kind.event_picture
            draw(events, index, geometry, to)
            out.print(f"[bold]{to}[/]")
            return
        index -= len(events)
    raise ConfigError(f"the split '{split}' has {sample.count(split)} events", came=f"--event {event}")
