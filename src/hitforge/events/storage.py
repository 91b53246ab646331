"""Events to Parquet and back: one file a shard, one list column a collection column."""

from __future__ import annotations

import json
from collections.abc import Collection as Container
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hitforge.core.errors import DataError
from hitforge.core.files import atomic
from hitforge.events.collection import Collection
from hitforge.events.events import Events
from hitforge.events.schema import SCHEMA_VERSION, FieldInfo

_KEY = b"hitforge"


def write_shard(path: Path, events: Events) -> None:
    """Write events to one Parquet file, atomically.

    Raises:
        DataError: The disk is full or not writable.
    """
    columns: dict[str, pa.Array] = {f"event.{name}": pa.array(values) for name, values in events.fields.items()}
    for name, collection in events.collections.items():
        offsets = pa.array(collection.offsets, pa.int64())
        for key, values in collection.columns.items():
            columns[f"{name}.{key}"] = pa.LargeListArray.from_arrays(offsets, pa.array(values))
    header = {
        "schema_version": SCHEMA_VERSION,
        "info": {name: list(astuple(item)) for name, item in events.info.items()},
    }
    table = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(header).encode()})
    with atomic(path) as temporary:
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            write_page_checksum=True,
        )


def read_shard(path: Path, columns: Container[str] | None = None) -> Events:
    """Read a shard.

    Args:
        path: The Parquet file.
        columns: Collections to read, such as ``{"hits"}``; all if None. Event fields are always read; where a shard has
            neither, one of its collections is, which tells the number of events.

    Raises:
        DataError: The file is absent, truncated, or not one that hitforge wrote.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            info = {name: FieldInfo(*item) for name, item in _header(file, path)["info"].items()}
            names = file.schema_arrow.names
            wanted = [n for n in names if n.startswith("event.") or columns is None or n.partition(".")[0] in columns]
            stored = wanted or [name for name in names if name.partition(".")[0] == names[0].partition(".")[0]]
            return _assemble(file.read(columns=stored, use_threads=False), info)
    except DataError as error:
        raise DataError(error.must, came=error.came, where=path, do=error.do) from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, MemoryError, pa.ArrowException) as error:
        raise DataError(
            "the shard must be a whole Parquet file",
            came=_first_line(error),
            where=path,
            do="make or fetch the dataset again",
        ) from None


def count_events(path: Path) -> int:
    """Return the number of events in a shard that is whole."""
    return int(pq.read_metadata(path).num_rows)


def _assemble(table: pa.Table, info: dict[str, FieldInfo]) -> Events:
    fields: dict[str, Any] = {}
    flat: dict[str, dict[str, Any]] = {}
    offsets: dict[str, Any] = {}
    for name in table.column_names:
        kind, _, key = name.partition(".")
        column = table.column(name).combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # an empty table has no chunk to combine
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
        if column.null_count:
            raise DataError(f"{name} must have a value for each event", came=f"{column.null_count} nulls")
        if kind == "event":
            fields[key] = column.to_numpy(zero_copy_only=False)
            continue
        raw = np.asarray(column.offsets.to_numpy(zero_copy_only=False), np.int64)
        mine = raw - raw[0]
        if not np.array_equal(offsets.setdefault(kind, mine), mine):
            raise DataError(f"all columns of {kind} must have the same lengths", came=f"another length in {key}")
        values = column.flatten()
        if values.null_count:
            raise DataError(f"{name} must have a value in each row", came=f"{values.null_count} nulls")
        flat.setdefault(kind, {})[key] = values.to_numpy(zero_copy_only=False)
    return Events({kind: Collection(offsets[kind], values) for kind, values in flat.items()}, fields, info)


def _header(file: pq.ParquetFile, path: Path) -> dict[str, Any]:
    raw = (file.schema_arrow.metadata or {}).get(_KEY)
    if raw is None:
        raise DataError(
            "the Parquet file must be a shard that hitforge wrote",
            came="no hitforge header",
            where=path,
            do="read foreign files with 'hitforge convert'",
        )
    header: dict[str, Any] = json.loads(raw)
    if header["schema_version"] != SCHEMA_VERSION:
        raise DataError(
            f"the shard must have schema version {SCHEMA_VERSION}", came=header["schema_version"], where=path
        )
    return header


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
