"""Points in tiles."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.baselines.clustering._tiles import by_group, checked_points, sort_into_tiles
from hitforge.core.errors import DataError


def test_points_are_sorted_by_group_and_keep_their_order():
    order, begin = by_group(np.array([2, 0, 2, 0, 3]))
    np.testing.assert_array_equal(order, [1, 3, 0, 2, 4])
    np.testing.assert_array_equal(begin, [0, 2, 2, 4, 5])


@pytest.mark.parametrize(("wide", "least"), [(10.0, 1.0), (1e6, 1.0), (0.0, 1.0), (10.0, 100.0)])
def test_each_point_lies_in_its_tile(wide, least):
    random = np.random.default_rng(1)
    x, y = random.uniform(0, wide, 200), random.uniform(-5, 5, 200)
    order = np.arange(200)
    edge, low_x, low_y, rows, columns, begin = sort_into_tiles(x, y, order, 50, 200, least, np.empty(0, np.int64))
    assert edge >= least
    assert rows * columns < 8 * 150 + 64 + rows + columns
    np.testing.assert_array_equal(order[:50], np.arange(50))
    np.testing.assert_array_equal(np.sort(order[50:]), np.arange(50, 200))
    assert begin[rows * columns] == 150
    tile = np.repeat(np.arange(rows * columns), np.diff(begin[: rows * columns + 1]))
    own = order[50:]
    wanted = ((y[own] - low_y) / edge).astype(int) * columns + ((x[own] - low_x) / edge).astype(int)
    np.testing.assert_array_equal(tile, wanted)
    for one in np.unique(tile):
        assert (np.diff(own[tile == one]) > 0).all()


def test_columns_are_checked():
    np.testing.assert_array_equal(checked_points(np.zeros(2), np.zeros(2), None), [0, 0])
    with pytest.raises(DataError, match="one length"):
        checked_points(np.zeros(2), np.zeros(3), None)
    with pytest.raises(DataError, match="numbered from 0"):
        checked_points(np.zeros(2), np.zeros(2), np.array([0, 10**9]))
