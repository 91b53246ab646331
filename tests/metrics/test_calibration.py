from __future__ import annotations

import numpy as np
import pytest

from hitforge.metrics._intervals import TAIL


def test_numbers_equal_hand_calculation(metric, predictions):
    sample = predictions([0.1, 0.3, 0.8, 0.8], [0, 1, 1, 0])
    result = metric("calibration", bins=2).compute(sample, 0)
    assert result.values["calibration.error_seen"].value == pytest.approx((abs(1 - 0.4) + abs(1 - 1.6)) / 4)
    assert result.values["calibration.brier"].value == pytest.approx((0.01 + 0.49 + 0.04 + 0.64) / 4)
    expected = -np.log([0.9, 0.3, 0.8, 0.2]).mean()
    assert result.values["calibration.log_loss"].value == pytest.approx(expected)
    table = result.tables["calibration"]
    np.testing.assert_allclose(table["score"], [0.2, 0.8])
    np.testing.assert_allclose(table["observed"], [0.5, 0.5])
    np.testing.assert_array_equal(table["n"], [2, 2])


def test_true_probabilities_are_calibrated_and_stretched_ones_are_not(metric, gaussian, predictions):
    sample = gaussian(4, 20_000, 20_000, 1.5)
    good = metric("calibration").compute(sample, 0)
    assert good.values["calibration.error"].low == 0.0
    assert good.values["calibration.error_seen"].value < 0.01
    table = good.tables["calibration"]
    pull = np.abs(table["observed"] - table["score"]) / (0.5 * (table["high"] - table["low"]))
    assert (pull < 4.5).all()
    stretched = predictions(np.clip(1.6 * (sample.score - 0.5) + 0.5, 0.0, 1.0), sample.is_signal)
    bad = metric("calibration").compute(stretched, 0).values
    assert bad["calibration.error"].low > 0.05
    assert bad["calibration.brier"].value > good.values["calibration.brier"].high


def test_certain_and_wrong_stays_finite(metric, predictions):
    values = metric("calibration").compute(predictions([1.0, 0.0], [0, 1]), 0).values
    assert values["calibration.log_loss"].value == pytest.approx(-np.log(1e-7))
    assert values["calibration.brier"].value == values["calibration.error_seen"].value == 1.0
    assert values["calibration.brier"].low < 1.0


def test_the_error_of_a_true_probability_is_that_of_chance(metric, gaussian):
    """With few events the plain error of a perfect score is far above 0."""
    for count in (40, 400):
        values = metric("calibration").compute(gaussian(4, count, count, 1.5), 0).values
        error, seen, chance = (values[f"calibration.error{kind}"] for kind in ("", "_seen", "_chance"))
        assert chance.low > 0.4 / np.sqrt(2 * count)
        assert 0.5 * chance.value < seen.value < 2 * chance.value
        assert error.low == 0.0
        assert error.value < seen.value
        assert error.high > 0.0


def test_certain_and_right_may_be_wrong_once_in_so_many(metric, predictions):
    values = metric("calibration").compute(predictions([1.0, 0.0] * 10, [1, 0] * 10), 0).values
    bound = 1 - TAIL ** (1 / 20)
    for name in ("error", "error_seen", "brier"):
        value = values[f"calibration.{name}"]
        assert (value.value, value.low, value.high) == pytest.approx((0.0, 0.0, bound))
    assert values["calibration.log_loss"].high == pytest.approx(bound * -np.log(1e-7))


def test_score_of_one_falls_into_the_last_bin(metric, predictions):
    table = metric("calibration", bins=4).compute(predictions([1.0, 0.99, 0.1], [1, 1, 0]), 0).tables["calibration"]
    np.testing.assert_array_equal(table["n"], [1, 2])
