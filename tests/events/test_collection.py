from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.events import Collection

RAGGED = st.lists(st.lists(st.integers(-1000, 1000), max_size=5), max_size=8)


def make(lists: list[list[int]]) -> Collection:
    flat = np.array([value for row in lists for value in row], np.int64)
    return Collection.from_counts(np.array([len(row) for row in lists], np.int64), {"a": flat, "b": flat * 0.5})


def lists(collection: Collection) -> list[list[int]]:
    np.testing.assert_array_equal(collection["a"] * 0.5, collection["b"])  # columns stay together
    return [part.tolist() for part in np.split(collection["a"], collection.offsets[1:-1])] if len(collection) else []


@given(RAGGED)
def test_counts_events_and_sums(rows: list[list[int]]) -> None:
    collection = make(rows)
    assert lists(collection) == rows
    assert (len(collection), collection.rows) == (len(rows), sum(map(len, rows)))
    assert collection.counts.tolist() == list(map(len, rows))
    assert collection.event.tolist() == [i for i, row in enumerate(rows) for _ in row]
    assert collection.sum(collection["b"]).tolist() == [sum(row) / 2 for row in rows]


@given(RAGGED, st.data())
def test_take_slice_and_select_are_those_of_lists(rows: list[list[int]], data: st.DataObject) -> None:
    collection = make(rows)
    number = len(rows)
    index = data.draw(st.lists(st.integers(0, number - 1), max_size=10)) if number else []
    assert lists(collection.take(np.array(index, np.int64))) == [rows[i] for i in index]
    start = data.draw(st.integers(0, number))
    stop = data.draw(st.integers(start, number))
    assert lists(collection.slice(start, stop)) == rows[start:stop]
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=collection.rows, max_size=collection.rows)), bool)
    flags = iter(keep)
    assert lists(collection.select_rows(keep)) == [[value for value in row if next(flags)] for row in rows]


@given(st.lists(RAGGED, min_size=1, max_size=4))
def test_concatenate_is_that_of_lists(parts: list[list[list[int]]]) -> None:
    assert lists(Collection.concatenate([make(part) for part in parts])) == [row for part in parts for row in part]


def test_slices_share_memory() -> None:
    collection = make([[1, 2], [3]])
    assert np.shares_memory(collection.slice(1, 2)["a"], collection["a"])


@pytest.mark.parametrize(
    ("offsets", "message"),
    [([], "offsets"), ([1, 2], "starts at 0"), ([0, 3, 2], "never falls"), ([[0, 2]], "offsets"), ([0, 3], "3 rows")],
)
def test_offsets_and_columns_must_fit(offsets: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Collection(np.array(offsets, np.int64), {"a": np.zeros(2)})


def test_nothing_cannot_be_concatenated() -> None:
    with pytest.raises(DataError, match="at least one"):
        Collection.concatenate([])
