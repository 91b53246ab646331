"""The same events under other names, endings, compressions or line ends: told by their first rows, then by all."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from hitforge.core.errors import DataError
from hitforge.core.files import content_hash
from hitforge.readers._paths import refuse_equal
from hitforge.readers._tables import codec_of, ending_of

_ROWS = 8  # of a table's head
_HEAD = 1 << 13  # bytes in which they stand; where they do not, fewer rows are compared first


def refuse_same_rows(files: Mapping[str, Path]) -> None:
    """Refuse tables with the same columns and rows, though their bytes differ; numbers are compared as float32.

    Tables that cannot be read are left to their reader.

    Args:
        files: How each table is called in the error -> where it is.

    Raises:
        DataError: Two are the same; the error names both.
    """
    alike: dict[str, dict[str, Path]] = {}
    for name, path in files.items() if len(files) > 1 else ():
        alike.setdefault(_digest(path, head=True), {})[name] = path
    for head, group in alike.items():
        if head and len(group) > 1:
            found = {name: _digest(path, head=False) for name, path in group.items()}
            refuse_equal({name: digest for name, digest in found.items() if digest}, "the same rows")


def refuse_split_simulations(simulated: Mapping[str, Path]) -> None:
    """Refuse events that were digitised from one simulation, where events are divided into splits.

    Args:
        simulated: How each event is called in the error -> its table of simulated hits.

    Raises:
        DataError: Two come from one; the error names both.
    """
    owner: dict[str, str] = {}
    for name, path in simulated.items():
        other = owner.setdefault(content_hash(path), name)
        if other != name:
            raise DataError(
                "events of one simulation must not be divided: its particles would stand in training and test",
                came=f"'{other}' and '{name}', digitised from {path.name}",
                where=path,
                do="name the events of one digitisation, such as data/exact_event*, or set 'test: 1'",
            )


def _digest(path: Path, *, head: bool) -> str:
    """SHA-256 of columns and rows, or of the first rows; empty where the table cannot be read."""
    try:
        table = _first_rows(path) if head else _table(path)
    except (pa.ArrowException, OSError, ValueError, StopIteration):
        return ""
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        digest.update(name.strip().lower().encode() + b"\0")
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            digest.update(np.asarray(column.to_numpy(), np.float32).tobytes())
        else:
            digest.update("\0".join(map(str, column.to_pylist())).encode())
    return digest.hexdigest() if table.num_rows else ""


def _first_rows(path: Path) -> pa.Table:
    if ending_of(path.name) == ".parquet":
        with pq.ParquetFile(path) as file:
            return pa.Table.from_batches([next(file.iter_batches(batch_size=_ROWS))])
    with pa.input_stream(str(path), compression=codec_of(path.name)) as stream:
        lines = [line for line in stream.read(_HEAD).splitlines() if line.strip()]
    return pc.read_csv(io.BytesIO(b"\n".join(lines[: min(_ROWS + 1, max(len(lines) - 1, 1))])))  # the last may be cut


def _table(path: Path) -> pa.Table:
    if ending_of(path.name) == ".parquet":
        with pq.ParquetFile(path) as file:
            return file.read()
    with pa.input_stream(str(path), compression=codec_of(path.name)) as stream:
        return pc.read_csv(stream)
