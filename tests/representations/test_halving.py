"""Points halved at a median."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hitforge.representations._halving import halve


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40), st.data())
def test_no_key_before_the_middle_is_larger_than_one_behind(values: list[int], data: st.DataObject) -> None:
    key = np.array(values, np.float64)
    begin = data.draw(st.integers(0, len(values) - 1))
    end = data.draw(st.integers(begin + 1, len(values)))
    middle = data.draw(st.integers(begin, end - 1))
    order = np.random.default_rng(len(values)).permutation(len(values))
    before = order.copy()
    halve(key, order, begin, end, middle)
    np.testing.assert_array_equal(np.sort(order[begin:end]), np.sort(before[begin:end]))
    np.testing.assert_array_equal(order[:begin], before[:begin])
    np.testing.assert_array_equal(order[end:], before[end:])
    if middle > begin:
        assert key[order[begin:middle]].max() <= key[order[middle:end]].min()
