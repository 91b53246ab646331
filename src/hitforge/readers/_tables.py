"""Tables of numbers in CSV (plain or compressed) and Parquet files."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
from pyarrow import compute

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.readers._ends import parquet
from hitforge.readers.files import foreign

_CODECS = {"": None, ".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4", ".br": "brotli"}

ENDINGS = (*(f".csv{ending}" for ending in _CODECS), ".parquet")
"""Endings of the files that ``read_table`` reads, in any letter case."""

_MAGIC = {
    b"PAR1": ".parquet", b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\x28\xb5\x2f\xfd": ".zst", b"\x04\x22\x4d\x18": ".lz4",
    b"\xfd7zXZ": ".xz", b"PK\x03\x04": ".zip", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16",
}  # fmt: skip
_NULLS = ["", "NaN", "nan", "NULL", "null", "N/A", "NA"]
_EVENT = {"event", "eventid", "eventnr", "eventno", "eventnumber", "evt", "evtid", "ievt", "ievent"}
_HEAD = 1 << 16  # bytes in which the header of a table ends
_BITS = {"halffloat": 11, "float": 24}  # whole numbers that a type holds exactly; others: 53


def ending_of(name: str) -> str | None:
    """Return the ending by which a file is read, None where it is not one of ``ENDINGS``."""
    return max((ending for ending in ENDINGS if name.lower().endswith(ending)), key=len, default=None)


def codec_of(name: str) -> str | None:
    """Return the codec of pyarrow that unpacks a file of CSV, None where it is plain."""
    return _CODECS[(ending_of(name) or ".csv").removeprefix(".csv")]


def read_table(path: Path, need: Mapping[str, str], optional: Mapping[str, str] | None = None) -> dict[str, Array]:
    """Return columns of a table, each (rows,); CSV and Parquet are read by the same rules.

    Names of columns are compared without their letter case and the blanks around them. Whole numbers may be written
    as 12.0, where they are small enough to be exact.

    Args:
        path: CSV or Parquet file.
        need: Column -> 'float' (float64), 'int' (int64) or 'id' (64 bits of any sign, returned as int64).
        optional: The same for columns that may be absent; they are then absent in the result.

    Raises:
        DataError: The file is damaged, of another format than its ending says, holds several events, a column is
            missing or stands twice, or an entry is no number of its type.
    """
    types = {**need, **(optional or {})}
    with foreign(path):
        ending = ending_of(path.name)
        if ending is None:
            raise DataError(f"the table must end in one of {', '.join(ENDINGS)}", came=path.name, where=path)
        _check_content(path, ending)
        table = _parquet(path) if ending == ".parquet" else _csv(path, codec_of(path.name), types)
        names = [_plain(name) for name in table.column_names]
        missing = [name for name in need if _plain(name) not in names]
        if missing:
            came = f"none named {', '.join(missing)}, only {', '.join(table.column_names[:12])}"
            raise DataError(f"the table must have the columns {', '.join(need)}", came=came, where=path)
        twice = [name for name in types if names.count(_plain(name)) > 1]
        if twice:
            raise DataError("each column must stand once", came=f"'{twice[0]}' twice", where=path)
        _refuse_events(table, path)
        found = {name: names.index(_plain(name)) for name in types if _plain(name) in names}
        return {name: _numbers(table.column(at), name, types[name], path) for name, at in found.items()}


def _plain(name: str) -> str:
    return name.strip().lower()


def _refuse_events(table: pa.Table, path: Path) -> None:
    """Refuse a table of several events: all that use this module have a file for each."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if re.sub(r"[\W_]", "", name.lower()) in _EVENT and not pa.types.is_nested(column.type):
            events = column.drop_null().unique()
            if len(events) > 1:
                some = ", ".join(_shown(one) for one in events[:3])
                raise DataError(
                    "the table must hold one event",
                    came=f"{len(events)} different values of '{name}', such as {some}",
                    where=path,
                    do="write the tables of each event into files of their own",
                )


def _shown(value: pa.Scalar) -> str:
    plain = value.as_py()
    return plain.decode(errors="replace") if isinstance(plain, bytes) else str(plain)


def _check_content(path: Path, ending: str) -> None:
    """Refuse a file that is something else than its ending says."""
    with path.open("rb") as handle:
        head = handle.read(8)
    if not head:
        raise DataError("the table must have a header", came="an empty file", where=path, do="write it again")
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
    must = ending.removeprefix(".csv")
    if found != must and (found or must != ".br"):  # Brotli has no mark of its own
        what = found.removeprefix(".") if found else "text or something unknown"
        do = "write it as UTF-8" if found == "UTF-16" else "name the file after its content, or write it again"
        raise DataError(
            f"a file that ends in {ending} must be one", came=f"{what}, by its first bytes", where=path, do=do
        )


def _parquet(path: Path) -> pa.Table:
    with parquet(path) as file:  # not read_table, which would join all files of a folder of that name
        return file.read()


def _csv(path: Path, codec: str | None, types: Mapping[str, str]) -> pa.Table:
    """Text: an id of 19 digits that became a float on the way would be another id."""
    with pa.input_stream(str(path), compression=codec) as stream:
        head = stream.read(_HEAD).removeprefix(b"\xef\xbb\xbf")
    header = next((line for line in head.splitlines() if line.strip()), b"")
    do = ""
    if header.lstrip().startswith(b"#"):
        do = "delete the lines of comment, and a # before the header"
    elif b"," not in header and any(mark in header.strip() for mark in (b";", b"\t", b" ", b"|")):
        do = "write it with commas between columns and a point in numbers"
    if do:
        came = header[:60].decode(errors="replace")
        raise DataError("the first line must name the columns, separated by commas", came=came, where=path, do=do)
    try:
        names = pc.read_csv(io.BytesIO(header + b"\n")).column_names
        wanted = {_plain(name) for name in types}
        column_types = {name: pa.string() if _plain(name) in wanted else pa.binary() for name in names}
        options = pc.ConvertOptions(column_types=column_types, null_values=_NULLS, strings_can_be_null=True)
        with pa.input_stream(str(path), compression=codec) as stream:
            table = pc.read_csv(stream, convert_options=options)
    except UnicodeDecodeError:
        came = header[:60].decode(errors="backslashreplace")
        must = "the first line must be text in UTF-8"
        raise DataError(must, came=came, where=path, do="write the file as UTF-8") from None
    except pa.ArrowInvalid as error:
        must = "the table must be text, with as many entries in each row as the header has"
        do = "compare that row with the header, or write the file again"
        raise DataError(must, came=str(error).strip().splitlines()[0][:200], where=path, do=do) from None
    _refuse_swallowed(table, path)
    return table


def _refuse_swallowed(table: pa.Table, path: Path) -> None:
    """Refuse an entry in which rows stand: its quote was never closed, and they would vanish."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not pa.types.is_binary(column.type):  # what is read is parsed as numbers
            continue
        several = compute.match_substring(column, "\n").fill_null(False)
        for text in column.filter(several):
            lines = text.as_py().splitlines()[1:]
            rows = [line for line in lines if line.count(b",") >= len(table.column_names) - 1]
            if rows:
                raise DataError(
                    "each quote in the table must be closed in its row",
                    came=f"an entry of '{name}' that goes on for {len(lines)} lines, such as "
                    + rows[0][:60].decode(errors="replace"),
                    where=path,
                    do="close it, or write the file again",
                )


def _numbers(column: pa.ChunkedArray, name: str, kind: str, path: Path) -> Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        came = f"no number in {column.null_count} rows, the first is row {row}"
        raise DataError(f"the column '{name}' must hold a number in each row", came=came, where=path)
    if not len(column):
        return np.empty(0, np.float64 if kind == "float" else np.int64)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _parsed(column, name, kind, path)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise _no_numbers(name, kind, f"{column.type}, such as {str(column[0])[:40]}", path)
    values = np.asarray(column.to_numpy())
    if kind == "float":
        return values.astype(np.float64)
    wrong = np.zeros(len(values), np.bool_)
    if values.dtype.kind == "f":
        limit = 2.0 ** _BITS.get(str(column.type), 53)
        wrong = ~(np.abs(values) < limit) | (np.floor(values) != values)
    elif kind == "int" and values.dtype == np.uint64:
        wrong = values > np.uint64(2**63 - 1)
    rows = np.flatnonzero(wrong)
    if len(rows):
        more = f" in row {rows[0]}, and {len(rows) - 1} more such rows"
        raise _no_numbers(name, kind, f"{values[rows[0]]}{more}", path)
    return values.astype(np.int64)  # an id above 2^63 keeps its bits


def _parsed(text: pa.ChunkedArray, name: str, kind: str, path: Path) -> pa.ChunkedArray:
    """Numbers of a column of text."""
    text = compute.utf8_trim_whitespace(text)
    if kind == "id" and 0 < compute.sum(negative := compute.starts_with(text, "-")).as_py() < len(text):
        bits = pa.array(np.zeros(len(text), np.uint64))  # ids of both signs: those above 2^63 and negative ones
        for which, type_ in ((negative, pa.int64()), (compute.invert(negative), pa.uint64())):
            part = _cast(text.filter(which), type_, name, kind, path).to_numpy().astype(np.uint64)
            bits = compute.replace_with_mask(bits, which.combine_chunks(), pa.array(part))
        return pa.chunked_array([bits])
    types = [pa.float64()] if kind == "float" else [pa.int64(), pa.uint64(), pa.float64()]
    for type_ in types[:-1]:
        try:
            return text.cast(type_)
        except pa.ArrowInvalid:
            continue
    return _cast(text, types[-1], name, kind, path)


def _cast(text: pa.ChunkedArray, type_: Any, name: str, kind: str, path: Path) -> pa.ChunkedArray:
    try:
        return text.cast(type_)
    except pa.ArrowInvalid:
        row = next(row for row, one in enumerate(text.to_pylist()) if not _is_number(one, type_))
        raise _no_numbers(name, kind, f"'{text[row].as_py()[:40]}' in row {row}", path) from None


def _is_number(text: str, type_: Any) -> bool:
    try:
        pa.scalar(text).cast(type_)
    except pa.ArrowInvalid:
        return False
    return True


def _no_numbers(name: str, kind: str, came: str, path: Path) -> DataError:
    must = f"the column '{name}' must hold {'numbers' if kind == 'float' else 'whole numbers of 64 bits'}"
    return DataError(must, came=came, where=path)
