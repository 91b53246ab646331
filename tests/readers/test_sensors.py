"""Hits on sensors: their places, and the order in which events list them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.detectors import Modules
from hitforge.events import FieldInfo
from hitforge.readers._root import particles
from hitforge.readers._sensors import assemble, one, sensor_distance

TURN = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])  # u along y, v along z, normal along x
MODULES = Modules(
    number=np.array([40, 50]),
    centre=np.array([[100.0, 0.0, 0.0], [0.0, 0.0, 500.0]]),
    axes=np.stack([TURN, np.eye(3)]),
    half_u_low=np.array([10.0, 5.0]),
    half_u_high=np.array([10.0, 15.0]),  # the second one is a trapezoid
    half_v=np.array([20.0, 10.0]),
    pitch_u=np.full(2, 0.05),
    pitch_v=np.full(2, 0.06),
    layer=np.array([0, 1], np.int32),
    volume=np.array([8, 9], np.int32),
    thickness=np.full(2, 0.1),
)


def test_places_on_sensors() -> None:
    at = MODULES.local(np.array([0, 1]), np.array([[101.0, 2.0, 3.0], [4.0, 5.0, 498.0]]))
    np.testing.assert_allclose(at, [[2.0, 3.0, 1.0], [4.0, 5.0, -2.0]])


@pytest.mark.parametrize(
    ("row", "at", "expected"),
    [
        (0, (9.0, -19.0, 0.5), 0.5),  # above the sensor
        (0, (12.0, 0.0, 0.5), 2.0),  # beyond its edge along u
        (0, (0.0, 25.0, -1.0), 5.0),  # beyond its edge along v
        (1, (14.0, 10.0, 0.0), 0.0),  # on the wide end
        (1, (14.0, -10.0, 0.0), 9.0),  # beyond the narrow one
        (1, (11.0, 0.0, 0.0), 1.0),  # in the middle the half width is 10
    ],
)
def test_distances_from_sensors(row: int, at: tuple[float, float, float], expected: float) -> None:
    off = sensor_distance(MODULES, np.array([row]), np.array([at]))
    assert off[0] == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-4, 4), st.integers(-4, 4), st.booleans()), max_size=12))
def test_hits_are_sorted_and_links_follow_them(hits: list[tuple[int, int, int, bool]]) -> None:
    table = np.array(hits, np.int64).reshape(-1, 4)
    row, keep, count = table[:, 0], table[:, 3].astype(bool), len(table)
    xyz = np.arange(3.0 * count).reshape(-1, 3)  # x tells which hit it is
    clusters = {"u": table[:, 1].astype(float), "v": table[:, 2].astype(float)}
    clusters |= dict.fromkeys(("sigma_u", "sigma_v", "size_u", "size_v", "cells", "charge", "weight"), np.zeros(count))
    truth = particles(np.array([1]), {}), np.arange(count), np.zeros(count, np.int64), np.ones(count)
    fields = {"number": (np.array([7]), FieldInfo("int32", "", "any"))}
    events = assemble(MODULES, row, keep, xyz, clusters, truth, fields)
    old = (events.hits["x"] / 3).astype(int)
    assert sorted(old.tolist()) == np.flatnonzero(keep).tolist()
    keys = list(zip(row[old], clusters["u"][old], clusters["v"][old], strict=True))
    assert keys == sorted(keys)
    assert events.links["hit"].tolist() == list(range(len(old)))
    np.testing.assert_array_equal(events.hits["cell"], MODULES.number[row[old]])
    np.testing.assert_array_equal(events.clusters["u"], clusters["u"][old])
    assert events.field("number").tolist() == [7]
    assert "links" not in assemble(MODULES, row, keep, xyz, clusters, None, fields).collections


def test_a_collection_of_one_event() -> None:
    assert one({"a": np.arange(3)}).counts.tolist() == [3]
