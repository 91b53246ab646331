"""What a method is to answer for: files of any reader and datasets, event by event in their own order."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.errors import ConfigError, DataError, HitforgeError
from hitforge.core.files import in_order, sha256
from hitforge.detectors import Detector
from hitforge.events import Dataset, Events, Source
from hitforge.events.schema import ORIGIN
from hitforge.events.source import SPLITS
from hitforge.readers import READERS
from hitforge.readers.public import locate
from hitforge.recipe.blocks import Block
from hitforge.recipe.recipe import Recipe

_OF_A_SAMPLE = ("path", "validation", "test", "seed", "limit", "labels")
"""Settings of a reader that belong to the sample of a run, and not to its files."""


@dataclass(frozen=True)
class Inputs:
    """How inputs are opened.

    Attributes:
        reader: Its block without files; None where there are only datasets.
        splits: Parts of datasets.
    """

    reader: Block | None
    splits: tuple[str, ...] = SPLITS

    def hash(self, name: str, detector: Detector) -> str:
        """Return one SHA-256 for all that an input is read from."""
        if is_dataset(name):
            dataset = Dataset(Path(name))
            dataset.verify()  # the hash is made of the recorded ones
            return dataset.hash()
        parts = self._source(name, detector).inputs()
        if not parts and Path(name).is_file():  # a reader that does not say
            return sha256(Path(name))
        return parts[0] if len(parts) == 1 else hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def read(self, name: str, number: int, detector: Detector) -> Iterator[Events]:
        """Yield the events of an input, in its order, with ``number`` as their ``file``.

        Of a dataset ``event`` counts those of a split and ``part`` says which: 0 train, 1 validation, 2 test; the
        numbers of the events in what the dataset was made from stand in ``original_file`` and ``original_event``.
        """
        if is_dataset(name):
            yield from self._of_dataset(Dataset(Path(name)), number)
            return
        source, done = self._source(name, detector), 0
        for split, shards in source.splits().items():
            for index in range(shards):
                events = source.shard(split, index).check(where=f"{name}, {split} shard {index}")
                place = {"file": np.full(len(events), number)}
                if "event" not in events.fields:  # a reader that does not say: its own order counts
                    place["event"] = np.arange(done, done + len(events))
                events = events.with_fields(place, {key: ORIGIN[key] for key in place})
                done += len(events)
                keys = [events.fields[key] for key in ("part", "event") if key in events.fields]
                yield events.take(np.lexsort(keys))  # a reader may shuffle

    def _of_dataset(self, dataset: Dataset, number: int) -> Iterator[Events]:
        for split in [split for split in self.splits if dataset.count(split)]:
            done = 0
            for events in dataset.read(split):
                count = len(events)
                old = [name for name in ("file", "event") if name in events.fields]
                kept = events.with_fields(
                    {f"original_{name}": events.fields[name] for name in old},
                    {
                        f"original_{name}": replace(ORIGIN[name], description="in what the dataset was made from")
                        for name in old
                    },
                )
                place = {
                    "file": np.full(count, number),
                    "event": np.arange(done, done + count),
                    "part": np.full(count, SPLITS.index(split)),
                }
                yield kept.with_fields(place, {name: ORIGIN[name] for name in place})
                done += count

    def _source(self, name: str, detector: Detector) -> Source:
        if self.reader is None:
            raise ConfigError("a file needs a reader", came="none", where=name, do="name its format with --from")
        return READERS.build({**self.reader, "path": name}, detector, where="--set")


def is_dataset(name: str) -> bool:
    """True for the folder of a dataset, whole or not."""
    return any((Path(name) / file).exists() for file in ("dataset.json", "dataset.plan.json"))


def reader_block(recipe: Recipe, name: str, given: Block, *, truth: bool) -> Block:
    """Return the block of a reader without its files.

    Args:
        recipe: Its own reader's settings are taken, where it is the same one.
        name: Of the reader.
        given: Settings that the user asks for.
        truth: Read the truth where a file has it.

    Raises:
        ConfigError: A setting is unknown, or one of those that divide a sample.
    """
    wrong = [key for key in given if key in _OF_A_SAMPLE and key != "limit"]
    if wrong:
        raise ConfigError("all events of a file are answered for, none is drawn", came=", ".join(wrong), where="--set")
    own = recipe.resolved["source"] if recipe.resolved["source"]["name"] == name else {}
    fields = READERS.get(name, "--from").Config.model_fields
    block = {key: value for key, value in own.items() if key not in _OF_A_SAMPLE}
    fixed = {"validation": 0.0, "test": 1.0, "truth": "optional" if truth else "none"}
    block |= {key: value for key, value in fixed.items() if key in fields}
    return {**block, "name": name, **given}


def with_datasets(names: Sequence[str]) -> list[str]:
    """Return the same names, patterns that match datasets replaced by these, in natural order.

    Raises:
        ConfigError: A pattern matches datasets and something else.
    """
    found: list[str] = []
    for name in names:
        matches = [] if is_dataset(name) else in_order(glob.glob(name))
        others = [match for match in matches if not is_dataset(match)]
        if others and len(others) < len(matches):
            must = "a pattern must match datasets alone, or files alone"
            raise ConfigError(must, came=f"datasets, and '{others[0]}'", where=name, do="name them in two patterns")
        found += [name] if others or not matches else matches
    return found


def name_inputs(names: Sequence[str], reader: Block | None, detector: Detector) -> list[str]:
    """Return the names of all inputs: datasets, and the files of names and patterns in natural order.

    Raises:
        DataError: One is missing, or named twice.
    """
    found: list[str] = []
    for name in names:
        if is_dataset(name):
            found.append(name)
            continue
        if reader is None:
            raise ConfigError("a file needs a reader", came="none", where=name, do="name its format with --from")
        found += READERS.build({**reader, "path": name}, detector, where="--set").files() or [name]
    whole = [Path(name).resolve() for name in found]
    times = Counter(whole)
    twice = [name for name, path in zip(found, whole, strict=True) if times[path] > 1]
    if twice:
        raise DataError("each file must be named once", came=f"'{twice[0]}' twice", do="leave one of them out")
    return found


def guess_reader(recipe: Recipe, names: Sequence[str], detector: Detector) -> str:
    """Return the reader of a run's recipe, or the only one that can open the first of some files.

    Raises:
        ConfigError: None can, or more than one.
        DataError: There is no such file.
    """
    own = str(recipe.resolved["source"]["name"])
    if own in READERS.names():
        return own
    able = [name for name in READERS.names() if _opens(recipe, name, names[0], detector)]
    if len(able) == 1:
        return able[0]
    first = names[0]
    patterns = (first, f"{glob.escape(first)}*")  # the tables of an event begin with its name
    roots = (None, os.environ.get("HITFORGE_DATA"))
    if not able and not any(glob.glob(one, root_dir=root, recursive=True) for one in patterns for root in roots):
        locate(first)  # says where it was looked for
    came = f"{', '.join(able)} all can" if able else f"none of {', '.join(READERS.names())} can"
    raise ConfigError(
        f"one reader must be able to open the files with the detector '{detector.name}', or be named",
        came=came,
        where=names[0],
        do="name it with --from, and the detector of the files with --detector",
    )


def _opens(recipe: Recipe, reader: str, name: str, detector: Detector) -> bool:
    try:
        block: dict[str, Any] = {**reader_block(recipe, reader, {}, truth=False), "path": name}
        return sum(READERS.build(block, detector, where=name).splits().values()) > 0
    except HitforgeError:
        return False
