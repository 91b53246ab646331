"""Parquet tables with one row an event, whose columns are lists: ColliderML's layout, and jets with constituents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.readers._ends import parquet
from hitforge.readers._root import whole

_AT_ONCE = 16  # events of a detector; a row group may hold thousands, which need not fit into memory
_JETS_AT_ONCE = 4096


def event_ids(path: Path) -> Array:
    """Return the number of each event, (rows,) int64.

    Raises:
        DataError: There is no column ``event_id``, an entry is no number, or one stands twice.
    """
    with parquet(path) as file:
        if "event_id" not in file.schema_arrow.names:
            came = f"only {', '.join(file.schema_arrow.names[:12])}"
            raise DataError("the table must have the column 'event_id'", came=came, where=path)
        column = file.read(columns=["event_id"]).column("event_id")
    if column.null_count or not pa.types.is_integer(column.type):
        came = f"{column.type}, {column.null_count} nulls"
        raise DataError("'event_id' must be a whole number in each row", came=came, where=path)
    ids = whole(np.asarray(column.to_numpy()), "event_id", path)
    once, counts = np.unique(ids, return_counts=True)
    if len(once) < len(ids):
        came = f"event {once[counts > 1][0]} in {counts.max()} rows, and {int((counts > 1).sum()) - 1} more such events"
        do = "give each event a number of its own, in all tables"
        raise DataError("each 'event_id' must stand once in a table", came=came, where=path, do=do)
    return ids


def read_lists(
    path: Path, first: int, last: int, need: Mapping[str, str], optional: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return the columns of the events ``first`` to ``last - 1``, one dictionary an event.

    Args:
        path: Parquet file.
        first: First row.
        last: One behind the last row.
        need: Column -> ``float`` (float64), ``int`` (int64), ``id`` (64 bits of any sign, as int64), ``parent`` (int64,
            -1 where there is none), or ``ids`` and ``floats`` (a list for each entry: values and counts).
        optional: The same for columns that may be absent.

    Raises:
        DataError: A column is missing or is no list of numbers, an entry is none, or columns of an event differ in
            length.
    """
    kinds = {**need, **(optional or {})}
    table = _stretch(path, first, last, kinds, need)
    kinds = {name: kind for name, kind in kinds.items() if name in table.column_names}
    events: list[dict[str, Any]] = [{} for _ in range(last - first)]
    length: dict[str, Array] = {}
    for name, kind in kinds.items():
        column = table.column(name)
        lists = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        values, counts = _flat(lists, name, path)
        length[name] = counts
        ends = np.cumsum(counts)
        if kind in ("ids", "floats"):
            inner, each = _flat(values, name, path)
            numbers = _numbers(inner, name, "id" if kind == "ids" else "float", path)
            at = np.concatenate([[0], np.cumsum(each)])
            for event, (start, stop) in enumerate(zip(ends - counts, ends, strict=True)):
                events[event][name] = numbers[at[start] : at[stop]], each[start:stop]
        else:
            numbers = _numbers(values, name, kind, path)
            for event, (start, stop) in enumerate(zip(ends - counts, ends, strict=True)):
                events[event][name] = numbers[start:stop]
    _same_length(length, path, first)
    return events


def columns_of_table(path: Path) -> tuple[list[str], int]:
    """Return the names of a table's columns, and the number of its rows."""
    with parquet(path) as file:
        return list(file.schema_arrow.names), int(file.metadata.num_rows)


def flat_lists(
    path: Path, first: int, last: int, lists: Iterable[str], numbers: Iterable[str]
) -> tuple[dict[str, Array], Array, dict[str, Array]]:
    """Return columns of the rows ``first`` to ``last - 1``, flat: for many small events.

    Args:
        path: Parquet file.
        first: First row.
        last: One behind the last row.
        lists: Columns that hold a list of numbers, or of true and false, in each row.
        numbers: Columns that hold a number, or true or false, in each row.

    Returns:
        Name -> (entries,) of the lists, their length in each row, (rows,) int64, and name -> (rows,) of the numbers.

    Raises:
        DataError: As in ``read_lists``.
    """
    lists, numbers = list(lists), list(numbers)
    table = _stretch(path, first, last, [*lists, *numbers], [*lists, *numbers], _JETS_AT_ONCE)
    found, length = {}, {}
    for name in lists:
        values, length[name] = _flat(table.column(name).combine_chunks(), name, path)
        found[name] = _plain(values, name, path)
    _same_length(length, path, first)
    counts = length[lists[0]] if lists else np.zeros(len(table), np.int64)
    return found, counts, {name: _plain(table.column(name).combine_chunks(), name, path) for name in numbers}


class Stretches:
    """Stretches of rows of tables, all columns, in batches: the next stretch goes on where the last one ended.

    A row group may hold a whole file, which is decoded from its beginning only once as long as stretches come in order.

    Args:
        at_once: Rows of a batch, at most.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._open = dict[Path, tuple[int, pa.RecordBatch | None, Iterator[pa.RecordBatch]]]()

    def rows(self, path: Path, first: int, last: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows ``first`` to ``last - 1``.

        Raises:
            DataError: There are fewer rows.
        """
        at, rest, batches = self._open.pop(path, (first + 1, None, iter(())))
        if at > first:
            at, batches = self._from(path, first)
            rest = None
        while at < last:
            batch, rest = (rest, None) if rest is not None else (next(batches, None), None)
            if batch is None:
                came = f"{max(at - first, 0)} of {last - first}"
                raise DataError("the table must have the rows that it says", came=came, where=path)
            start, stop = max(first - at, 0), min(last - at, len(batch))
            if stop < len(batch):  # the rest is the beginning of the next stretch
                rest = batch.slice(stop)
            at += stop
            if start < stop:
                yield batch.slice(start, stop - start)
        self._open[path] = at, rest, batches

    def _from(self, path: Path, first: int) -> tuple[int, Iterator[pa.RecordBatch]]:
        """First row of the row group that holds a row, and batches from there on."""
        with parquet(path) as file:
            ends = _ends(file)
        group = int(np.searchsorted(ends, first, side="right"))
        return int(ends[group - 1]) if group else 0, self._batches(path, list(range(group, len(ends))))

    def _batches(self, path: Path, groups: list[int]) -> Iterator[pa.RecordBatch]:
        with parquet(path) as file:
            yield from file.iter_batches(self._at_once, row_groups=groups)


def _plain(values: Any, name: str, path: Path) -> Array:
    """Numbers, or 0 and 1 of false and true, in their own type."""
    kind = values.type
    if values.null_count or not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        came = f"{kind}, {values.null_count} nulls"
        raise DataError(f"each entry of '{name}' must be a number", came=came, where=path)
    found = np.asarray(values.to_numpy(zero_copy_only=False))
    return found.astype(np.int8) if found.dtype == bool else found


def _stretch(
    path: Path, first: int, last: int, kinds: Iterable[str], need: Iterable[str], at_once: int = _AT_ONCE
) -> pa.Table:
    """Some columns of a stretch of rows."""
    with parquet(path) as file:
        names = file.schema_arrow.names
        missing = [name for name in need if name not in names]
        if missing:
            came = f"none named {', '.join(missing)}, only {', '.join(names[:14])}"
            raise DataError(f"the table must have the columns {', '.join(need)}", came=came, where=path)
        twice = [name for name in kinds if names.count(name) > 1]
        if twice:
            raise DataError("each column must stand once", came=f"'{twice[0]}' twice", where=path)
        columns = [name for name in kinds if name in names]
        ends = _ends(file)
        groups = np.flatnonzero((ends > first) & (np.concatenate([[0], ends])[:-1] < last))
        at = int(ends[groups[0] - 1]) if len(groups) and groups[0] else 0
        parts = []
        for batch in file.iter_batches(at_once, row_groups=groups.tolist(), columns=columns):
            start, stop = max(first - at, 0), min(last - at, len(batch))
            if start < stop:
                parts.append(batch.slice(start, stop - start))
            at += len(batch)
            if at >= last:
                break
        table = pa.Table.from_batches(parts) if parts else file.schema_arrow.empty_table().select(columns)
    if len(table) != last - first:
        raise DataError("the table must have the rows that it says", came=f"{len(table)} of {last - first}", where=path)
    return table


def _ends(file: Any) -> Array:
    """Row behind the last one of each row group, (G,) int64."""
    groups = (file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
    return np.cumsum(np.fromiter(groups, np.int64))


def _flat(lists: Any, name: str, path: Path) -> tuple[Any, Array]:
    """Values of lists and the length of each."""
    if not (pa.types.is_list(lists.type) or pa.types.is_large_list(lists.type)):
        must = f"the column '{name}' must hold a list in each row"
        raise DataError(must, came=str(lists.type), where=path, do="is it a table of another kind or layout?")
    if lists.null_count:
        raise DataError(f"'{name}' must hold a list in each row", came=f"{lists.null_count} nulls", where=path)
    counts = np.diff(np.asarray(lists.offsets.to_numpy(), np.int64))
    return lists.flatten(), counts


def _parents(values: Any, name: str, path: Path) -> Array:
    """Ids of parents, -1 for null, not a number and the largest number of 64 bits, in whatever type they stand."""
    nobody = np.asarray(values.is_null(nan_is_null=True).to_numpy(zero_copy_only=False))
    found = np.array(values.fill_null(pa.scalar(0, values.type)).to_numpy(zero_copy_only=False))
    found[nobody] = 0
    ids = found.astype(np.int64) if found.dtype == np.uint64 else whole(found, name, path)
    return np.where(nobody, -1, ids)


def _numbers(values: Any, name: str, kind: str, path: Path) -> Array:
    if kind == "parent" and pa.types.is_null(values.type):  # of all parents none
        return np.full(len(values), -1)
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise DataError(f"'{name}' must hold numbers", came=str(values.type), where=path)
    if kind == "parent":
        return _parents(values, name, path)
    if values.null_count:
        raise DataError(f"each entry of '{name}' must be a number", came=f"{values.null_count} nulls", where=path)
    found = np.asarray(values.to_numpy(zero_copy_only=False))
    if kind == "float":
        return found.astype(np.float64)
    if kind == "id" and found.dtype == np.uint64:
        return found.astype(np.int64)  # an id above 2^63 keeps its bits
    return whole(found, name, path)


def _same_length(length: Mapping[str, Array], path: Path, first: int) -> None:
    names = list(length)
    for name in names[1:]:
        wrong = np.flatnonzero(length[name] != length[names[0]])
        if len(wrong):
            at = int(wrong[0])
            came = f"{length[names[0]][at]} of '{names[0]}' and {length[name][at]} of '{name}'"
            raise DataError(
                "the lists of an event must be of one length", came=came, where=f"{path}, event {first + at}"
            )
