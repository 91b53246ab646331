"""What methods found, beside the truth: answers to the events as the detector measured them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.progress import Progress
from hitforge.events import Collection, Dataset, Events
from hitforge.events.schema import MEASURED
from hitforge.methods.stopwatch import Stopwatch
from hitforge.objects import Candidates, Kind


def match_split(
    find: Callable[[Events, Stopwatch], Candidates],
    kind: Kind,
    dataset: Dataset,
    split: str,
    region: Callable[[Events], Array | None] | None,
    watch: Stopwatch,
    progress: Progress,
) -> dict[str, Collection]:
    """Show each event as the detector measured it, and match what comes back to the truth, where there is one.

    Args:
        find: Returns the candidates of events.
        kind: Of object; knows which are to be found.
        dataset: With the events.
        split: Part of it.
        region: Gives the hits that count; None for the kind's usual ones.
        watch: Receives the times of the stages.
        progress: Is told of each shard.

    Returns:
        The tables of ``Predictions``.

    Raises:
        ConfigError: The truth is that of a part of the hits.
    """
    known = has_truth(dataset, split)
    parts: dict[str, list[Collection]] = {}
    with progress.step(f"{kind.name}s", dataset.count(split), "events") as step:
        for events in dataset.read(split):
            for name, table in match_events(find, kind, events, region, watch, dataset.path, known=known).items():
                parts.setdefault(name, []).append(table)
            step.advance(len(events))
    return {name: Collection.concatenate(tables) for name, tables in parts.items()}


def match_events(
    find: Callable[[Events, Stopwatch], Candidates],
    kind: Kind,
    events: Events,
    region: Callable[[Events], Array | None] | None,
    watch: Stopwatch,
    where: Path,
    *,
    known: bool,
) -> dict[str, Collection]:
    """Show events as the detector measured them, and match what comes back to the truth, if it is ``known``.

    Raises:
        ConfigError: The truth is that of a part of the hits; the error names ``where``.
    """
    counted = None if region is None else region(events)
    if known:
        kind.require_truth(events, counted, where)
    tables = kind.match(events, find(as_measured(events), watch), counted)
    if not known:
        tables["measured"] = kind.measured(events, counted)
    return tables


def has_truth(dataset: Dataset, split: str = "test") -> bool:
    """True if links tell from which particles the hits of a split's events came."""
    return "links" in next(iter(dataset.read(split, {"links"}))).collections


def as_measured(events: Events) -> Events:
    """Return what the detector saw alone; the clusters' weights, which tell particles from noise, are 0."""
    shown = {name: table for name, table in events.collections.items() if name in MEASURED}
    if "clusters" in shown:
        clusters = shown["clusters"]
        blind = {"weight": np.zeros(clusters.rows, np.float32)}
        shown["clusters"] = Collection(clusters.offsets, {**clusters.columns, **blind})
    return Events(shown)
