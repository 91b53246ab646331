"""A dataset on disk: Parquet shards and one ``dataset.json``, which is written last, so that half of one is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from collections.abc import Collection as Container
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.compiling import NOTE, told_when_compiling
from hitforge.core.errors import DataError
from hitforge.core.files import content_hash, is_temporary, read_json, remove_temporaries, sha256, write_text
from hitforge.core.lock import hold
from hitforge.core.progress import Progress
from hitforge.core.tables import html_table
from hitforge.core.workers import in_processes
from hitforge.events.events import Events
from hitforge.events.losses import LossCount, losses_of
from hitforge.events.repeats import Repeats, event_keys, event_places
from hitforge.events.schema import COLLECTIONS, SCHEMA_VERSION
from hitforge.events.source import SPLITS, Source
from hitforge.events.storage import count_events, read_shard, write_shard

_INDEX = "dataset.json"
_PLAN = "dataset.plan.json"
_UNITS = {f"{name}.{key}": info.unit for name, table in COLLECTIONS.items() for key, info in table.items()}


class Dataset:
    """A whole dataset on disk.

    Args:
        path: Folder with ``dataset.json`` and its shards.

    Raises:
        DataError: The folder is absent, holds only a part of a dataset, or its index contradicts itself.

    Example:
        >>> dataset = hf.open("sample")
        >>> for events in dataset.read("train"):  # shard after shard
        ...     print(len(events))
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path = Path(path)
        index = path / _INDEX
        if not index.exists():
            if (path / _PLAN).exists():
                done, total = len(list(path.glob("*.parquet"))), read_json(path / _PLAN, dict).get("shards")
                raise DataError(
                    "the dataset must be complete",
                    came=f"{done} of {total} shards",
                    where=path,
                    do="repeat the command that made it: it goes on where it stopped",
                )
            raise DataError("the folder must hold a dataset (dataset.json)", came="none", where=path)
        self.index: dict[str, Any] = read_json(index, dict)
        self.shards: list[dict[str, Any]] = self.index.get("shards", [])
        if not isinstance(self.shards, list) or not self.shards:
            raise DataError("dataset.json must be the index of a dataset", came="no list of shards", where=index)
        wrong = [shard for shard in self.shards if not _is_record(shard)]
        if wrong:
            must = f"each shard must say its file in the folder, a split of {', '.join(SPLITS)}, its events and SHA-256"
            raise DataError(must, came=str(wrong[0])[:200], where=index)
        if self.index.get("schema_version") != SCHEMA_VERSION:
            came = repr(self.index.get("schema_version"))
            raise DataError(f"the dataset must have schema version {SCHEMA_VERSION}", came=came, where=index)
        _refuse_contradictions(self.index, index)
        missing = [shard["file"] for shard in self.shards if not (path / shard["file"]).exists()]
        if missing:
            raise DataError(
                "every shard of the dataset must exist",
                came=f"{len(missing)} of {len(self.shards)} missing, such as {missing[0]}",
                where=path,
                do="copy the whole folder again, or delete dataset.json and repeat the command that made it",
            )

    def __repr__(self) -> str:
        counts = ", ".join(f"{split} {self.count(split)}" for split in self.splits)
        return f"Dataset('{self.path}'; {self.made_of}; events: {counts})"

    def _repr_html_(self) -> str:
        rows = [(split, str(self.count(split)), str(len(self._filled(split)))) for split in self.splits]
        table = html_table(("split", "events", "shards"), rows, title=f"{self.path}: {self.made_of}")
        first = next(self.read(self.splits[0]))
        return table + html_table(*first.contents(), title=f"the first {len(first)} events of '{self.splits[0]}'")

    @property
    def made_of(self) -> str:
        """Names of detector and source."""
        blocks = map(self.index["description"].get, ("detector", "source"))
        names = (block.get("name") if isinstance(block, dict) else None for block in blocks)
        return ", ".join(str(name or "unknown") for name in names)

    @property
    def detector_block(self) -> dict[str, Any]:
        """Name and settings of the detector.

        Raises:
            DataError: The dataset does not say.
        """
        block = self.index["description"].get("detector")
        if not isinstance(block, dict):
            raise DataError("dataset.json must say the detector", came="none", where=self.path / _INDEX)
        return block

    def events(self, split: str = "test", limit: int | None = None) -> Events:
        """Return the events of a split in memory, of a large one the first ``limit``.

        Raises:
            DataError: The dataset has no events in this split.
        """
        parts, count = [], 0
        for events in self.read(split):
            parts.append(events)
            count += len(events)
            if limit is not None and count >= limit:
                break
        whole = Events.concatenate(parts)
        return whole if limit is None or limit >= count else whole.take(np.arange(limit))

    def count(self, split: str) -> int:
        """Number of events in a split."""
        return sum(shard["events"] for shard in self.shards if shard["split"] == split)

    @property
    def splits(self) -> list[str]:
        """Splits that have events, in the order train, validation, test."""
        return [split for split in SPLITS if self.count(split)]

    def hash(self, split: str | None = None) -> str:
        """Return one SHA-256 for the shards of a split (all if None): equal hashes are the same events.

        It is made of the recorded ones; whoever reads a shard finds out if it is another by now.
        """
        shards = sorted((s["file"], s["sha256"]) for s in self.shards if split is None or s["split"] == split)
        return hashlib.sha256(json.dumps(shards).encode()).hexdigest()

    def files(self, split: str) -> list[Path]:
        """Shard files of a split, in order.

        Raises:
            DataError: The dataset has no events in this split, or a shard is not as it was written.
        """
        shards = self._filled(split)
        if not shards:
            have = ", ".join(f"{name} ({self.count(name)})" for name in self.splits) or "no events at all"
            raise DataError(f"the dataset must have events in the split '{split}'", came=have, where=self.path)
        return [self._unchanged(shard) for shard in shards]

    def _filled(self, split: str) -> list[dict[str, Any]]:
        """Records of the shards of a split that hold events."""
        return [shard for shard in self.shards if shard["split"] == split and shard["events"]]

    def _unchanged(self, shard: dict[str, Any], digest: Callable[[Path], str] = content_hash) -> Path:
        """Return the file of a shard; refuse one that is missing, changed, or of another number of events."""
        path = self.path / str(shard["file"])
        do = "copy the dataset again, or delete its folder and repeat the command that made it"
        if not path.exists() or digest(path) != shard["sha256"]:
            must = "a shard must be as it was written (SHA-256)"
            raise DataError(must, came="changed content", where=path, do=do)
        if (count := count_events(path)) != shard["events"]:
            must = f"a shard must hold the {shard['events']} events that dataset.json says"
            raise DataError(must, came=count, where=path, do=do)
        return path

    def read(self, split: str, columns: Container[str] | None = None) -> Iterator[Events]:
        """Yield the events of a split, shard by shard."""
        for path in self.files(split):
            yield read_shard(path, columns)

    def losses(self) -> list[LossCount]:
        """Return what was dropped, clipped, moved, unmatched or guessed in all splits; empty where nothing was.

        Raises:
            DataError: The index names no files where it should.
        """
        files = self.index.get("files", [])
        if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
            must = "'files' of dataset.json must be names of files"
            raise DataError(must, came=repr(files)[:60], where=self.path / _INDEX)
        shards = (events for split in self.splits for events in self.read(split, set()))
        return losses_of(shards, files)

    def verify(self) -> None:
        """Compare every shard with its recorded SHA-256.

        Raises:
            DataError: A shard is missing or changed.
        """
        for shard in self.shards:
            self._unchanged(shard, sha256)


def _is_record(shard: object) -> bool:
    """True for what ``dataset.json`` says of a shard: its file in the folder, split, number of events, SHA-256."""
    if not isinstance(shard, dict):
        return False
    name, events = shard.get("file"), shard.get("events")
    here = isinstance(name, str) and Path(name).name == name
    counted = isinstance(events, int) and not isinstance(events, bool) and events >= 0
    return here and counted and shard.get("split") in SPLITS and isinstance(shard.get("sha256"), str)


def _refuse_contradictions(index: dict[str, Any], path: Path) -> None:
    """Refuse an index that names events twice, or says other units or counts than are there."""
    shards = index["shards"]
    for key in ("file", "sha256"):
        seen: dict[str, dict[str, Any]] = {}
        for shard in filter(lambda one: one["events"], shards):
            other = seen.setdefault(shard[key], shard)
            if other is not shard:
                came = f"the same events as {other['file']} ({other['split']}) and {shard['file']} ({shard['split']})"
                must = "each shard must stand once: its events would stand in training and test"
                raise DataError(must, came=came, where=path)
    if not isinstance(index.get("description"), dict):
        raise DataError("dataset.json must say what made the events", came="no description", where=path)
    units, counts = index.get("units", {}), index.get("counts", {})
    if not isinstance(units, dict) or not isinstance(counts, dict):
        raise DataError("units and counts in dataset.json must be names and values", came="something else", where=path)
    for name, unit in _UNITS.items():
        if units.get(name, unit) != unit:
            raise DataError(f"the unit of {name} must be '{unit}'", came=f"'{units[name]}'", where=path)
    for split, count in counts.items():
        there = sum(shard["events"] for shard in shards if shard["split"] == split)
        if count != there:
            must = f"the shards of '{split}' must hold as many events as dataset.json counts"
            raise DataError(must, came=f"{there} events, and a count of {count}", where=path)


def build_dataset(
    source: Source, path: Path, description: dict[str, Any], *, workers: int = 1, progress: Progress | None = None
) -> Dataset:
    """Write all shards of a source, several processes at a time, and return the dataset.

    Shards that an interrupted call left whole are kept; a finished dataset of the same description is returned as is.
    Where another process makes the same dataset, its end is waited for.

    Args:
        source: Simulation or reader; it must survive pickling to worker processes.
        path: Folder of the dataset.
        description: What made it (detector and source blocks); goes into ``dataset.json``.
        workers: Number of processes.
        progress: Receives one unit a shard.

    Raises:
        DataError: The folder holds a dataset of another description, a shard is not physical, or the disk is full.
    """
    plan = {
        "schema_version": SCHEMA_VERSION,
        "description": description,
        "shards": sum(source.splits().values()),
        "units": _UNITS,
    }
    if not plan["shards"]:
        raise DataError("the source must have events", came="0 shards", where=description.get("source"))
    progress = progress or Progress()
    if not (path / _INDEX).exists():
        with hold(path, progress.say):  # another process may make the same dataset: it is there, then
            _claim(path, plan)
            if not (path / _INDEX).exists():
                _build(source, path, plan, workers, progress)
    _claim(path, plan)
    return Dataset(path)


def _build(source: Source, path: Path, plan: dict[str, Any], workers: int, progress: Progress) -> None:
    """Write the shards that are missing, then the index."""
    files = source.files()
    remove_temporaries(path)
    jobs = [(split, index) for split in SPLITS for index in range(source.splits().get(split, 0))]
    records: dict[tuple[str, int], dict[str, Any]] = {}
    repeats = Repeats(files)
    word = "convert" if files or source.inputs() else "simulate"
    with progress.step(word, len(jobs), "shards") as bar:
        for job, (record, seen) in _run(source, path, jobs, workers, progress.say):
            records[job] = record
            if seen is not None:
                repeats.add(*seen)
            bar.advance(1, f"{sum(r['events'] for r in records.values())} events")
    shards = [records[job] for job in jobs]
    counts = {split: sum(s["events"] for s in shards if s["split"] == split) for split in SPLITS}
    if not any(counts.values()):
        raise DataError("the source must have events", came="0 events", where=path)
    write_text(path / _INDEX, json.dumps({**plan, "files": files, "counts": counts, "shards": shards}, indent=1))


def _claim(path: Path, plan: dict[str, Any]) -> None:
    """Write the plan of a new dataset, or compare it with the one that is there."""
    for name in (_INDEX, _PLAN):
        if (path / name).exists():
            there = read_json(path / name, dict)
            if "schema_version" not in there:  # such as that of a run
                raise DataError(
                    "the folder must be empty or hold a dataset",
                    came="other files",
                    where=path,
                    do="choose another folder",
                )
            if {key: there.get(key) for key in ("schema_version", "description")} != json.loads(
                json.dumps({key: plan[key] for key in ("schema_version", "description")})
            ):
                raise DataError(
                    "the folder must be empty or hold the same dataset",
                    came="another description",
                    where=path,
                    do="choose another folder or delete this one",
                )
            return
    if path.exists() and (not path.is_dir() or any(not is_temporary(item) for item in path.iterdir())):
        raise DataError("the folder must be empty or hold a dataset", came="other files", where=path)
    write_text(path / _PLAN, json.dumps(plan, indent=1))


def _run(
    source: Source, path: Path, jobs: list[tuple[str, int]], workers: int, say: Callable[[str], None]
) -> Iterator[tuple[tuple[str, int], _Made]]:
    if workers <= 1 or len(jobs) == 1:
        with told_when_compiling(partial(say, NOTE)):
            for job in jobs:
                yield job, _make(source, path, *job)
        return
    yield from in_processes(partial(_make, source, path), jobs, workers, path, say)


_Made = tuple[dict[str, Any], tuple[Array, Array] | None]
"""The record of a shard, and what its events hold and where they come from."""


def _make(source: Source, path: Path, split: str, index: int) -> _Made:
    file = path / f"{split}-{index:05d}.parquet"
    events = None
    if file.exists():
        try:
            events = read_shard(file)
        except DataError:
            file.unlink()
    if events is None:
        events = source.shard(split, index).check(where=f"{split} shard {index}")
        write_shard(file, events)
    record = {"file": file.name, "split": split, "events": len(events), "sha256": sha256(file)}
    return record, (event_keys(events), event_places(events)) if source.once else None
