from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.metrics import Predictions


def directions(error: float, seed: int = 1, number: int = 5000) -> Predictions:
    """Directions turned by angles with a normal distribution of width ``error`` [mrad] in each of two axes."""
    true = np.random.default_rng(7).normal(size=(number, 3))
    true /= np.linalg.norm(true, axis=1)[:, None]
    random = np.random.default_rng(seed)
    across = np.cross(true, random.normal(size=(number, 3)))
    across /= np.linalg.norm(across, axis=1)[:, None]
    angle = 1e-3 * error * np.hypot(*random.normal(size=(2, number)))[:, None]
    predicted = np.cos(angle) * true + np.sin(angle) * across
    columns = {"energy": np.random.default_rng(3).uniform(5, 300, number)}
    for i, axis in enumerate("xyz"):
        columns |= {f"true_direction_{axis}": true[:, i], f"predicted_direction_{axis}": predicted[:, i]}
    return Predictions(columns)


def test_perfect_predictions_have_no_error(metric):
    sample = directions(3.0)
    for axis in "xyz":
        sample.columns[f"predicted_direction_{axis}"] = sample.columns[f"true_direction_{axis}"]
    values = metric("direction_resolution").compute(sample, 1).values
    assert {name: value.value for name, value in values.items()} == {
        "direction_unanswered": 0, "direction_error": 0, "direction_sigma68": 0,
    }  # fmt: skip


@pytest.mark.parametrize("error", [1e-3, 5.0])
def test_known_smearing_is_given_back(metric, error):
    result = metric("direction_resolution").compute(directions(error), 1)
    mean = error * np.sqrt(np.pi / 2)  # of a Rayleigh distribution
    assert result.values["direction_error"].value == pytest.approx(mean, rel=0.03)
    assert result.values["direction_sigma68"].value == pytest.approx(error * np.sqrt(-2 * np.log(0.317)), rel=0.03)
    table = result.tables["direction_resolution.bins"]
    assert set(table) == {"low", "high", "centre", "n", "error", "error_low", "error_high"}
    assert (np.abs(table["error"] - mean) < 2 * (table["error_high"] - table["error_low"])).all()
    for value in result.values.values():
        assert value.low <= value.value <= value.high


def test_opposite_and_square_directions():
    from hitforge.metrics.direction_resolution import _angles

    columns = {"true_direction_x": np.zeros(2), "true_direction_y": np.zeros(2), "true_direction_z": np.ones(2),
               "predicted_direction_x": np.array([0.0, 1.0]), "predicted_direction_y": np.zeros(2),
               "predicted_direction_z": np.array([-1.0, 0.0])}  # fmt: skip
    angle, answered = _angles(columns)
    np.testing.assert_allclose(angle, [1e3 * np.pi, 500 * np.pi])
    assert answered.all()


def test_events_without_answer_are_counted_and_left_out(metric):
    sample = directions(5.0)
    expected = metric("direction_resolution").compute(sample, 1).values["direction_error"].value
    for axis in "xyz":
        sample.columns[f"predicted_direction_{axis}"][:100] = 0
    values = metric("direction_resolution").compute(sample, 1).values
    assert values["direction_unanswered"].value == 0.02
    assert values["direction_error"].value == pytest.approx(expected, rel=0.03)
    assert values["direction_error"].n == 4900


def test_ratio_to_itself_is_exactly_one_and_differences_have_a_sign(metric):
    first, second = directions(4.0), directions(8.0, 2)
    for name, value in metric("direction_resolution").compare(first, first, 1).values.items():
        assert (value.value, value.low, value.high) == ((0 if name.endswith("difference") else 1),) * 3
    values = metric("direction_resolution").compare(first, second, 1).values
    assert values["direction_error_difference"].value == pytest.approx(-4 * np.sqrt(np.pi / 2), rel=0.05)
    assert values["direction_error_ratio_250_300"].value == pytest.approx(0.5, rel=0.1)


def test_other_quantities_give_an_empty_result_and_no_length_is_refused(metric):
    sample = Predictions({"true_energy": np.ones(5), "predicted_energy": np.ones(5)})
    assert metric("direction_resolution").compute(sample, 1).values == {}
    sample = directions(1.0)
    for axis in "xyz":
        sample.columns[f"true_direction_{axis}"][4] = 0
    with pytest.raises(DataError, match=r"must have a length.*event 4"):
        metric("direction_resolution").compute(sample, 1)
