from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from hitforge.core.errors import DataError
from hitforge.tasks._assignment import assign, assign_batch

SHAPES = st.tuples(st.integers(0, 5), st.integers(0, 5))
NUMBERS = st.floats(-1e3, 1e3, allow_nan=False, width=32)
TIES = st.integers(-2, 2).map(float)


def least(cost: np.ndarray) -> float:
    """The least summed cost, by trying all."""
    if cost.shape[0] > cost.shape[1]:
        cost = cost.T
    rows = range(cost.shape[0])
    return min(sum(cost[i, p[i]] for i in rows) for p in permutations(range(cost.shape[1]), cost.shape[0]))


@settings(max_examples=150, deadline=None)
@given(st.one_of(arrays(np.float64, SHAPES, elements=NUMBERS), arrays(np.float64, SHAPES, elements=TIES)))
def test_cost_is_the_least_of_all_permutations(cost: np.ndarray) -> None:
    row, column = assign(cost)
    assert len(row) == len(column) == min(cost.shape)
    assert (np.diff(row) > 0).all()
    assert len(set(column.tolist())) == len(column)
    assert cost[row, column].sum() == pytest.approx(least(cost), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31), st.sampled_from([1.0, 1e-6, 1e6]))
def test_agrees_with_scipy_on_large_matrices(rows: int, columns: int, seed: int, scale: float) -> None:
    cost = np.random.default_rng(seed).normal(0, scale, (rows, columns))
    row, column = assign(cost)
    expected = linear_sum_assignment(cost)
    np.testing.assert_array_equal(row, expected[0])  # no two matchings cost the same
    np.testing.assert_array_equal(column, expected[1])


def test_input_is_left_as_it_is() -> None:
    cost = np.array([[3.0, 1.0], [2.0, 4.0], [0.0, 9.0]])
    before = cost.copy()
    row, column = assign(cost)
    np.testing.assert_array_equal(cost, before)
    assert list(zip(row, column, strict=True)) == [(0, 1), (2, 0)]


@pytest.mark.parametrize("cost", [np.zeros(3), np.array([[1.0, np.nan]]), np.array([[np.inf]])])
def test_costs_must_be_a_finite_matrix(cost: np.ndarray) -> None:
    with pytest.raises(DataError, match="matrix of finite numbers"):
        assign(cost)


def test_batch_matches_the_rows_that_count() -> None:
    cost = np.random.default_rng(0).normal(size=(4, 3, 2))
    cost[1, 2:] = np.nan
    found = assign_batch(cost, np.array([1, 2, 3, 0]))
    assert found.shape == (4, 3)
    for values, column, count in zip(cost, found, [1, 2, 3, 0], strict=True):
        row, expected = assign(values[:count])
        assert column[row].tolist() == expected.tolist()
        assert (column >= 0).sum() == min(count, 2)
