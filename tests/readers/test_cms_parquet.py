"""Events of Parquet files: which rows belong together, whatever the row groups are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._cms_parquet import columns_of, events_of


def save(path: Path, size: int = 2, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=size)
    return path


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_an_event_is_a_stretch_of_rows_in_the_order_of_the_file(tmp_path: Path, size: int) -> None:
    starts, numbers = events_of(save(tmp_path / "a.parquet", size, event=[7, 7, 3, 3, 3, 5]))
    assert (starts.tolist(), numbers.tolist()) == ([0, 2, 5, 6], [7, 3, 5])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("run", [1, 1, 1, 2, 2, 2]),
        ("luminosityBlock", np.array([1, 1, 1, 2, 2, 2], np.uint32)),
        ("job_id", [1.0, 1, 1, 2, 2, 2]),
        ("file", ["a", "a", "a", "b", "b", "b"]),
        ("file", pa.array(["a", "a", "a", "b", "b", "b"]).dictionary_encode()),
    ],
)
def test_events_of_two_jobs_are_told_apart_by_what_tells_them_apart(tmp_path: Path, name: str, values: Any) -> None:
    starts, numbers = events_of(save(tmp_path / "a.parquet", event=[0, 0, 1, 0, 1, 1], **{name: values}))
    assert (starts.tolist(), numbers.tolist()) == ([0, 2, 3, 4, 6], [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"event": [0, 0, 1, 0]}, "must stand together; got: event 0 in rows 0 to 1 and again in 3 to 3; 1 events in"),
        ({"event": [0, 1, 0, 1], "run": [4] * 4}, "together, with the same run; got: event 0 in rows 0 to 0 and again"),
        ({"event": [0.0, np.nan, 1.0]}, "'event' must hold whole numbers of 64 bits; got: nan in row 1"),
        ({"event": [0.0, 0.5, 1.0]}, "'event' must hold whole numbers of 64 bits; got: 0.5 in row 1"),
        ({"event": np.array([1, 2**63 + 5], np.uint64)}, "whole numbers of 64 bits; got: 9223372036854775813 in row 1"),
        ({"event": [0, -1]}, "'event' must hold numbers >= 0; got: -1 in row 1"),
        ({"event": [0, None]}, "column 'event' must hold a number for each hit; got: int64, 1 nulls"),
        ({"event": [0, 1], "run": [1, None]}, "column 'run' must have a value for each hit; got: 1 nulls"),
        ({"number": [0, 1]}, "columns of HGCalML; got: none named event"),
    ],
)
def test_rows_that_are_no_events_are_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=rf"{message}.*a\.parquet"):
        events_of(save(tmp_path / "a.parquet", **columns))


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_any_stretch_of_rows_is_read(tmp_path: Path, size: int) -> None:
    path = save(tmp_path / "a.parquet", size, x=np.arange(9.0), more=np.arange(9) * 2)
    for first in range(10):
        for last in range(first, 10):
            found = columns_of(path, {"a": "x", "b": "more", "c": "absent"}, ["a"], first, last)
            assert {name: of.tolist() for name, of in found.items()} == {
                "a": list(range(first, last)),
                "b": list(range(2 * first, 2 * last, 2)),
            }
    with pytest.raises(DataError, match=r"columns of HGCalML; got: none named absent.*a\.parquet"):
        columns_of(path, {"c": "absent"}, ["c"], 0, 1)


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([0, 1]), pa.array([1.0, 2]), pa.array([3.0, 4])], names=["event", "x", "x"])
    pq.write_table(table, tmp_path / "a.parquet")
    for read in (lambda path: columns_of(path, {"x": "x"}, ["x"], 0, 2), events_of):
        with pytest.raises(DataError, match=r"each column must be there once; got: several named x.*a\.parquet"):
            read(tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["entry", "file_index", "orbit"])
def test_more_columns_tell_events_of_one_number_apart(tmp_path: Path, name: str) -> None:
    starts, _ = events_of(save(tmp_path / "a.parquet", event=[1, 1, 1, 1], **{name: [0, 0, 1, 1]}))
    assert starts.tolist() == [0, 2, 4]


@pytest.mark.parametrize("name", ["bx", "seed"])
def test_columns_that_are_those_of_hits_tell_no_events_apart(tmp_path: Path, name: str) -> None:
    starts, _ = events_of(save(tmp_path / "a.parquet", event=[1, 1, 1, 2, 2, 2], **{name: [0, 0, 1, 1, 0, 0]}))
    assert starts.tolist() == [0, 3, 6]


def test_a_column_that_changes_from_hit_to_hit_is_refused(tmp_path: Path) -> None:
    message = r"'entry' must be one of events.*got: another value at 4 of 4 hits .*a\.parquet; do: rename .*'entry'"
    with pytest.raises(DataError, match=message):
        events_of(save(tmp_path / "a.parquet", event=[1, 1, 1, 2, 2, 2], entry=[0, 1, 2, 0, 1, 2]))
    starts, _ = events_of(save(tmp_path / "a.parquet", event=[1, 1, 1, 2, 2, 2], entry=[0, 0, 1, 0, 0, 1]))
    assert starts.tolist() == [0, 2, 3, 5, 6]  # sorted by number, of two jobs
