from __future__ import annotations

import numpy as np
import pytest

from hitforge.baselines.quadratic_regression import _terms
from hitforge.representations.region import find_regions
from tests.baselines.toys import FACTORS, HONEYCOMB, TASK, build, errors, fit, sample

TRAIN, VALIDATION = [sample(900, 1, FACTORS), sample(900, 2, FACTORS)], [sample(300, 3, FACTORS)]
TEST = sample(700, 4, FACTORS)


@pytest.fixture(scope="module")
def fitted():
    baseline = build("quadratic_regression", layers=2)
    return baseline, fit(baseline, TRAIN, VALIDATION)


def test_known_calibration_is_learnt_from_the_shares(fitted):
    plain = build("log_weighted_centroid")
    fit(plain, TRAIN, VALIDATION)
    own, other = errors(fitted[0].outputs(TEST), TEST), errors(plain.outputs(TEST), TEST)
    assert own["energy_sigma68"] < 0.25 * other["energy_sigma68"]
    assert own["energy_linearity"] < 0.01
    assert own["barycentre_z_error"] < 0.5 * other["barycentre_z_error"]
    for axis in "xy":
        assert own[f"barycentre_{axis}_error"] < 1.3 * other[f"barycentre_{axis}_error"]


def test_terms_are_all_products_and_a_ridge_is_chosen_for_each_output(fitted):
    baseline, record = fitted
    shapes = len(baseline.names)
    assert record["terms"] == 1 + shapes + shapes * (shapes + 1) // 2
    assert len(record["ridges"]) == 6
    assert set(record["ridges"]) <= set(baseline.config.ridges)
    terms = _terms(np.array([[2.0, 3.0], [99.0, 0.0]]), np.zeros(2), np.ones(2))
    np.testing.assert_allclose(terms, [[1, 2, 3, 4, 6, 9], [1, 6, 0, 36, 0, 0]])


def test_shapes_have_names_and_are_finite(fitted):
    baseline, _ = fitted
    table = baseline._shapes(TEST, find_regions(TEST, TASK.region, HONEYCOMB))
    assert table.shape == (700, len(baseline.names))
    assert len(set(baseline.names)) == len(baseline.names)
    assert np.isfinite(table).all()
    slope = TEST.field("direction_x") / np.abs(TEST.field("direction_z"))
    assert np.abs(table[:, baseline.names.index("slope_x")] - slope).mean() < 0.01
