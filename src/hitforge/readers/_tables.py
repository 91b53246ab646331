"""Tables of numbers in CSV (plain or gzip) and Parquet files, and the keys that join them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.readers.files import foreign

ENDINGS = (".csv", ".csv.gz", ".parquet")
"""Endings of the files that ``read_table`` reads."""

_TYPES = {"float": pa.float64(), "int": pa.int64(), "id": pa.uint64()}
_NULLS = ["", "NaN", "nan", "NULL", "null", "N/A", "NA"]


def read_table(path: Path, need: Mapping[str, str], optional: Mapping[str, str] | None = None) -> dict[str, Array]:
    """Return columns of a table, each (rows,).

    Args:
        path: CSV or Parquet file.
        need: Column -> 'float' (float64), 'int' (int64) or 'id' (64 bits of any sign, returned as int64).
        optional: The same for columns that may be absent; they are then absent in the result.

    Raises:
        DataError: The file is damaged, a column is missing or stands twice, or an entry is no number of its type.
    """
    types = {**need, **(optional or {})}
    with foreign(path):
        table = _parquet(path) if path.suffix == ".parquet" else _csv(path, types)
        names = [name.strip() for name in table.column_names]
        missing = [name for name in need if name not in names]
        if missing:
            came = f"none named {', '.join(missing)}, only {', '.join(names[:12])}"
            raise DataError(f"the table must have the columns {', '.join(need)}", came=came, where=path)
        twice = [name for name in types if names.count(name) > 1]
        if twice:
            raise DataError("each column must stand once", came=f"'{twice[0]}' twice", where=path)
        return {
            name: _numbers(table.column(names.index(name)), name, types[name], path) for name in types if name in names
        }


def _parquet(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:  # not read_table, which would join all files of a folder of that name
        return file.read()


def _csv(path: Path, types: Mapping[str, str]) -> pa.Table:
    """The types must be given: an id of 19 digits that becomes a float is another id."""
    options = pc.ConvertOptions(column_types={name: _TYPES[kind] for name, kind in types.items()}, null_values=_NULLS)
    return pc.read_csv(path, convert_options=options)


def _numbers(column: pa.ChunkedArray, name: str, kind: str, path: Path) -> Array:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        came = f"no number in {column.null_count} rows, the first is row {row}"
        raise DataError(f"the column '{name}' must hold a number in each row", came=came, where=path)
    if not len(column):
        return np.empty(0, np.float64 if kind == "float" else np.int64)
    number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if not number or (kind == "id" and not pa.types.is_integer(column.type)):
        must = f"the column '{name}' must hold {'whole ' if kind != 'float' else ''}numbers"
        raise DataError(must, came=f"{column.type}, such as {str(column[0])[:40]}", where=path)
    if kind == "id":
        return np.asarray(column.to_numpy()).astype(np.int64)  # a number above 2^63 keeps its bits
    return np.asarray(column.cast(_TYPES[kind]).to_numpy())


def finite(table: Mapping[str, Array], names: Iterable[str], path: Path, low: float | None = None) -> None:
    """Refuse numbers that are not finite, or below a limit.

    Raises:
        DataError: With column, value and row.
    """
    for name in names:
        bad = np.flatnonzero(~np.isfinite(table[name]) | (False if low is None else table[name] < low))
        if len(bad):
            must = f"'{name}' must be finite" if low is None else f"'{name}' must be finite and >= {low:g}"
            came = f"{table[name][bad[0]]} in row {bad[0]}, and {len(bad) - 1} more such rows"
            raise DataError(must, came=came, where=path)


def unique_ids(ids: Array, name: str, path: Path) -> Array:
    """Return the order that sorts ids, (rows,) -> (rows,) int64.

    Raises:
        DataError: An id stands twice.
    """
    order = np.argsort(ids, kind="stable")
    same = np.flatnonzero(np.diff(ids[order]) == 0)
    if len(same):
        came = f"{ids[order[same[0]]]} twice, and {len(same) - 1} more such rows"
        raise DataError(f"each '{name}' must stand once", came=came, where=path)
    return order


def find_ids(keys: Array, ids: Array, order: Array) -> Array:
    """Return the row of each key in a table, (N,) -> (N,) int64, -1 where it has none.

    Args:
        keys: (N,) int64.
        ids: Ids of the table, (rows,) int64.
        order: What ``unique_ids`` gave for them.
    """
    if not len(ids):
        return np.full(len(keys), -1)
    place = order[np.minimum(np.searchsorted(ids, keys, sorter=order), len(ids) - 1)]
    return np.where(ids[place] == keys, place, -1)


def refuse_unknown(row: Array, keys: Array, must: str, path: Path) -> None:
    """Refuse ids that were not found.

    Raises:
        DataError: With the first such id and the number of rows.
    """
    lost = np.flatnonzero(row < 0)
    if len(lost):
        raise DataError(must, came=f"{keys[lost[0]]} and {len(lost) - 1} more such rows", where=path)
