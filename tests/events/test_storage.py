from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.events import COLLECTIONS, Collection, Events, FieldInfo, storage
from hitforge.events.storage import read_shard, write_shard

INFO = {"pt": FieldInfo("float64", "GeV", "transverse momentum"), "kind": FieldInfo("int8", "", "a label")}


def make(counts: list[int], seed: int = 1) -> Events:
    random = np.random.default_rng(seed)
    collections = {}
    for name, table in COLLECTIONS.items():
        rows = sum(counts)
        collections[name] = Collection.from_counts(
            np.array(counts, np.int64), {key: random.integers(0, 100, rows).astype(i.dtype) for key, i in table.items()}
        )
    fields = {"pt": random.normal(size=len(counts)), "kind": random.integers(-9, 9, len(counts))}
    return Events(collections, fields, INFO)


def assert_equal(one: Events, two: Events) -> None:
    assert one.info == two.info
    assert list(one.collections) == list(two.collections)
    for name, values in one.fields.items():
        assert values.dtype == two.fields[name].dtype
        np.testing.assert_array_equal(values, two.fields[name])
    for name, collection in one.collections.items():
        np.testing.assert_array_equal(collection.offsets, two.collections[name].offsets)
        for key, column in collection.columns.items():
            assert column.dtype == two.collections[name][key].dtype
            np.testing.assert_array_equal(column, two.collections[name][key])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 6), max_size=10))
def test_what_is_written_is_read(tmp_path: Path, counts: list[int]) -> None:
    events = make(counts)
    write_shard(tmp_path / "a.parquet", events)
    assert_equal(read_shard(tmp_path / "a.parquet"), events)


def test_slices_are_written_as_they_are(tmp_path: Path) -> None:
    events = make([2, 3, 0, 4])
    part = Events({"hits": events.hits.slice(1, 4)})
    write_shard(tmp_path / "a.parquet", part)
    assert_equal(read_shard(tmp_path / "a.parquet"), part)


def test_several_row_groups_are_one_shard(tmp_path: Path) -> None:
    events = make([3, 0, 2, 5, 1])
    write_shard(tmp_path / "a.parquet", events)
    pq.write_table(pq.read_table(tmp_path / "a.parquet"), tmp_path / "b.parquet", row_group_size=2)
    assert_equal(read_shard(tmp_path / "b.parquet"), events)


def test_only_the_collections_asked_for_are_read(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.parquet", make([2, 3]))
    events = read_shard(tmp_path / "a.parquet", {"hits"})
    assert list(events.collections) == ["hits"]
    assert list(events.fields) == ["pt", "kind"]
    assert len(read_shard(tmp_path / "a.parquet", set())) == 2


def test_events_without_fields_are_counted_by_a_collection(tmp_path: Path) -> None:
    hits = {name: np.zeros(3) for name in COLLECTIONS["hits"]}
    write_shard(tmp_path / "a.parquet", Events({"hits": Collection.from_counts(np.array([2, 0, 1]), hits)}))
    assert len(read_shard(tmp_path / "a.parquet", set())) == 3


def test_the_same_events_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_shard(tmp_path / name, make([2, 3]))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_shard(path, make([5, 2, 8]))
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40).astype(int):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"whole Parquet file.*a\.parquet.*make or fetch"):
            read_shard(path)


@pytest.mark.parametrize("seed", range(80))
def test_a_damaged_byte_is_refused_or_harmless(tmp_path: Path, seed: int) -> None:
    """Values never change in silence: pages have checksums."""
    path, events = tmp_path / "a.parquet", make([50] * 20)
    write_shard(path, events)
    data, random = bytearray(path.read_bytes()), np.random.default_rng(seed)
    data[random.integers(4, len(data) - 8 if seed % 4 else 4000)] ^= int(random.integers(1, 256))
    path.write_bytes(data)
    message = "a.parquet"
    try:
        read = read_shard(path)
    except DataError as error:
        message = str(error)
    else:
        for name, collection in read.collections.items():
            for key in collection.columns:
                np.testing.assert_array_equal(collection[key], events.collections[name][key])
    assert "a.parquet" in message


def rewrite(path: Path, change: Any) -> None:
    table = pq.read_table(path)
    header = json.loads(table.schema.metadata[b"hitforge"])
    table, header = change(table, header)
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    pq.write_table(table.replace_schema_metadata({b"hitforge": content}), path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, h: (t, {**h, "schema_version": 99}), "schema version 1; got: 99"),
        (lambda t, h: (t, b"{"), "whole Parquet file"),
        (lambda t, h: (t, {}), "whole Parquet file"),
        (lambda t, h: (t, {**h, "info": {}}), "must have a description"),
        (lambda t, h: (t.drop_columns(["hits.energy"]), h), "hits must have the columns.*energy"),
        (lambda t, h: (t.append_column("rings.x", t["hits.x"]), h), "jets, constituents; got: rings"),
        (
            lambda t, h: (t.set_column(t.column_names.index("hits.x"), "hits.x", pa.array([[1.0], []])), h),
            "all columns of hits must have the same lengths",
        ),
        (
            lambda t, h: (t.set_column(t.column_names.index("event.pt"), "event.pt", pa.array([1.0, None])), h),
            "event.pt must have a value for each event; got: 1 nulls",
        ),
        (
            lambda t, h: (t.set_column(t.column_names.index("event.pt"), "event.pt", pa.array(["a", "b"])), h),
            "field 'pt' must be a list of numbers",
        ),
        (
            lambda t, h: (t.set_column(t.column_names.index("hits.x"), "hits.x", pa.array([1.0, 2.0])), h),
            "whole Parquet file",
        ),
    ],
)
def test_files_that_do_not_fit_the_model_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    path = tmp_path / "a.parquet"
    write_shard(path, make([2, 3]))
    rewrite(path, change)
    with pytest.raises(DataError, match=message) as caught:
        read_shard(path)
    assert "a.parquet" in str(caught.value)


def test_foreign_and_missing_files_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "foreign.parquet")
    with pytest.raises(DataError, match=r"that hitforge wrote.*foreign\.parquet.*hitforge convert"):
        read_shard(tmp_path / "foreign.parquet")
    with pytest.raises(DataError, match=r"nothing\.parquet"):
        read_shard(tmp_path / "nothing.parquet")
    with pytest.raises(DataError, match="whole Parquet file"):
        read_shard(tmp_path)


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(table: pa.Table, path: Path, **options: Any) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.pq, "write_table", full)
    with pytest.raises(DataError, match=r"disk full.*a\.parquet.*free space"):
        write_shard(tmp_path / "a.parquet", make([1]))
    assert list(tmp_path.iterdir()) == []


def test_rows_without_a_value_are_refused(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.parquet", make([2, 3]))
    table = pq.read_table(tmp_path / "a.parquet")
    place = table.column_names.index("hits.x")
    column = table.column(place).combine_chunks()
    holes = pa.LargeListArray.from_arrays(column.offsets, pa.array([None, 1, 2, 3, 4], pa.float32()))
    pq.write_table(table.set_column(place, "hits.x", holes), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"hits\.x must have a value in each row; got: 1 nulls.*a\.parquet"):
        read_shard(tmp_path / "a.parquet")


def test_events_are_counted_without_reading_them(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.parquet", make([2, 3, 0]))
    assert storage.count_events(tmp_path / "a.parquet") == 3
