from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hitforge.core.errors import DataError
from hitforge.readers._keys import find_ids, finite, refuse_unknown, refuse_zero, unique_ids

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


def test_what_a_column_must_not_hold_is_named_with_its_row() -> None:
    path = Path("a.csv")
    table = {"x": np.array([1.0, np.inf, -1.0])}
    finite({"x": np.array([1.0, -1.0])}, ["x"], path)
    with pytest.raises(DataError, match=r"'x' must be finite; got: inf in row 1, and 0 more"):
        finite(table, ["x"], path)
    with pytest.raises(DataError, match=r"'x' must be finite and >= 0; got: inf in row 1, and 1 more"):
        finite(table, ["x"], path, low=0)
    refuse_unknown(np.array([0, 3]), np.array([5, 6]), "known", path)
    with pytest.raises(DataError, match=r"known; got: 6 and 0 more such rows; where: a\.csv"):
        refuse_unknown(np.array([0, -1]), np.array([5, 6]), "known", path)
    refuse_zero(np.array([-1, 2]), "key", "0 means noise", path)
    with pytest.raises(DataError, match=r"no 'key' may be 0: 0 means noise; got: 0 in row 1"):
        refuse_zero(np.array([4, 0]), "key", "0 means noise", path)
