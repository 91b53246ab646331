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
_REPEATS = 3  # the shortest counts: other work on the machine comes and goes


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
        events, seconds = _made(source, split)
        counts = {name: number * len(events) for name, number in shards.items()}
        return Probe(events, _disk(events), seconds, counts)
    few = smaller(source, dict.fromkeys(SPLITS, _FIRST), _FIRST)
    few.shard(split, 0)
    events, seconds = _made(few, split)
    number = int(np.clip(budget / _REPEATS / max(seconds, 1e-9), _FIRST, _MOST))
    if number >= 2 * _FIRST:
        many = smaller(source, dict.fromkeys(SPLITS, number), number)
        tries = [_made(many, split) for _ in range(_REPEATS)]
        events, seconds = tries[0][0], min(seconds for _, seconds in tries)
    return Probe(events, _disk(events), seconds, counts)


def _made(source: Source, split: str) -> tuple[Events, float]:
    """Events of the first shard, and the time for one [s]."""
    start = time.perf_counter()
    events = source.shard(split, 0)
    return events, (time.perf_counter() - start) / max(len(events), 1)


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
