"""Minimum-cost matching: each row gets at most one column, and the summed cost of the pairs is as small as can be."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError


def assign(cost: Array) -> tuple[Array, Array]:
    """Return the min(R, C) pairs of rows and columns of the least summed cost, both (K,) int64, rows ascending.

    Args:
        cost: (R, C), of any size and sign.

    Raises:
        DataError: The costs are no matrix, or one is not finite.
    """
    values = np.asarray(cost, np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise DataError("costs must be a matrix of finite numbers", came=f"shape {values.shape}")
    row, column = linear_sum_assignment(values)
    return row, column


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
