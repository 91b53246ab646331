from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hitforge.readers._clusters import incidence, repeated, shapes

CHANNELS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(-50, 2000), st.integers(0, 1300), st.floats(0, 10)), max_size=60
)


@given(CHANNELS)
def test_shapes_are_those_of_a_plain_loop(channels: list[tuple[int, int, int, float]]) -> None:
    table = np.array(channels, np.float64).reshape(-1, 4)
    hit, first, second = table[:, :3].astype(np.int64).T
    found = shapes(hit, first, second, table[:, 3], 8)
    assert {name: len(column) for name, column in found.items()} == dict.fromkeys(found, 8)
    for number in range(8):
        mine = [c for c in channels if c[0] == number]
        assert found["cells"][number] == len(mine)
        np.testing.assert_allclose(found["charge"][number], sum(c[3] for c in mine), atol=1e-9)
        for name, axis in (("size_u", 1), ("size_v", 2)):
            numbers = [c[axis] for c in mine]
            assert found[name][number] == (max(numbers) - min(numbers) + 1 if mine else 0)


def test_the_slope_of_a_straight_track_is_found_again() -> None:
    slope, thickness, pitch = 3.0, 0.3, 0.05
    random = np.random.default_rng(4)
    start = random.uniform(0, pitch, 100_000)
    size = np.floor((start + slope * thickness) / pitch) + 1
    mean = incidence(size, pitch, thickness).mean()
    np.testing.assert_allclose(mean, slope, rtol=0.002)
    assert incidence(np.array([0, 1]), pitch, thickness).tolist() == [0, 0]


def test_channels_that_stand_again_are_counted() -> None:
    hit, u, v = np.arange(30) // 3, np.arange(30), np.arange(30) % 7
    assert repeated(hit, u, v) == 0
    few = np.append(np.arange(30), [4, 9])  # as public events have
    assert repeated(hit[few], u[few], v[few]) == 2
    assert repeated(hit[:0], u[:0], v[:0]) == 0
