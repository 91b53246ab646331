from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError
from hitforge.events import Collection
from hitforge.representations.points.graphs.proximity import Proximity


def build(**values: object) -> Proximity:
    return Proximity(Proximity.Config.read(values, where="test"))


def cloud(seed: int, counts: list[int], layers: int) -> Collection:
    random = np.random.default_rng(seed)
    rows = sum(counts)
    layer = random.integers(0, layers, rows)
    z = (3200.0 + 10.0 * layer) * random.choice([-1, 1], rows)
    columns = {"x": random.normal(400, 30, rows), "y": random.normal(0, 30, rows), "z": z, "layer": layer}
    return Collection.from_counts(np.array(counts, np.int64), columns)


@given(
    st.integers(0, 10_000), st.lists(st.integers(0, 60), min_size=1, max_size=3), st.integers(1, 30), st.integers(1, 4)
)
@settings(max_examples=25)
def test_neighbours_are_those_of_brute_force(seed: int, counts: list[int], layers: int, reach: int) -> None:
    points, builder = cloud(seed, counts, layers), build(same=3, before=1, behind=2, reach=reach)
    found = builder.build(points)
    assert found.shape == (points.rows, builder.neighbours) == (points.rows, 6)
    u, v = points["x"] / abs(points["z"]), points["y"] / abs(points["z"])
    first = np.repeat(points.offsets[:-1], points.counts)
    for row in range(points.rows):
        alike = (points.event == points.event[row]) & (points["z"] * points["z"][row] > 0)
        alike[row] = False
        step = points["layer"] - points["layer"][row]
        before = step[alike & (step < 0) & (step >= -reach)].max(initial=-1000)
        behind = step[alike & (step > 0) & (step <= reach)].min(initial=1000)
        blocks = np.split(found[row] + first[row], [3, 4])
        for block, wanted in zip(blocks, (0, before, behind), strict=True):
            candidates = np.flatnonzero(alike & (step == wanted))
            distance = np.hypot(u[candidates] - u[row], v[candidates] - v[row])
            expected = candidates[np.argsort(distance)][: len(block)]
            np.testing.assert_array_equal(block[: len(expected)], expected)
            assert (block[len(expected) :] == row).all()


def test_edges_follow_a_track_from_the_origin() -> None:
    layer = np.arange(10)
    z = 3200.0 + 30.0 * layer
    slope = np.array([0.30, 0.31])  # two tracks, 32 mm apart at first
    columns = {
        "x": np.concatenate([slope[0] * z, slope[1] * z]),
        "y": np.zeros(20),
        "z": np.concatenate([z, z]),
        "layer": np.concatenate([layer, layer]),
    }
    found = build(same=0, before=1, behind=1).build(Collection.from_counts(np.array([20]), columns))
    row = np.arange(20)
    np.testing.assert_array_equal(found[:, 0], np.where(row % 10 > 0, row - 1, row))
    np.testing.assert_array_equal(found[:, 1], np.where(row % 10 < 9, row + 1, row))


def test_a_graph_needs_neighbours() -> None:
    with pytest.raises(ConfigError, match="must not all be 0"):
        build(same=0, before=0, behind=0)
