from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.events import Collection
from hitforge.representations.points.graphs.radius import Radius


def build(**values: object) -> Radius:
    return Radius(Radius.Config.read(values, where="test"))


def cloud(seed: int, counts: list[int]) -> Collection:
    random = np.random.default_rng(seed)
    columns = {name: random.normal(0, 20, sum(counts)) for name in ("x", "y", "z")}
    return Collection.from_counts(np.array(counts, np.int64), columns)


@given(st.integers(0, 10_000), st.lists(st.integers(0, 60), min_size=1, max_size=3), st.floats(1, 60))
@settings(max_examples=25)
def test_everything_within_the_radius_is_found_or_counted_as_left_out(
    seed: int, counts: list[int], radius: float
) -> None:
    points, builder = cloud(seed, counts), build(radius=radius, max_neighbours=6, depth=2.0)
    found, cut = builder.build(points), builder.left_out(points)
    assert found.shape == (points.rows, builder.neighbours)
    place = np.stack([points["x"], points["y"], 2.0 * points["z"]], axis=1)
    first = np.repeat(points.offsets[:-1], points.counts)
    for row in range(points.rows):
        distance = np.linalg.norm(place - place[row], axis=1)
        distance[points.event != points.event[row]] = np.inf
        distance[row] = np.inf
        within = np.flatnonzero(distance <= radius)
        expected = within[np.argsort(distance[within])][:6]
        np.testing.assert_array_equal(found[row, : len(expected)] + first[row], expected)
        assert (found[row, len(expected) :] + first[row] == row).all()
        assert cut[row] == max(len(within) - 6, 0)


def test_lonely_points_have_only_themselves() -> None:
    points = Collection.from_counts(
        np.array([3]), {"x": np.array([0.0, 30.0, 90.0]), "y": np.zeros(3), "z": np.zeros(3)}
    )
    np.testing.assert_array_equal(build(radius=29.9, max_neighbours=2).build(points), [[0, 0], [1, 1], [2, 2]])
    np.testing.assert_array_equal(build(radius=30.0, max_neighbours=2).build(points), [[1, 0], [0, 1], [2, 2]])
