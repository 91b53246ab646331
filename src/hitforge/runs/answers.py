"""Files of answers: written part by part as Parquet or ROOT, and read again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.files import atomic
from hitforge.events import Collection
from hitforge.metrics import Predictions
from hitforge.runs.measure import arrow_table, from_arrow

Format = Literal["parquet", "root"]
"""Endings of the files."""
TREE = "answers"
"""Name of the tree in a ROOT file."""
_HEADER = "hitforge"


class Writer(Protocol):
    """Takes the answers of one part of the events after the other."""

    def __call__(self, part: Predictions) -> None:
        """Append the answers of some events; all parts have the same columns."""


@contextmanager
def answer_file(path: Path, header: Mapping[str, Any], units: Mapping[str, str]) -> Iterator[Writer]:
    """Give a writer of a file, which appears whole once the block ends well.

    Parquet: one row an event, lists for objects (``tracks.hits``), the unit of a column in its metadata (``unit``).
    ROOT: the tree ``answers``, one entry an event, jagged branches for objects (``tracks_hits`` with ``ntracks``).

    Args:
        path: Ends in ``.parquet`` or ``.root``.
        header: Kept in the file: plain values.
        units: Column, such as ``predicted_energy`` or ``tracks.z0`` -> its unit.

    Raises:
        DataError: The disk is full or the folder cannot be written.
    """
    with atomic(path) as temporary, (_root if path.suffix == ".root" else _parquet)(temporary, header, units) as write:
        yield write


def read_answers(path: Path) -> Predictions:
    """Read a file of answers, or those of all files in a folder that ``predict`` wrote, in the order of its list.

    Returns:
        The columns and tables as ``Predictions`` describes them.

    Raises:
        DataError: The file is absent, not whole, or holds no answers.
    """
    if path.is_dir():
        files = [path / entry["output"] for entry in read_manifest(path)["files"] if "events" in entry]
        if not files:
            raise DataError("the folder must hold files of answers", came="none yet", where=path)
        parts = [read_answers(file) for file in files]
        return _joined(parts)
    try:
        return _read_root(path) if path.suffix == ".root" else from_arrow(pq.read_table(path))
    except Exception as error:  # uproot and Arrow have dozens of their own
        came = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError("the file must hold whole answers", came=came, where=path, do="predict it again") from None


def read_header(path: Path) -> dict[str, Any]:
    """Return what is kept in a file of answers beside them: run, method, weights, input, ``units``, ``classes``."""
    if path.suffix == ".root":
        import uproot  # takes a third of a second

        with uproot.open(path) as file:
            header: dict[str, Any] = json.loads(str(file[_HEADER]))
            return header
    return dict(json.loads(pq.read_schema(path).metadata[_HEADER.encode()]))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return ``predictions.json`` of a folder that ``predict`` wrote.

    Raises:
        DataError: There is none, or it is no such file.
    """
    path = folder / "predictions.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(manifest["plan"], dict) or not isinstance(manifest["files"], list):
            raise TypeError("another layout")
    except (OSError, ValueError, LookupError, TypeError) as error:
        must = "the folder must hold the list of its answers, predictions.json"
        raise DataError(must, came=error, where=path) from None
    return manifest


@contextmanager
def _parquet(path: Path, header: Mapping[str, Any], units: Mapping[str, str]) -> Iterator[Writer]:
    writer: pq.ParquetWriter | None = None

    def write(part: Predictions) -> None:
        nonlocal writer
        table = arrow_table(part)
        fields = [
            field.with_metadata({b"unit": units[field.name].encode()}) if field.name in units else field
            for field in table.schema
        ]
        kept = json.dumps({**header, "units": dict(units)}, sort_keys=True).encode()
        schema = pa.schema(fields, {**(table.schema.metadata or {}), _HEADER.encode(): kept})
        if writer is None:
            writer = pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True)
        writer.write_table(table.cast(schema))

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


@contextmanager
def _root(path: Path, header: Mapping[str, Any], units: Mapping[str, str]) -> Iterator[Writer]:
    import awkward as ak  # half a second that only a ROOT file should pay
    import uproot

    with uproot.recreate(path) as file:

        def write(part: Predictions) -> None:
            branches: dict[str, Any] = dict(part.columns)
            for name, rows in part.tables.items():
                record = ak.zip({key: ak.Array(np.asarray(values)) for key, values in rows.columns.items()})
                branches[name] = ak.unflatten(record, rows.counts)
            if TREE not in file:
                kept = {
                    **header,
                    "classes": part.classes,
                    "signal": part.signal,
                    "tables": {name: list(rows.columns) for name, rows in part.tables.items()},
                    "units": {name.replace(".", "_"): unit for name, unit in units.items()},
                }
                types = {k: v.dtype if isinstance(v, np.ndarray) else v.type.content for k, v in branches.items()}
                file.mktree(TREE, types)
                file[_HEADER] = json.dumps(kept, sort_keys=True)
            file[TREE].extend(branches)

        yield write


def _read_root(path: Path) -> Predictions:
    import awkward as ak
    import uproot

    with uproot.open(path) as file:
        tree, header = file[TREE], json.loads(str(file[_HEADER]))
        owned = {f"{table}_{key}" for table, keys in header["tables"].items() for key in keys}
        lists = {f"n{table}" for table in header["tables"]}
        plain = [name for name in tree.keys() if name not in owned | lists]  # noqa: SIM118 - a tree is no mapping
        columns = {name: tree[name].array(library="np") for name in plain}
        tables = {}
        for table, keys in header["tables"].items():
            counts = tree[f"n{table}"].array(library="np").astype(np.int64)
            flat = {key: np.asarray(ak.flatten(tree[f"{table}_{key}"].array())) for key in keys}
            tables[table] = Collection.from_counts(counts, flat)
    return Predictions(columns, tuple(header["classes"]), int(header["signal"]), tables)


def _joined(parts: list[Predictions]) -> Predictions:
    """Append the answers of several files."""
    first = parts[0]
    for part in parts[1:]:
        if set(part.columns) != set(first.columns) or set(part.tables) != set(first.tables):
            came = f"{sorted(first.columns)} and {sorted(part.columns)}"
            raise DataError("all files must have the same columns", came=came, do="read them one by one")
    columns: dict[str, Array] = {name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns}
    tables = {name: Collection.concatenate([part.tables[name] for part in parts]) for name in first.tables}
    return Predictions(columns, first.classes, first.signal, tables)
