from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._list_tables import columns_of_table, event_ids, flat_lists, read_lists
from tests.readers.odd_files import cells_table, hits_table, particles_table, write_lists


def test_events_are_read_from_any_row_group(tmp_path: Path) -> None:
    table = {"event_id": list(range(50)), "x": [[float(i)] * (i % 3) for i in range(50)]}
    path = write_lists(tmp_path / "x.parquet", table, row_group_size=7)
    np.testing.assert_array_equal(event_ids(path), np.arange(50))
    for first, last in ((0, 50), (6, 8), (13, 14), (20, 45), (49, 50)):
        found = read_lists(path, first, last, {"x": "float"})
        assert [one["x"].tolist() for one in found] == table["x"][first:last]


def test_ids_keep_their_bits_and_nobody_is_the_parent_where_there_is_none(tmp_path: Path) -> None:
    hits = read_lists(write_lists(tmp_path / "h.parquet", hits_table()), 0, 2, {"particle_id": "id"})
    assert hits[0]["particle_id"].tolist() == [0, 0, 4, -1]
    path = write_lists(tmp_path / "p.parquet", particles_table())
    found = read_lists(path, 0, 2, {"parent_id": "parent"}, {"absent": "float"})
    assert [one["parent_id"].tolist() for one in found] == [[-1], [0, 99]]
    assert "absent" not in found[0]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[None, 4, None]], pa.list_(pa.uint64())),
        pa.array([[2**64 - 1, 4, None]], pa.list_(pa.uint64())),
        pa.array([[None, 4, -1]], pa.list_(pa.int32())),
        pa.array([[float("nan"), 4.0, None]], pa.list_(pa.float64())),
        pa.array([[None, 4, None]], pa.large_list(pa.uint32())),
    ],
)
def test_nobody_is_the_parent_in_whatever_type(tmp_path: Path, values: pa.Array) -> None:
    pq.write_table(pa.table({"parent_id": values}), tmp_path / "a.parquet")
    assert read_lists(tmp_path / "a.parquet", 0, 1, {"parent_id": "parent"})[0]["parent_id"].tolist() == [-1, 4, -1]


def test_a_column_of_no_parents_has_no_type(tmp_path: Path) -> None:
    pq.write_table(pa.table({"parent_id": pa.array([[None, None]])}), tmp_path / "a.parquet")
    assert read_lists(tmp_path / "a.parquet", 0, 1, {"parent_id": "parent"})[0]["parent_id"].tolist() == [-1, -1]
    pq.write_table(pa.table({"parent_id": pa.array([[0.5]])}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"'parent_id' must hold whole numbers of 64 bits; got: 0\.5"):
        read_lists(tmp_path / "b.parquet", 0, 1, {"parent_id": "parent"})


def test_lists_of_lists_are_values_and_counts(tmp_path: Path) -> None:
    found = read_lists(write_lists(tmp_path / "c.parquet", cells_table()), 0, 2, {"contrib_particle_ids": "ids"})
    values, counts = found[0]["contrib_particle_ids"]
    assert (values.tolist(), counts.tolist()) == ([4, -1, 4], [3, 0])
    assert [part.tolist() for part in found[1]["contrib_particle_ids"]] == [[0, 4], [2]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"y": pa.array([[1.0]])}, "must have the columns x; got: none named x"),
        ({"x": pa.array([1.0])}, "'x' must hold a list in each row"),
        ({"x": pa.array([None], pa.list_(pa.float32()))}, "a list in each row.*1 nulls"),
        ({"x": pa.array([[None, 1.0]])}, "each entry of 'x' must be a number"),
        ({"x": pa.array([["1"]])}, "'x' must hold numbers"),
        ({"x": pa.array([[1.0]]), "y": pa.array([[1.0, 2.0]])}, "of one length; got: 1 of 'x' and 2 of 'y'"),
    ],
)
def test_what_is_no_list_of_numbers_is_refused(tmp_path: Path, columns: dict[str, pa.Array], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        read_lists(tmp_path / "a.parquet", 0, 1, {"x": "float"}, {"y": "float"})


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (pa.array([4, 9, 4]), "each 'event_id' must stand once.*event 4 in 2 rows"),
        (pa.array([4, None]), "'event_id' must be a whole number"),
        (pa.array([0.5, 1.0]), "'event_id' must be a whole number"),
    ],
)
def test_numbers_of_events_stand_once(tmp_path: Path, ids: pa.Array, message: str) -> None:
    pq.write_table(pa.table({"event_id": ids}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        event_ids(tmp_path / "a.parquet")
    pq.write_table(pa.table({"event": ids}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match="must have the column 'event_id'"):
        event_ids(tmp_path / "b.parquet")


def test_lists_are_flat_over_any_stretch_of_rows(tmp_path: Path) -> None:
    lists = [[float(i)] * (i % 3) for i in range(50)]
    flags = [[i % 2 == 0] * (i % 3) for i in range(50)]
    table = pa.table({"x": lists, "good": flags, "n": list(range(50))})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=7)
    assert columns_of_table(tmp_path / "a.parquet") == (["x", "good", "n"], 50)
    for first, last in ((0, 50), (6, 8), (13, 14), (49, 50)):
        found, counts, numbers = flat_lists(tmp_path / "a.parquet", first, last, ["x", "good"], ["n"])
        np.testing.assert_array_equal(counts, [i % 3 for i in range(first, last)])
        np.testing.assert_array_equal(found["x"], [x for row in lists[first:last] for x in row])
        np.testing.assert_array_equal(found["good"], [x for row in flags[first:last] for x in row])
        np.testing.assert_array_equal(numbers["n"], np.arange(first, last))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([["a"], ["b"]], "each entry of 'x' must be a number; got: string"),
        ([[1.0, None], [2.0]], "each entry of 'x' must be a number; got: double, 1 nulls"),
        ([[1.0], None], "'x' must hold a list in each row; got: 1 nulls"),
        ([1.0, 2.0], "'x' must hold a list in each row"),
    ],
)
def test_flat_lists_of_no_numbers_are_refused(tmp_path: Path, column: list[object], message: str) -> None:
    pq.write_table(pa.table({"x": column}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        flat_lists(tmp_path / "a.parquet", 0, 2, ["x"], [])
