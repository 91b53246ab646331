"""Neighbours in many dimensions against brute force, scikit-learn and FAISS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.representations.graph.edges import sort_edges, within


def _brute_force(points: Any, group: Any, radius: float, most: int) -> Any:
    count = len(points)
    square = np.zeros((count, count), np.float32)
    for axis in range(points.shape[1]):
        square += (points[:, None, axis] - points[None, :, axis]) ** 2
    square[(group[:, None] == group) | (square > np.float32(radius) ** 2)] = np.inf
    order = np.argsort(square, axis=1, kind="stable")[:, :most]
    found = np.where(np.isfinite(np.take_along_axis(square, order, axis=1)), order, -1)
    return np.pad(found, ((0, 0), (0, most - found.shape[1])), constant_values=-1).astype(np.int32)


@given(st.integers(1, 400), st.integers(2, 12), st.integers(1, 60), st.floats(0.05, 8), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_neighbours_are_those_of_brute_force(count: int, width: int, most: int, radius: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(count, width)).astype(np.float32)
    if seed % 2:
        points = np.round(points)  # many at the same distance
    group = random.integers(0, 6, count)
    np.testing.assert_array_equal(
        within(points, group, radius, most), _brute_force(points, group, radius, most), strict=True
    )


def test_clusters_far_apart_and_points_in_one_place() -> None:
    random = np.random.default_rng(2)
    points = (np.repeat(random.normal(size=(40, 8)) * 1e3, 30, axis=0) + random.normal(size=(1200, 8))).astype(
        np.float32
    )
    points[300:500] = points[300]
    group = np.arange(1200) % 7
    np.testing.assert_array_equal(within(points, group, 4.0, 30), _brute_force(points, group, 4.0, 30))


def test_other_libraries_find_the_same() -> None:
    faiss, neighbours = pytest.importorskip("faiss"), pytest.importorskip("sklearn.neighbors")
    random = np.random.default_rng(3)
    points = random.normal(size=(3000, 8)).astype(np.float32)
    found = within(points, np.arange(3000), 1.5, 16)  # each a group of its own
    distance, near = neighbours.KDTree(points.astype(np.float64)).query(points, 17)
    index = faiss.IndexFlatL2(8)
    index.add(points)
    _, other = index.search(points, 17)
    for row in range(3000):
        close = near[row, 1:][distance[row, 1:] <= 1.5]
        assert set(found[row][found[row] >= 0]) == set(close)
        assert set(close) <= set(other[row])


def test_no_points_and_points_that_are_no_numbers() -> None:
    assert within(np.empty((0, 8)), np.empty(0), 1.0, 5).shape == (0, 5)
    points = np.zeros((4, 8))
    points[2, 3] = np.nan
    with pytest.raises(DataError, match="row 2"):
        within(points, np.arange(4), 1.0, 5)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_sorted_edges_are_those_of_a_set(edges: list[tuple[int, int]]) -> None:
    source, destination = np.array(edges, np.int32).reshape(-1, 2).T
    found = sort_edges(np.ascontiguousarray(source), np.ascontiguousarray(destination), 7)
    assert list(zip(*map(np.ndarray.tolist, found), strict=True)) == sorted(set(edges))
