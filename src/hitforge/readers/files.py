"""What readers of files share: the split, reading in blocks, counted drops, hits beside the detector."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.detectors import Detector, LayeredDetector, TrackerDetector
from hitforge.events import Collection, Events, FieldInfo
from hitforge.events.schema import ORIGIN
from hitforge.readers._foreign import foreign as foreign
from hitforge.readers._paths import PathsConfig, PathsReader

_SPLITS = ("train", "validation", "test")
_ROUNDING = 1e-9

EMPTY = FieldInfo("int8", "", "1 for an event without a hit, or a jet without a constituent", "sum")
"""The event field that counts them."""

HITS = ("x", "y", "z", "time", "energy", "cell", "layer", "subsystem")
"""Columns of a hit."""


class SplitConfig(PathsConfig):
    """Files and splits."""

    validation: float = Field(0.0, ge=0, le=1, description="share of the events for validation")
    test: float = Field(1.0, ge=0, le=1, description="share of the events for the test; the rest is for training")
    fold: int = Field(
        0,
        ge=0,
        description="of a cross-validation: folds 0, 1, 2 and on test one share 'test' of the events after another",
    )
    seed: int = Field(1, ge=0, description="of the split")
    limit: int | None = Field(None, ge=1, description="read the first events of each file only")
    shard_events: int = Field(10_000, ge=1, description="most events in a shard")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.validation + self.test > 1:
            raise ValueError("validation and test together must be at most 1")
        if self.fold and (self.fold + 1) * self.test > 1 + _ROUNDING:
            raise ValueError(
                f"with test: {self.test:g} there are the folds 0 to {int((1 + _ROUNDING) / self.test) - 1}"
            )
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

    def groups(self, path: Path, count: int) -> Array | None:
        """Return a number for each of the first ``count`` events of a file, (count,); None where each is by itself.

        Events of one number stand in one split.
        """
        return None

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
            draw = self._draw(index, path, min(count, self.config.limit or count))
            which = np.searchsorted(edges, (draw + self.config.fold * self.config.test) % 1.0, side="right")
            for number, split in enumerate(_SPLITS):
                result[split].append(np.flatnonzero(which == number))
        return result

    def _draw(self, index: int, path: Path, count: int) -> Array:
        """A number between 0 and 1 for each event of a file, the same for those of a group, (count,)."""
        with foreign(path):
            groups = self.groups(path, count)
        if groups is None:
            return stream(self.config.seed, "split", index).random(count)
        _, start, member = np.unique(groups, return_index=True, return_inverse=True)
        turn = np.argsort(np.argsort(start))  # groups are numbered as they come: more events change no draw before them
        return stream(self.config.seed, "split", index).random(len(start))[turn[member]]

    def splits(self) -> dict[str, int]:
        """Return the number of shards of each split.

        Raises:
            DataError: A file is missing, damaged, empty, or not of this layout.
        """
        return {split: -(-sum(map(len, rows)) // self.config.shard_events) for split, rows in self._rows.items()}

    def _gather(self, split: str, index: int) -> tuple[Events, Array]:
        """Return the events of a shard, file by file, and the turn of each among all files, (N,)."""
        shards, rows = self.splits()[split], self._rows[split]
        if not 0 <= index < shards:
            came = f"{index}, of {shards}"
            raise DataError(f"the split '{split}' must have the shard", came=came, do="ask splits() how many there are")
        # the k-th of n events of a file stands at (k + 1/2) / n
        turn = np.argsort(np.concatenate([(np.arange(len(r)) + 0.5) / max(len(r), 1) for r in rows]), kind="stable")
        owner = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
        mine = turn[len(turn) * index // shards : len(turn) * (index + 1) // shards]
        parts, place = list[Events](), []
        for number, path in enumerate(self._files):
            at = np.flatnonzero(owner[mine] == number)
            rising = np.concatenate(rows)[mine[at]]  # in rising order
            for block in np.split(np.arange(len(at)), np.flatnonzero(np.diff(rising // self.BLOCK)) + 1):
                if len(block):
                    with foreign(path):
                        parts.append(_placed(self._told(number, path, rising[block]), number, rising[block]))
                    _refuse_other(parts, path)
                    place.append(at[block])
        return self._refuse_repeated(Events.concatenate(parts)), np.concatenate(place)

    def _told(self, number: int, path: Path, rows: Array) -> Events:
        """Return a block; an error says at least in which file and events it is."""
        try:
            return self._block(number, path, rows)
        except DataError as error:
            if error.where is not None:
                raise
            where = f"{path}, events {rows[0]} to {rows[-1]}"
            raise DataError(error.must, came=error.came, where=where, do=error.do) from None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is quickly found again: a source is sent to a worker process for every shard."""
        kept = {"_named": self._named} if "_named" in vars(self) else {}  # a pattern might match more by then
        return {"config": self.config, "detector": self.detector, **kept}


def _refuse_other(parts: list[Events], path: Path) -> None:
    """Refuse a part, the last one, that has other collections or fields than the first."""
    first, last = ({*part.collections, *(f"field {name}" for name in part.fields)} for part in (parts[0], parts[-1]))
    if first != last:
        less, more = (", ".join(sorted(some)) for some in (first - last, last - first))
        raise DataError(
            "all files must hold the same",
            came=" and ".join([f"none of {less}"] * bool(less) + [f"also {more}"] * bool(more))
            + ", unlike those before",
            where=path,
            do="read them apart, or without what only some of them have, such as truth",
        )


def _placed(events: Events, file: int, rows: Array) -> Events:
    """Say where events come from; a number that the format itself gives stays."""
    fields = {"file": np.full(len(events), file), "event": rows}
    fields |= {name: events.fields[name] for name in fields if name in events.fields}
    info = {name: ORIGIN[name] for name in fields}
    return events.with_fields({**fields, "empty_events": events.measured.counts == 0}, {**info, "empty_events": EMPTY})


class StretchReader(SplitReader):
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


class FileConfig(SplitConfig):
    """Files, splits and limits."""

    renamed: ClassVar[dict[str, str]] = {"most_hits": "max_hits"}

    max_hits: int = Field(5_000_000, ge=1, description="an event with more hits is an error, before memory is full")


class FileReader(StretchReader):
    """Reads hits, refuses events with too many of them, and files of which none lies in the detector."""

    def _block(self, number: int, path: Path, rows: Array) -> Events:
        first = int(rows[0])
        self._seen = _Seen()
        events = self.read(path, first, int(rows[-1]) + 1).take(rows - first)
        if self._seen.rows and not self._seen.kept:
            self._refuse_all_dropped(path)
        events.check(where=f"{path}, events from {first}")
        return events

    def saw(self, kept: Array, **place: Array) -> None:
        """Note which of the hits that were read lie in the detector; a file of which none does is refused.

        Every reader that leaves hits out calls it in ``read``, once for each stretch of rows.

        Args:
            kept: (rows,) bool.
            place: What the file says of each row, (rows,), by name: ``x``, ``y``, ``z`` [mm], or ``layer``.
        """
        self._seen.add(kept, place)

    @cached_property
    def _seen(self) -> _Seen:
        return _Seen()

    @cached_property
    def _fitting(self) -> set[Path]:
        """Files of which a hit was kept, where that had to be looked for."""
        return set()

    def _refuse_all_dropped(self, path: Path) -> None:
        """Read on until a hit of the file is kept.

        Raises:
            DataError: None is.
        """
        if path in self._fitting:
            return
        seen = self._seen = _Seen()
        last = min(self.count(path), self.config.limit or sys.maxsize)
        for first in range(0, last, self.BLOCK):
            self.read(path, first, min(first + self.BLOCK, last))
            if seen.kept:
                self._fitting.add(path)
                return
        raise DataError(
            f"a hit of the file must lie in the detector '{self.detector.name}'",
            came=f"none of {seen.rows} hits: {seen}{_extent(self.detector)}",
            where=path,
            do="check the unit of the file, the settings of the reader, and which detector it is",
        )

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


@dataclass
class _Seen:
    """Hits that were read, those of them that were kept, and between which values they lie."""

    rows: int = 0
    kept: int = 0
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, kept: Array, place: Mapping[str, Array]) -> None:
        self.rows, self.kept = self.rows + len(kept), self.kept + int(kept.sum())
        for name, values in place.items() if len(kept) else ():
            low, high = self.ranges.get(name, (np.inf, -np.inf))
            self.ranges[name] = min(low, float(values.min())), max(high, float(values.max()))

    def __str__(self) -> str:
        return ", ".join(f"{name} from {low:.6g} to {high:.6g}" for name, (low, high) in self.ranges.items())


def _extent(detector: Detector) -> str:
    """Where a detector's layers or sensors lie, in words."""
    if isinstance(detector, LayeredDetector):
        z = detector.layers.z
        return f"; the detector has {len(z)} layers with abs(z) from {z.min():.6g} to {z.max():.6g} mm"
    if isinstance(detector, TrackerDetector):
        low, high = detector.modules.centre.min(axis=0), detector.modules.centre.max(axis=0)
        axes = (f"{name} from {a:.6g} to {b:.6g}" for name, a, b in zip("xyz", low, high, strict=True))
        return f"; the detector's sensors have {', '.join(axes)} mm"
    return ""


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
        info = FieldInfo("int32", "", f"hits left out: {reason.replace('_', ' ')}", "sum")
        result[f"dropped_{reason}"] = (sums(event[which], None, count), info)
    info = FieldInfo("int32", "", "hits in the file that could not be kept, for whatever reason", "sum")
    result["dropped_hits"] = (sums(event[gone], None, count), info)
    info = FieldInfo("float32", "GeV", "energy of the hits that could not be kept", "sum")
    return result | {"dropped_energy": (sums(event[gone], energy[gone], count), info)}


_EXCESS, _OTHER_UNIT = 2.0, 100.0
_ENOUGH, _MUON = 20, 13


def response_flags(
    deposit: Array, true: Array, lowest: float, pdg: int, path: Path, first: int
) -> dict[str, tuple[Array, FieldInfo]]:
    """Return the event fields that tell where hits have far more, or next to nothing, of the particle's energy.

    Args:
        deposit: Energy of all hits of each event, (n,) [GeV].
        true: True energy of its particle, (n,) [GeV], positive.
        lowest: Share of the true energy below which hits of such a detector have next to nothing.
        pdg: PDG number of the particles; of a muon's energy the hits may have next to nothing.
        path: Of the file, for the error.
        first: Number of the first event.

    Raises:
        DataError: Most events have so much more, or all of at least 20 so much less, that one of the two must be in
            another unit.
    """
    ratio = np.divide(deposit, true, out=np.zeros(len(true)), where=true > 0)
    lit = ratio > 0
    little = int(lit.sum()) >= _ENOUGH and abs(pdg) != _MUON and bool((ratio[lit] < lowest).all())
    if little or (len(ratio) and np.median(ratio) > _OTHER_UNIT):
        raise DataError(
            "the hits of an event must have a part of its particle's energy"
            if little
            else "the hits of an event must not have more energy than its particle",
            came=f"{np.median(ratio):.4g} times as much, in the middle of {len(ratio)} events",
            where=f"{path}, events from {first}",
            do="give both in the unit of the format",
        )
    more = FieldInfo("int8", "", f"1 where the hits have over {_EXCESS:g} times the true energy", "sum")
    less = FieldInfo("int8", "", f"1 where the hits have less than {lowest:g} of the true energy, but some", "sum")
    return {"excess_events": (ratio > _EXCESS, more), "deficit_events": (lit & (ratio < lowest), less)}


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
