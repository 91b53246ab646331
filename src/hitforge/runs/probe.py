"""A few events of a source, made to learn what all of them will take."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hitforge.events import Events, Source
from hitforge.events.source import SPLITS
from hitforge.events.storage import write_shard

_SIZES = (*SPLITS, "shard_size")
_FIRST = 4  # events that are made to learn how long one takes
_MOST = 256


@dataclass(frozen=True)
class Probe:
    """A few events, and what one takes.

    Attributes:
        events: They themselves.
        disk: Of one event in a dataset [bytes].
        seconds: Of one process for one event, with everything compiled and read in.
        counts: Events of each split in the whole sample; of files, where all shards are as large as this one.
    """

    events: Events
    disk: float
    seconds: float
    counts: dict[str, int]


def probe(source: Source, budget: float = 1.0) -> Probe:
    """Make a few events: as many as fit into a time, but at least four; of files, the events of one shard.

    Args:
        source: Simulation or reader.
        budget: Time to spend, beside what is compiled or read in at first [s].
    """
    counts = counts_of(source)
    shards = source.splits()
    split = next(name for name in reversed(SPLITS) if shards.get(name))
    if counts is None:
        start = time.perf_counter()
        events = source.shard(split, 0)
        seconds = (time.perf_counter() - start) / max(len(events), 1)
        counts = {name: number * len(events) for name, number in shards.items()}
        return Probe(events, _disk(events), seconds, counts)
    few = smaller(source, dict.fromkeys(SPLITS, _FIRST), _FIRST)
    few.shard(split, 0)
    start = time.perf_counter()
    events = few.shard(split, 0)
    seconds = (time.perf_counter() - start) / _FIRST
    number = int(np.clip(budget / max(seconds, 1e-9), _FIRST, _MOST))
    if number >= 2 * _FIRST:
        start = time.perf_counter()
        events = smaller(source, dict.fromkeys(SPLITS, number), number).shard(split, 0)
        seconds = (time.perf_counter() - start) / number
    return Probe(events, _disk(events), seconds, counts)


def counts_of(source: Source) -> dict[str, int] | None:
    """Return the events of each split of a simulation; None where only the files know."""
    if not all(isinstance(getattr(source.config, name, None), int) for name in _SIZES):
        return None
    return {name: getattr(source.config, name) for name in SPLITS}


def smaller(source: Source, counts: dict[str, int], shard_size: int) -> Source:
    """Return the same simulation with fewer events."""
    settings = {**counts, "shard_size": shard_size}
    return type(source)(source.config.model_copy(update=settings), source.detector)


def _disk(events: Events) -> float:
    """Bytes that an event adds to a shard."""
    with tempfile.TemporaryDirectory(prefix="hitforge-") as folder:
        path, sizes = Path(folder) / "events.parquet", []
        half = len(events) // 2
        for part in (events, events.take(np.arange(half))):
            write_shard(path, part)
            sizes.append(path.stat().st_size)
    if len(events) < 8:  # mostly the description of its columns
        return sizes[0] / max(len(events), 1)
    return (sizes[0] - sizes[1]) / (len(events) - half)
