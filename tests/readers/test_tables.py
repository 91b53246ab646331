from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hitforge.core.errors import DataError
from hitforge.readers._tables import find_ids, read_table, unique_ids

TYPES = {"key": "id", "number": "int", "value": "float"}


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_ids_keep_all_their_bits(tmp_path: Path, ending: str) -> None:
    key = np.array([4503668346847233, 2**53 + 1, 2**63 + 1, 0], np.uint64)
    path = tmp_path / f"table{ending}"
    if ending == ".csv":
        rows = "".join(f"1.5,{k},-2,word\n" for k in key)
        path.write_text(f"value,key,number,other\n{rows}")
    else:
        pq.write_table(pa.table({"value": [1.5] * 4, "key": key, "number": [-2] * 4}), path)
    table = read_table(path, TYPES, {"absent": "int"})
    assert list(table) == ["key", "number", "value"]
    assert table["key"].dtype == np.int64
    np.testing.assert_array_equal(table["key"].view(np.uint64), key)
    assert table["number"].tolist() == [-2] * 4
    assert table["value"].tolist() == [1.5] * 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "whole and readable; got: Empty CSV"),
        ("key,number\n1,2\n", "must have the columns key, number, value; got: none named value, only key, number"),
        ("key,number,value\n1,2\n", "whole and readable; got: .*Expected 3 columns, got 2"),
        (
            "key,number,value\n1,2,3\n1,,3\n",
            "'number' must hold a number in each row; got: no number in 1 rows, .* row 1",
        ),
        ("key,number,value\n1,2,3\n1,3,nan\n", "'value' must hold a number in each row"),
        ("key,number,value\n1,2.5,3\n", "whole and readable; got: .*2.5"),
        ("key,number,value\n-1,2,3\n", "whole and readable; got: .*-1"),
        ("key,number,value\n1,two,3\n", "whole and readable; got: .*two"),
        ("key,number,value,key\n1,2,3,4\n", "each column must stand once; got: 'key' twice"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path, TYPES)
    assert "table.csv" in str(caught.value)


def test_columns_of_other_types_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    for name, values in (("key", [1.0]), ("number", ["a"]), ("value", [[1.0]])):
        pq.write_table(pa.table({"key": [1], "number": [2], "value": [3.0]} | {name: values}), path)
        with pytest.raises(DataError, match=f"the column '{name}' must hold (whole )?numbers"):
            read_table(path, TYPES)
    pq.write_table(pa.table({"key": [1], "number": [2.5], "value": [3]}), path)
    with pytest.raises(DataError, match="whole and readable"):
        read_table(path, TYPES)


NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(NUMBERS, unique=True, max_size=30), arrays(np.int64, 10, elements=NUMBERS))
def test_ids_are_found_where_they_stand(ids: list[int], others: np.ndarray) -> None:
    table = np.array(ids, np.int64)
    wanted = np.concatenate([table[::-1], others])
    row = find_ids(wanted, table, unique_ids(table, "key", Path("a.csv")))
    assert row.tolist() == [ids.index(k) if k in ids else -1 for k in wanted.tolist()]


def test_an_id_that_stands_twice_is_refused() -> None:
    with pytest.raises(DataError, match=r"each 'key' must stand once; got: 5 twice, and 1 more such rows.*a\.csv"):
        unique_ids(np.array([5, 3, 5, 5]), "key", Path("a.csv"))
