"""Every graph builder keeps the contract of its room."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.events import Collection
from hitforge.representations.points.graphs import GRAPHS


@pytest.fixture(scope="module")
def points() -> Collection:
    """Events of 0, 1, 2, 40 and 600 points, on the lattice of a calorimeter of 30 layers."""
    random = np.random.default_rng(1)
    counts = np.array([40, 0, 1, 2, 600])
    rows = counts.sum()
    layer = random.integers(0, 30, rows)
    columns = {
        "x": 300 + 8.0 * random.integers(-12, 13, rows),
        "y": -200 + 8.0 * random.integers(-12, 13, rows),
        "z": (3200 + 10.0 * layer).astype(np.float32),
        "layer": layer.astype(np.int32),
        "energy": random.exponential(0.1, rows).astype(np.float32),
    }
    return Collection.from_counts(counts, columns)


@pytest.mark.parametrize("name", GRAPHS.names())
def test_builder_gives_what_it_promises(name: str, points: Collection) -> None:
    builder = GRAPHS.build(name, where="test")
    found = builder.build(points)
    assert found.shape == (points.rows, builder.neighbours)
    assert found.dtype == np.int32
    assert (found >= 0).all()
    assert (found < np.repeat(points.counts, points.counts)[:, None]).all()
    first = np.repeat(points.offsets[:-1], points.counts)
    own = np.arange(points.rows) - first
    others = [row[row != mine] for row, mine in zip(found, own, strict=True)]
    assert all(len(np.unique(row)) == len(row) for row in others)  # no neighbour stands twice
    assert (found[points.counts[points.event] == 1] == 0).all()  # a lonely point has itself alone
    assert sum(len(row) for row in others) > 0.2 * found.size  # and it finds some


@pytest.mark.parametrize("name", GRAPHS.names())
def test_builder_keeps_events_apart(name: str, points: Collection) -> None:
    builder = GRAPHS.build(name, where="test")
    together = Collection(points.offsets, {"found": builder.build(points)})
    for event in range(len(points)):
        alone = builder.build(points.slice(event, event + 1))
        np.testing.assert_array_equal(alone, together.slice(event, event + 1)["found"], strict=True)


@pytest.mark.parametrize("name", GRAPHS.names())
def test_builder_takes_no_events_and_no_points(name: str, points: Collection) -> None:
    builder = GRAPHS.build(name, where="test")
    for few in (points.slice(0, 0), points.slice(1, 2)):
        assert builder.build(few).shape == (0, builder.neighbours)


@pytest.mark.parametrize("name", GRAPHS.names())
def test_builder_leaves_its_points_as_they_were(name: str, points: Collection) -> None:
    before = {key: column.copy() for key, column in points.columns.items()}
    GRAPHS.build(name, where="test").build(points)
    for key, column in points.columns.items():
        np.testing.assert_array_equal(column, before[key])
