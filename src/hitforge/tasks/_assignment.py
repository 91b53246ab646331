"""Minimum-cost matching: each row gets at most one column, and the summed cost of the pairs is as small as can be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hitforge.core.errors import DataError

Array = NDArray[Any]


def assign(cost: Array) -> tuple[Array, Array]:
    """Return the min(R, C) pairs of rows and columns of the least summed cost, both (K,) int64, rows ascending.

    Shortest augmenting paths with potentials, O(R^2 C) for R <= C (Kuhn's Hungarian method, Naval Res. Logist. 2
    (1955) 83, in the form of Jonker and Volgenant, Computing 38 (1987) 325). Of several best matchings, always the same
    one is returned.

    Args:
        cost: (R, C), of any size and sign.

    Raises:
        DataError: The costs are no matrix, or one is not finite.
    """
    values = np.asarray(cost, np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise DataError("costs must be a matrix of finite numbers", came=f"shape {values.shape}")
    if values.shape[0] <= values.shape[1]:
        return np.arange(values.shape[0]), _columns(np.ascontiguousarray(values))
    row = _columns(np.ascontiguousarray(values.T))
    order = np.argsort(row)
    return row[order], order


def assign_batch(cost: Array, count: Array) -> Array:
    """Match the rows of several matrices, of which only the first some count, to their columns.

    Args:
        cost: (B, R, C).
        count: Rows that count, (B,) int; the others are matched to nothing.

    Returns:
        Column of each row, (B, R) int64, -1 for none: rows that do not count, and the dearest ones where there are more
        rows than columns.

    Raises:
        DataError: A cost of a row that counts is not finite.
    """
    column = np.full(cost.shape[:2], -1, np.int64)
    for i, rows in enumerate(count):
        row, found = assign(cost[i, :rows])
        column[i, row] = found
    return column


@njit(cache=True)
def _columns(cost):  # type: ignore[no-untyped-def]
    """Column of each row, (R,) int64, for costs (R, C) with R <= C."""
    rows, columns = cost.shape
    owner = np.full(columns + 1, -1, np.int64)  # row of each column; the last column stands for "to be matched"
    of_row, of_column = np.zeros(rows), np.zeros(columns + 1)  # potentials
    before = np.empty(columns, np.int64)  # column before each on its shortest path
    for start in range(rows):
        owner[columns] = start
        least = np.full(columns, np.inf)  # length of the shortest path to each column
        done = np.zeros(columns + 1, np.bool_)
        here = columns
        while owner[here] >= 0:
            done[here] = True
            row, following, step = owner[here], -1, np.inf
            for j in range(columns):
                if not done[j]:
                    length = cost[row, j] - of_row[row] - of_column[j]
                    if length < least[j]:
                        least[j], before[j] = length, here
                    if least[j] < step:
                        step, following = least[j], j
            for j in range(columns + 1):
                if done[j]:
                    of_row[owner[j]] += step
                    of_column[j] -= step
                elif j < columns:
                    least[j] -= step
            here = following
        while here != columns:  # the path is walked back, each column takes the row of the one before
            owner[here] = owner[before[here]]
            here = before[here]
    found = np.empty(rows, np.int64)
    for j in range(columns):
        if owner[j] >= 0:
            found[owner[j]] = j
    return found
