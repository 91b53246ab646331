from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Collection
from hitforge.representations.points.graphs import GRAPHS


def cloud(counts: list[int], seed: int = 1, pitch: float = 0.0) -> Collection:
    """Random points; with a pitch they lie on a lattice, so that many are equally far away."""
    random = np.random.default_rng(seed)
    rows = sum(counts)
    x, y, z = random.normal(0, 30, (3, rows))
    if pitch:
        x, y, z = (np.round(value / pitch) * pitch for value in (x, y, z))
    columns = {"x": x, "y": y, "z": 3300 + z, "layer": random.integers(0, 50, rows), "energy": random.random(rows)}
    return Collection.from_counts(np.array(counts, np.int64), columns)


@given(st.integers(0, 10_000), st.lists(st.integers(0, 60), min_size=1, max_size=3), st.sampled_from([0.0, 10.0]))
@settings(max_examples=25)
def test_neighbours_are_those_of_brute_force(seed: int, counts: list[int], pitch: float) -> None:
    points = cloud(counts, seed, pitch)
    builder = GRAPHS.build({"name": "k_nearest", "k": 5, "depth": 0.25}, where="test")
    found = builder.build(points)
    assert found.shape == (points.rows, builder.neighbours)
    for event in range(len(counts)):
        part, mine = points.slice(event, event + 1), slice(points.offsets[event], points.offsets[event + 1])
        place = np.stack([part["x"], part["y"], 0.25 * part["z"]], axis=1)
        distance = ((place[:, None] - place[None]) ** 2).sum(2)
        np.fill_diagonal(distance, np.inf)
        order = np.argsort(distance, axis=1, kind="stable")[:, :5]  # the first of equals
        for row, expected in enumerate(order[:, : counts[event] - 1]):
            np.testing.assert_array_equal(found[mine][row, : len(expected)], expected)
            assert (found[mine][row, len(expected) :] == row).all()


def test_depth_zero_forgets_z() -> None:
    points = cloud([40])
    flat = Collection(points.offsets, {**points.columns, "z": np.zeros(40)})
    builder = GRAPHS.build({"name": "k_nearest", "depth": 0.0}, where="test")
    np.testing.assert_array_equal(builder.build(points), builder.build(flat))


def test_wrong_settings_and_points_are_refused() -> None:
    with pytest.raises(ConfigError, match="'k'"):
        GRAPHS.build({"name": "k_nearest", "k": 0}, where="test")
    points = cloud([10])
    points["y"][4] = np.nan
    with pytest.raises(DataError, match="row 4"):
        GRAPHS.build("k_nearest", where="test").build(points)
