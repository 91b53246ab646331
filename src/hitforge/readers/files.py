"""What readers of files share: the split, reading in blocks, errors of foreign libraries, counted drops."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError, HitforgeError
from hitforge.core.random import stream
from hitforge.detectors import Detector
from hitforge.detectors.point_cloud import PointCloud
from hitforge.events import Collection, Events, FieldInfo
from hitforge.events.schema import ORIGIN
from hitforge.readers._paths import PathsConfig, PathsReader

_SPLITS = ("train", "validation", "test")

HITS = ("x", "y", "z", "time", "energy", "cell", "layer", "subsystem")
"""Columns of a hit."""


class SplitConfig(PathsConfig):
    """Files and splits."""

    validation: float = Field(0.0, ge=0, le=1, description="share of the events for validation")
    test: float = Field(1.0, ge=0, le=1, description="share of the events for the test; the rest is for training")
    seed: int = Field(1, ge=0, description="of the split")
    limit: int | None = Field(None, ge=1, description="read the first events of each file only")
    shard_events: int = Field(10_000, ge=1, description="most events in a shard")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.validation + self.test > 1:
            raise ValueError("validation and test together must be at most 1")
        return self


class SplitReader(PathsReader):
    """Divides the events of any number of files; each is drawn into a split by the seed and its number alone.

    All files advance together, so that every shard has its share of each.
    """

    BLOCK = 256
    """Events of a file that are read at a time, at most."""

    @abstractmethod
    def count(self, path: Path) -> int:
        """Return the number of events in a file; refuse a wrong layout."""

    @abstractmethod
    def _block(self, number: int, path: Path, rows: Array) -> Events:
        """Return the events ``rows``, in rising order and within a block, of file ``number``."""

    @cached_property
    def _rows(self) -> dict[str, list[Array]]:
        """Numbers of the events of each file that belong to a split, in rising order."""
        result: dict[str, list[Array]] = {split: [] for split in _SPLITS}
        edges = np.cumsum([1 - self.config.validation - self.config.test, self.config.validation])
        for index, path in enumerate(self._files):
            with foreign(path):
                count = self.count(path)
            if not count:
                raise DataError("the file must hold events", came="0", where=path)
            draw = stream(self.config.seed, "split", index).random(min(count, self.config.limit or count))
            which = np.searchsorted(edges, draw, side="right")
            for number, split in enumerate(_SPLITS):
                result[split].append(np.flatnonzero(which == number))
        return result

    def splits(self) -> dict[str, int]:
        """Return the number of shards of each split.

        Raises:
            DataError: A file is missing, damaged, empty, or not of this layout.
        """
        return {split: -(-sum(map(len, rows)) // self.config.shard_events) for split, rows in self._rows.items()}

    def _gather(self, split: str, index: int) -> tuple[Events, Array]:
        """Return the events of a shard, file by file, and the turn of each among all files, (N,)."""
        shards, rows = self.splits()[split], self._rows[split]
        # the k-th of n events of a file stands at (k + 1/2) / n
        turn = np.argsort(np.concatenate([(np.arange(len(r)) + 0.5) / max(len(r), 1) for r in rows]), kind="stable")
        owner = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
        mine = turn[len(turn) * index // shards : len(turn) * (index + 1) // shards]
        parts, place = [], []
        for number, path in enumerate(self._files):
            at = np.flatnonzero(owner[mine] == number)
            rising = np.concatenate(rows)[mine[at]]  # in rising order
            for block in np.split(np.arange(len(at)), np.flatnonzero(np.diff(rising // self.BLOCK)) + 1):
                if len(block):
                    with foreign(path):
                        parts.append(_placed(self._block(number, path, rising[block]), number, rising[block]))
                    place.append(at[block])
        return Events.concatenate(parts), np.concatenate(place)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is quickly found again: a source is sent to a worker process for every shard."""
        kept = {"_named": self._named} if "_named" in vars(self) else {}  # a pattern might match more by then
        return {"config": self.config, "detector": self.detector, **kept}


def _placed(events: Events, file: int, rows: Array) -> Events:
    """Say where events come from; a number that the format itself gives stays."""
    fields = {"file": np.full(len(events), file), "event": rows}
    fields |= {name: events.fields[name] for name in fields if name in events.fields}
    return events.with_fields(fields, {name: ORIGIN[name] for name in fields})


class FileConfig(SplitConfig):
    """Files, splits and limits."""

    renamed: ClassVar[dict[str, str]] = {"most_hits": "max_hits"}

    max_hits: int = Field(5_000_000, ge=1, description="an event with more hits is an error, before memory is full")


class FileReader(SplitReader):
    """Reads stretches of files; the events of a shard stand in the turn of the files and tell where they came from."""

    @abstractmethod
    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the events ``first`` to ``last - 1`` of a file."""

    def shard(self, split: str, index: int) -> Events:
        """Return shard ``index`` of a split, in the order of the files.

        Raises:
            DataError: A file is damaged, a value is not physical, or an event too large; with file and event.
        """
        events, place = self._gather(split, index)
        return events.take(np.argsort(place))

    def _block(self, number: int, path: Path, rows: Array) -> Events:
        first = int(rows[0])
        events = self.read(path, first, int(rows[-1]) + 1).take(rows - first)
        events.check(where=f"{path}, events from {first}")
        return events

    def refuse_large(self, counts: Array, path: Path, first: int) -> None:
        """Refuse an event that has too many hits: ``counts``, (N,), are those of the events from ``first`` on."""
        large = np.flatnonzero(counts > self.config.max_hits)
        if len(large):
            raise DataError(
                f"an event must have at most {self.config.max_hits} hits",
                came=int(counts[large[0]]),
                where=f"{path}, event {first + int(large[0])}",
                do="raise 'max_hits' if the memory allows it",
            )


def sums(index: Array, values: Array | None, count: int) -> Array:
    """Sum values (ones if None) by index, (rows,) -> (count,) float64."""
    return np.bincount(index, values, count).astype(np.float64)


def drops(event: Array, energy: Array, reasons: Mapping[str, Array], count: int) -> dict[str, tuple[Array, FieldInfo]]:
    """Return the event fields that tell what was left out and why.

    Args:
        event: Event of each hit in the file, (rows,).
        energy: (rows,) [GeV].
        reasons: Reason -> which hits were left out for it, (rows,) bool; a hit has one reason at most.
        count: Number of events.
    """
    gone = np.zeros(len(event), np.bool_)
    result = {}
    for reason, which in reasons.items():
        gone |= which
        info = FieldInfo("int32", "", f"hits left out: {reason.replace('_', ' ')}")
        result[f"dropped_{reason}"] = (sums(event[which], None, count), info)
    info = FieldInfo("int32", "", "hits in the file that could not be kept, for whatever reason")
    result["dropped_hits"] = (sums(event[gone], None, count), info)
    info = FieldInfo("float32", "GeV", "energy of the hits that could not be kept")
    return result | {"dropped_energy": (sums(event[gone], energy[gone], count), info)}


def build(
    counts: Array, columns: Mapping[str, Array], fields: Mapping[str, tuple[Array, FieldInfo]], **more: Collection
) -> Events:
    """Put hits, further collections and described fields together."""
    return Events(
        {**more, "hits": Collection.from_counts(counts, columns)},
        {name: values for name, (values, _) in fields.items()},
        {name: info for name, (_, info) in fields.items()},
    )


def physical(values: Mapping[str, Array], event: Array, path: Path, first: int) -> None:
    """Refuse hits with values that are not finite, or a negative energy.

    Raises:
        DataError: With file, event and column.
    """
    for name, column in values.items():
        bad = np.flatnonzero(~np.isfinite(column))
        if len(bad):
            _unphysical(f"'{name}' of a hit must be finite", column, bad, event, path, first)
    if "energy" in values:
        bad = np.flatnonzero(values["energy"] < 0)
        if len(bad):
            _unphysical("'energy' of a hit must be >= 0", values["energy"], bad, event, path, first)


def _unphysical(must: str, column: Array, bad: Array, event: Array, path: Path, first: int) -> None:
    came = f"{column[bad[0]]}, and such values in {len(bad) - 1} more hits"
    raise DataError(must, came=came, where=f"{path}, event {first + int(event[bad[0]])}")


def require_point_cloud(detector: Detector, who: str) -> None:
    """Refuse a detector whose cells are not those of the file.

    Raises:
        ConfigError: The detector is not ``point_cloud``.
    """
    if not isinstance(detector, PointCloud):
        raise ConfigError(f"{who} needs the detector point_cloud", came=detector.name, where="detector")


@contextmanager
def foreign(path: Path) -> Iterator[None]:
    """Turn every error of a file library into one sentence that names the file."""
    try:
        yield
    except HitforgeError:
        raise
    except MemoryError as error:
        raise DataError("the events must fit into memory", came=error or "no memory", where=path) from None
    except Exception as error:  # the libraries of ROOT, HDF5 and Parquet each have dozens of their own
        text = str(error).strip()
        came = text.splitlines()[0][:200] if text else type(error).__name__
        raise DataError("the file must be whole and readable", came=came, where=path, do="fetch it again") from None
