"""TFRecord: one ``tf.train.Example`` an event, for pipelines in TensorFlow."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import astuple, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError, require
from hitforge.core.files import atomic
from hitforge.detectors import Detector
from hitforge.detectors.point_cloud import PointCloud
from hitforge.events import COLLECTIONS, Collection, Events, FieldInfo
from hitforge.readers._records import content, contents_of, find_records
from hitforge.readers.files import SplitConfig, SplitReader

_HEADER = "hitforge"
_VERSION = 1
_MOVED = 1e-3  # mm: a cell this far away is another


class Tfrecord(SplitReader):
    """Reads and writes events as TFRecord, sparse as they are.

    Features of an event: ``hits.x``, ``hits.energy`` and so on, likewise ``particles.`` and ``links.`` where there are
    any, one entry a row; ``event.NAME`` for each event field, one entry. Integers stand in int64 lists, float32 in
    float lists, float64 as 8 bytes (``tf.io.decode_raw``). The first event has one more feature, ``hitforge``: JSON
    with the types, units and meanings of the fields and the settings of the detector; pipelines need not look at it. In
    TensorFlow a column is read with ``tf.io.RaggedFeature(tf.float32)`` or ``tf.io.VarLenFeature``.

    Where an event came from when it was written stands in the fields ``original_file`` and ``original_event``.

    Each event is drawn into a split by the seed alone; with several files every shard has its share of each.
    """

    BLOCK = 1024
    """Events that are parsed at a time, at most."""

    class Config(SplitConfig):
        """Files and splits."""

        validation: float = Field(0.1, ge=0, le=1, description="share of the events for validation")
        test: float = Field(0.1, ge=0, le=1, description="share of the events for the test; 1 for all")
        shard_events: int = Field(2000, ge=1, description="most events in a shard")

    @cached_property
    def _records(self) -> dict[Path, Array]:
        """First byte and length of each record of each file, (records, 2)."""
        return {path: find_records(path) for path in self._files}

    def count(self, path: Path) -> int:
        """Return the number of events in a file."""
        return len(self._records[path])

    def shard(self, split: str, index: int) -> Events:
        """Return shard ``index`` of a split, file by file.

        Raises:
            DataError: A record is damaged or not an event that hitforge wrote, or a cell is not one of the detector's
                or at another place, for other settings; the error names the file and the event.
            MissingExtraError: TensorFlow is not installed.
        """
        return self._gather(split, index)[0]

    def _block(self, number: int, path: Path, rows: Array) -> Events:
        tensorflow, data, records = _tensorflow(), contents_of(path), self._records[path]
        header = _header(tensorflow, data, records[0], path)
        if header["detector"] != self.detector.name:
            raise DataError(
                "the detector must be the one that the events were made with",
                came=f"'{self.detector.name}', not '{header['detector']}'",
                where=path,
                do=f"name the detector {header['detector']}",
            )
        raw = [content(data, records[row], path, int(row)) for row in rows]
        self._refuse_others(tensorflow, raw, header, path, rows)
        info = {name: FieldInfo(*item) for name, item in header["info"].items()}
        features: dict[str, Any] = {f"event.{name}": _fixed(tensorflow, item) for name, item in info.items()}
        for name in header["collections"]:
            for key, item in COLLECTIONS[name].items():
                dtype = tensorflow.float32 if item.dtype.startswith("float") else tensorflow.int64
                features[f"{name}.{key}"] = tensorflow.io.RaggedFeature(dtype, row_splits_dtype=tensorflow.int64)
        try:
            parsed = tensorflow.io.parse_example(tensorflow.constant(raw), features)
        except tensorflow.errors.OpError as error:
            raise _not_ours(path, str(error.message).splitlines()[0], f"events {rows[0]} to {rows[-1]}") from None
        try:
            events = _assemble(parsed, header["collections"], info)
        except DataError as error:
            raise DataError(error.must, came=error.came, where=f"{path}, events {rows[0]} to {rows[-1]}") from None
        events = _renamed(events)
        if "hits" in events.collections:
            wrong = np.flatnonzero(~self.detector.is_cell(events.hits["cell"]))
            if len(wrong):
                raise DataError(
                    f"each hit's cell must be one of the detector '{self.detector.name}'",
                    came=f"{int(events.hits['cell'][wrong[0]])} and {len(wrong) - 1} more such hits",
                    where=f"{path}, event {int(rows[events.hits.event[wrong[0]]])}",
                    do="give the detector the settings that the events were made with",
                )
            self._refuse_moved(header, events.hits["cell"], path)
        return events

    def _refuse_moved(self, header: dict[str, Any], cell: Array, path: Path) -> None:
        """Refuse a detector whose settings put cells elsewhere than those of the file, if it tells them."""
        mine, theirs = json.loads(json.dumps(self.detector.block)), header.get("settings")
        if theirs in (None, mine) or isinstance(self.detector, PointCloud):
            return
        values = {name: value for name, value in theirs.items() if name != "name"}
        other = type(self.detector)(self.detector.Config.read(values, where=f"{path}, detector"))
        known = cell[other.is_cell(cell)]
        moved = np.abs(other.position(known) - self.detector.position(known)).max(initial=0.0)
        if moved > _MOVED:
            names = [name for name in values if values[name] != mine.get(name)]
            raise DataError(
                "the detector must have the settings that the events were made with",
                came=f"{', '.join(f'{name}={mine.get(name)}' for name in names)}: cells up to {moved:.4g} mm elsewhere",
                where=path,
                do=f"set {', '.join(f'detector.{name}={values[name]}' for name in names)}",
            )

    @staticmethod
    def _refuse_others(tensorflow: Any, raw: list[bytes], header: dict[str, Any], path: Path, rows: Array) -> None:
        """Refuse events of another file that was appended to this one and says something else of its own."""
        features = {_HEADER: tensorflow.io.FixedLenFeature([], tensorflow.string, default_value="")}
        try:
            texts = tensorflow.io.parse_example(tensorflow.constant(raw), features)[_HEADER].numpy()
        except tensorflow.errors.OpError:
            return  # the columns tell more of what is wrong
        for row, text in zip(rows, texts, strict=True):
            if text and json.loads(text) != header:
                must = "all events of a file must have the fields and the detector that the first one tells"
                do = "keep the files apart: 'path' takes several"
                raise DataError(must, came="another header", where=f"{path}, event {row}", do=do)

    @classmethod
    def write(cls, path: Path, shards: Iterator[Events], detector: Detector) -> None:
        """Write every collection and field, streamed and atomic.

        Raises:
            DataError: There are no events, or the disk is full.
            MissingExtraError: TensorFlow is not installed.
        """
        tensorflow = _tensorflow()
        train = tensorflow.train
        with atomic(path) as temporary:
            done = 0
            try:
                with tensorflow.io.TFRecordWriter(str(temporary)) as writer:
                    for events in shards:
                        for event in range(len(events)):  # the library encodes one event at a time
                            feature = dict(_features(train, events, event))
                            if done == 0:
                                header = json.dumps(_describe(events, detector)).encode()
                                feature[_HEADER] = train.Feature(bytes_list=train.BytesList(value=[header]))
                            example = train.Example(features=train.Features(feature=feature))
                            writer.write(example.SerializeToString())
                            done += 1
            except tensorflow.errors.OpError as error:
                raise DataError("the file must be writable", came=str(error.message), where=path) from None
            if not done:
                raise DataError("there must be events to write", came="none", where=path, do="name another split")


def _renamed(events: Events) -> Events:
    """Make room for the numbers of the file that is read now."""
    fields, info = dict(events.fields), dict(events.info)
    for name in ("file", "event"):
        if name in fields:
            item = info.pop(name)
            fields[f"original_{name}"] = fields.pop(name)
            info[f"original_{name}"] = replace(item, description=f"when it was written: {item.description}")
    return Events(events.collections, fields, info)


def _tensorflow() -> Any:
    """Import TensorFlow without what it writes on the terminal, from C++ and before any log level is obeyed."""
    if "tensorflow" in sys.modules:
        return require("tensorflow", "keras")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        return require("tensorflow", "keras")
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _describe(events: Events, detector: Detector) -> dict[str, Any]:
    info = {name: list(astuple(item)) for name, item in events.info.items()}
    told = {"detector": detector.name, "settings": detector.block}
    return {"version": _VERSION, **told, "collections": list(events.collections), "info": info}


def _features(train: Any, events: Events, event: int) -> Iterator[tuple[str, Any]]:
    """Name and ``tf.train.Feature`` of each column and field of one event."""
    for name, values in events.fields.items():
        yield f"event.{name}", _feature(train, values[event : event + 1])
    for name, collection in events.collections.items():
        mine = slice(collection.offsets[event], collection.offsets[event + 1])
        for key, values in collection.columns.items():
            yield f"{name}.{key}", _feature(train, values[mine])


def _feature(train: Any, values: Array) -> Any:
    if values.dtype == np.float64:
        return train.Feature(bytes_list=train.BytesList(value=[value.astype("<f8").tobytes() for value in values]))
    if values.dtype.kind == "f":
        return train.Feature(float_list=train.FloatList(value=values))
    return train.Feature(int64_list=train.Int64List(value=values))


def _fixed(tensorflow: Any, info: FieldInfo) -> Any:
    types = {"float64": tensorflow.string, "float32": tensorflow.float32}
    return tensorflow.io.FixedLenFeature([], types.get(info.dtype, tensorflow.int64))


def _assemble(parsed: Any, names: list[str], info: dict[str, FieldInfo]) -> Events:
    fields = {}
    for name, item in info.items():
        values = parsed[f"event.{name}"].numpy()
        if item.dtype == "float64":
            if any(len(value) != 8 for value in values):
                raise DataError(f"event.{name} must be 8 bytes", came="another length")
            values = np.frombuffer(b"".join(values), "<f8")
        fields[name] = values
    collections = {}
    for name in names:
        columns = {key: parsed[f"{name}.{key}"] for key in COLLECTIONS[name]}
        offsets = [column.row_splits.numpy() for column in columns.values()]
        if any(not np.array_equal(offsets[0], other) for other in offsets):
            raise DataError(f"all columns of {name} must have the same lengths", came="different ones")
        collections[name] = Collection(offsets[0], {key: column.values.numpy() for key, column in columns.items()})
    return Events(collections, fields, info)


def _header(tensorflow: Any, data: Array, record: Array, path: Path) -> dict[str, Any]:
    """Return the header of the file, which the first event holds."""
    raw = content(data, record, path, 0)
    try:
        features = {_HEADER: tensorflow.io.FixedLenFeature([], tensorflow.string)}
        text = tensorflow.io.parse_single_example(raw, features)[_HEADER].numpy()
        header: dict[str, Any] = json.loads(text)
        if header["version"] != _VERSION:
            raise _not_ours(path, f"version {header['version']}", "event 0")
        known = all(name in COLLECTIONS for name in header["collections"])
        if not known or not all(len(item) in (3, 4) for item in header["info"].values()) or "detector" not in header:
            raise _not_ours(path, "another layout", "event 0")
    except tensorflow.errors.OpError:
        raise _not_ours(path, f"no feature '{_HEADER}' in the first record", "event 0") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _not_ours(path, f"{type(error).__name__}: {error}", "event 0") from None
    return header


def _not_ours(path: Path, came: str, where: str) -> DataError:
    return DataError(
        "the records must be events that hitforge wrote", came=came, where=f"{path}, {where}", do="write the file again"
    )
