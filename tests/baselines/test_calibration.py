from __future__ import annotations

import numpy as np
import pytest

from hitforge.baselines._calibration import corrected, energy_weights, response_curve, ridge, robust_ridge


def test_ridge_without_penalty_is_least_squares_and_a_penalty_shrinks():
    random = np.random.default_rng(1)
    features, wanted = random.normal(size=(200, 4)) * [1, 10, 0.1, 3], random.normal(size=200)
    expected = np.linalg.lstsq(features, wanted)[0]
    np.testing.assert_allclose(ridge(features, wanted, 0.0), expected, rtol=1e-9)
    weight = random.uniform(0.1, 2, 200)
    root = np.sqrt(weight)
    expected = np.linalg.lstsq(features * root[:, None], wanted * root)[0]
    np.testing.assert_allclose(ridge(features, wanted, 0.0, weight), expected, rtol=1e-9)
    scale = np.sqrt((features**2).mean(0))
    sizes = [np.abs(ridge(features, wanted, penalty) * scale).sum() for penalty in (0, 0.1, 1, 10)]
    assert sizes == sorted(sizes, reverse=True)


def test_a_feature_of_zeros_has_no_weight():
    features = np.column_stack([np.ones(10), np.zeros(10)])
    np.testing.assert_allclose(ridge(features, np.full(10, 3.0), 1e-9), [3, 0], atol=1e-6)


def test_wild_events_do_not_rule():
    random = np.random.default_rng(2)
    features = np.column_stack([np.ones(2000), random.normal(size=2000)])
    wanted = features @ [1.0, 2.0] + 0.01 * random.normal(size=2000)
    wanted[::20] += 50
    np.testing.assert_allclose(robust_ridge(features, wanted, 1e-9), [1, 2], atol=0.02)
    assert abs(ridge(features, wanted, 1e-9)[0] - 1) > 1


def test_known_weights_and_offset_are_recovered():
    random = np.random.default_rng(3)
    energy = random.uniform(5, 300, 5000)
    factors = np.array([1.2, 0.7, 2.0])
    shares = random.dirichlet(np.full(3, 3.0), 5000)
    sums = (energy[:, None] * shares / factors) * (1 + 0.001 * random.normal(size=(5000, 3)))
    sums[:, 0] += 2.0 / 1.2  # noise of a fixed size
    weights = energy_weights(sums, np.ones((5000, 1)), energy, 1e-9)
    np.testing.assert_allclose(weights[:3], factors, rtol=2e-3)
    assert weights[3] == pytest.approx(-2.0, rel=0.01)


def test_a_strong_penalty_leaves_one_common_factor():
    random = np.random.default_rng(4)
    energy = random.uniform(5, 300, 1000)
    sums = energy[:, None] * random.dirichlet(np.ones(4), 1000) / 1.5
    np.testing.assert_allclose(
        energy_weights(sums, np.ones((1000, 1)), energy, 1e6), [1.5, 1.5, 1.5, 1.5, 0], atol=0.01
    )


@pytest.mark.parametrize("power", [0.0, 0.05, -0.05])
def test_response_is_made_linear_whatever_the_spectrum(power):
    random = np.random.default_rng(5)
    energy = np.exp(random.uniform(np.log(5), np.log(300), 40_000))
    answer = 0.8 * energy * (energy / 50) ** power * (1 + 0.03 * random.normal(size=len(energy)))
    curve = response_curve(energy, answer)
    assert (np.diff(curve[0]) > 0).all()
    assert (np.diff(curve[1]) > 0).all()
    other = random.uniform(10, 250, 20_000)
    again = corrected(0.8 * other * (other / 50) ** power * (1 + 0.03 * random.normal(size=len(other))), curve)
    for low, high in ((10, 20), (50, 60), (150, 200), (200, 250)):
        inside = (other > low) & (other < high)
        assert (again / other)[inside].mean() == pytest.approx(1, abs=0.005)


def test_beyond_the_curve_the_last_factor_holds():
    curve = ([8.0, 80.0], [10.0, 100.0])
    np.testing.assert_allclose(corrected(np.array([4.0, 8.0, 44.0, 160.0]), curve), [5, 10, 55, 200])


def test_one_energy_has_one_factor():
    curve = response_curve(np.full(100, 50.0), np.full(100, 40.0))
    np.testing.assert_allclose(corrected(np.array([20.0, 40.0]), curve), [25, 50])
