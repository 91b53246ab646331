from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError
from hitforge.events import Collection
from hitforge.representations.points.graphs.symmetric import Symmetric


def build(**values: object) -> Symmetric:
    return Symmetric(Symmetric.Config.read(values, where="test"))


def showers(seed: int, counts: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place (rows, 3), energy (rows,) and counts; long in z."""
    random = np.random.default_rng(seed)
    rows = sum(counts)
    place = random.normal(0, 1, (rows, 3)) * [15, 15, 100] + [500, -300, 3400]
    return place, random.exponential(1, rows), np.array(counts, np.int64)


def graph(builder: Symmetric, place: np.ndarray, energy: np.ndarray, counts: np.ndarray) -> np.ndarray:
    x, y, z = place.T
    return builder.build(Collection.from_counts(counts, {"x": x, "y": y, "z": z, "energy": energy}))


@given(st.integers(0, 10_000), st.lists(st.integers(0, 80), min_size=1, max_size=3))
@settings(max_examples=25)
def test_turned_mirrored_and_shifted_showers_have_the_same_graph(seed: int, counts: list[int]) -> None:
    place, energy, number = showers(seed, counts)
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(3, 3))).Q  # any rotation, with or without a mirror
    before = graph(build(), place, energy, number)
    np.testing.assert_array_equal(graph(build(), place @ turn.T, energy, number), before)
    np.testing.assert_array_equal(graph(build(), place + random.normal(0, 500, 3), energy, number), before)


def test_neighbours_are_those_of_the_formula() -> None:
    place, energy, number = showers(7, [90])
    middle = np.average(place, axis=0, weights=energy)
    step = place - middle
    axis = np.linalg.svd(step * np.sqrt(energy)[:, None]).Vh[0]
    along = step @ axis
    across = step - along[:, None] * axis
    rho = np.linalg.norm(across, axis=1)
    cosine = (across @ across.T) / (rho[:, None] * rho[None])
    sine2 = np.clip((1 - cosine) / 2, 0, 1)  # of half the angle
    distance = (
        ((rho[:, None] - rho[None]) / 8) ** 2
        + ((along[:, None] - along[None]) / 30) ** 2
        + 4 * rho[:, None] * rho[None] * sine2 / 14**2
    )
    np.fill_diagonal(distance, np.inf)
    expected = np.argsort(distance, axis=1)[:, :6]
    found = graph(build(k=6, radial=8, azimuthal=14, depth=30), place, energy, number)
    np.testing.assert_array_equal(found, expected)


def test_events_without_energy_and_with_one_point_are_taken() -> None:
    place, energy, number = showers(3, [0, 1, 5])
    found = graph(build(k=4), place, 0 * energy, number)
    np.testing.assert_array_equal(found[0], [0, 0, 0, 0])
    np.testing.assert_array_equal(np.sort(found[1:], axis=1), [[j for j in range(5) if j != i] for i in range(5)])


def test_azimuth_must_not_count_more_than_distance_from_the_axis() -> None:
    with pytest.raises(ConfigError, match="azimuthal must not be less"):
        build(radial=10, azimuthal=9)
