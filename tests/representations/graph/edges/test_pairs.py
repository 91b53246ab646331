"""Numbers of pairs, windows, and the sorting of edges."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.representations.graph.edges._pairs import learn, quantities


def test_quantities_of_a_straight_line() -> None:
    r, z = np.array([30.0, 70.0]), np.array([10.0 + 60.0, 10.0 + 140.0])  # z = 10 + 2 r
    phi, eta = np.array([3.1, -3.1]), np.arcsinh(z / r)
    (row,) = quantities(r, phi, z, eta, np.array([0]), np.array([1]))
    turned = 2 * np.pi - 6.2
    np.testing.assert_allclose(row, [turned, turned / 40, 10.0, eta[1] - eta[0], 40.0], atol=1e-12)


def test_step_of_zero_radius_gives_finite_numbers() -> None:
    r, z, nothing = np.array([50.0, 50.0]), np.array([0.0, 100.0]), np.zeros(2)
    assert np.isfinite(quantities(r, nothing, z, nothing, np.array([0]), np.array([1]))).all()


def test_windows_are_the_quantiles_of_each_pair_of_layers() -> None:
    random = np.random.default_rng(0)
    key, values = np.repeat([1, 7], [400, 900]), random.normal(size=(1300, 5)) * [0.1, 0.001, 50, 0.3, 4]
    windows = learn([(key, values), (key[:0], values[:0])], 5, 0.01, 1.0, 2.0, 0.0)
    assert windows.key.tolist() == [1, 7]
    assert windows.support.tolist() == [400, 900]
    for row, one in enumerate((values[:400], values[400:])):
        np.testing.assert_allclose(windows.high[row, :2], np.quantile(np.abs(one[:, :2]), 0.99, axis=0))
        np.testing.assert_allclose(windows.low[row, :2], -windows.high[row, :2])
        np.testing.assert_allclose(windows.low[row, 2:4], np.quantile(one[:, 2:4], 0.01, axis=0))
        np.testing.assert_allclose(windows.high[row, 4], np.quantile(one[:, 4], 0.99) + 2.0)
    wider = learn([(key, values)], 5, 0.01, 1.5, 2.0, 0.0)
    np.testing.assert_allclose(wider.high[:, 2] - wider.low[:, 2], 1.5 * (windows.high[:, 2] - windows.low[:, 2]))


def test_of_two_directions_the_usual_one_stays_and_rare_pairs_go() -> None:
    key = np.repeat([1, 5, 2], [100, 10, 5])  # layers 0 -> 1, 1 -> 0, 0 -> 2 of five
    windows = learn([(key, np.ones((115, 5)))], 5, 0.0, 1.0, 1.0, 0.06)
    assert windows.key.tolist() == [1]
    assert learn([(key, np.ones((115, 5)))], 5, 0.0, 1.0, 1.0, 0.0).key.tolist() == [1, 2]


def test_nothing_to_learn_is_said() -> None:
    with pytest.raises(DataError, match="true pairs"):
        learn([], 5, 0.0, 1.0, 1.0, 0.0)
