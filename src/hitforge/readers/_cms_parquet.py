"""HGCalML's Parquet files: one row a hit, events told apart by their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.readers._ends import parquet
from hitforge.readers._root import whole

_KEYS = (
    "run", "runnumber", "runid", "lumi", "lumiblock", "lumisection", "luminosityblock", "ls", "subrun", "job", "jobid",
    "jobnumber", "file", "fileid", "fileidx", "fileindex", "filenumber", "filename", "sourcefile", "inputfile", "entry",
    "entrynumber", "task", "taskid", "batch", "batchid", "sample", "dataset", "orbit", "spill",
)  # fmt: skip
"""Columns that tell events of one number apart, in small letters and without underscores.

A crossing (``bx``) is often that of a hit in pile-up, a ``seed`` that of a cluster: they are none.
"""
_FEW = 4  # fewer pairs of rows do not tell what a column is


def events_of(path: Path) -> tuple[Array, Array]:
    """Return the first row of each event and the number of rows, (n + 1,) int64, and the events' numbers, (n,) int64.

    An event is a stretch of rows with the same number and the same run, lumi section, job and file, where there are
    such columns.

    Raises:
        DataError: A number is missing, negative or no whole number, an event begins again further down, or a column
            that should tell events apart changes from hit to hit.
    """
    with parquet(path) as file:
        names = _names(file, path)
        if "event" not in names:
            raise DataError("the Parquet file must have the columns of HGCalML", came="none named event", where=path)
        keys = [name for name in names if name.lower().replace("_", "") in _KEYS]
        table = file.read(columns=["event", *keys])
    number = whole(_numbers(table, "event", path), "event", path)
    below = np.flatnonzero(number < 0)
    if len(below):
        came = f"{number[below[0]]} in row {below[0]}, and {len(below) - 1} more such values"
        raise DataError("'event' must hold numbers >= 0", came=came, where=path)
    codes = {name: _codes(table, name, path) for name in keys}
    _refuse_columns_of_hits(codes, number, path)
    values = [number, *codes.values()]
    new = np.ones(len(number), np.bool_)
    new[1:] = np.any([np.diff(of) != 0 for of in values], axis=0)
    first = np.flatnonzero(new)
    starts = np.append(first, len(number))
    _, kind, times = np.unique(np.stack([of[first] for of in values]), axis=1, return_inverse=True, return_counts=True)
    kind = kind.ravel()
    again = np.flatnonzero(times[kind] > 1)
    if len(again):
        one, other = np.flatnonzero(kind == kind[again[0]])[:2]
        raise DataError(
            f"the rows of an event must stand together{', with the same ' + ', '.join(keys) if keys else ''}",
            came=f"event {number[first[one]]} in rows {starts[one]} to {starts[one + 1] - 1} and again in "
            f"{starts[other]} to {starts[other + 1] - 1}; {int((times > 1).sum())} events in several places",
            where=path,
            do="give each event a number of its own, or add a column run, lumi, job or file that tells them apart",
        )
    return starts, number[first]


def _refuse_columns_of_hits(codes: Mapping[str, Array], number: Array, path: Path) -> None:
    """Refuse a column that changes from most hits of an event to the next: it tells hits apart, not events."""
    inside = np.diff(number) == 0
    for name, values in codes.items():
        changes, pairs = int((np.diff(values) != 0)[inside].sum()), int(inside.sum())
        if 2 * changes > pairs >= _FEW:
            raise DataError(
                f"the column '{name}' must be one of events: it tells those of one number apart",
                came=f"another value at {changes} of {pairs} hits than at the hit before, in the same 'event'",
                where=path,
                do=f"rename the column '{name}' if it is one of hits, or take it out",
            )


def columns_of(path: Path, names: Mapping[str, str], needed: Iterable[str], first: int, last: int) -> dict[str, Array]:
    """Return the rows ``first`` to ``last - 1`` of some columns, from the row groups that hold them.

    Args:
        path: The file.
        names: Our name -> the file's; a column that is not there is left out.
        needed: Those of our names that must be there.
        first: First row.
        last: One behind the last row.

    Raises:
        DataError: A needed column is missing, one is there twice, or has a value that is no number.
    """
    with parquet(path) as file:
        have = _names(file, path)
        missing = [names[name] for name in needed if names[name] not in have]
        if missing:
            came = f"none named {', '.join(missing)}"
            raise DataError("the Parquet file must have the columns of HGCalML", came=came, where=path)
        sizes = np.array([file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)], np.int64)
        ends = np.cumsum(sizes)
        groups = np.flatnonzero((ends > first) & (ends - sizes < last))
        found = {name: of for name, of in names.items() if of in have}
        table = file.read_row_groups(groups.tolist(), columns=list(found.values()))
    skipped = int((ends - sizes)[groups[0]]) if len(groups) else first
    return {name: _numbers(table, of, path)[first - skipped : last - skipped] for name, of in found.items()}


def _names(file: pq.ParquetFile, path: Path) -> list[str]:
    names = list(file.schema_arrow.names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError("each column must be there once", came=f"several named {', '.join(twice)}", where=path)
    return names


def _numbers(table: pa.Table, name: str, path: Path) -> Array:
    kind, nulls = table.column(name).type, table.column(name).null_count
    if nulls or not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise DataError(
            f"the column '{name}' must hold a number for each hit", came=f"{kind}, {nulls} nulls", where=path
        )
    return np.asarray(table.column(name).to_numpy())


def _codes(table: pa.Table, name: str, path: Path) -> Array:
    """Small numbers in place of a column's values, whatever they are, (rows,) int64."""
    column = table.column(name)
    if column.null_count:
        raise DataError(
            f"the column '{name}' must have a value for each hit", came=f"{column.null_count} nulls", where=path
        )
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return np.asarray(column.combine_chunks().dictionary_encode().indices, np.int64)
