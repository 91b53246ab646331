from __future__ import annotations

import numpy as np
import pytest

from hitforge.metrics import Predictions


@pytest.fixture(scope="module")
def sample(shower):
    return shower(20_000, 1, np.zeros_like, 2.0)


@pytest.fixture(scope="module")
def result(metric, sample):
    return metric("position_resolution").compute(sample, 1)


def test_perfect_predictions_have_no_error(metric, shower):
    result = metric("position_resolution").compute(shower(3000, 1, np.zeros_like, 0.0), 1)
    assert all(value.value == 0 for value in result.values.values())
    assert len(result.values) == 7
    for axis in "xyz":
        assert not result.tables[f"position_resolution.barycentre_{axis}"]["rms"].any()


def test_known_smearing_is_given_back(result):
    for axis in "xyz":
        assert result.values[f"barycentre_{axis}_sigma68"].value == pytest.approx(2, rel=0.03)
        assert result.values[f"barycentre_{axis}_error"].value == pytest.approx(2 * np.sqrt(2 / np.pi), rel=0.03)
        table = result.tables[f"position_resolution.barycentre_{axis}"]
        half = 0.5 * (table["sigma68_high"] - table["sigma68_low"])
        assert (np.abs(table["sigma68"] - 2) < 4 * half).all()
        assert (np.abs(table["bias"]) < 4 * 2 / np.sqrt(table["n"])).all()
        assert result.tables[f"position_resolution.histogram_{axis}"]["count"].sum() == 20_000


def test_bias_is_no_width(metric, sample, result):
    columns = {**sample.columns, "predicted_barycentre_y": sample.columns["predicted_barycentre_y"] + 30}
    shifted = metric("position_resolution").compute(Predictions(columns), 1)
    assert shifted.values["barycentre_y_error"].value == pytest.approx(30, rel=0.01)
    for name in ("barycentre_y_sigma68", "barycentre_x_error"):
        assert shifted.values[name].value == pytest.approx(result.values[name].value)
    bias = shifted.tables["position_resolution.barycentre_y"]["bias"]
    np.testing.assert_allclose(bias - result.tables["position_resolution.barycentre_y"]["bias"], 30)
    assert shifted.tables["position_resolution.histogram_y"]["count"][-1] > 19_000  # all that lies beyond


def test_tables_have_the_columns_that_a_report_draws(result):
    ends = [f"{name}{end}" for name in ("sigma68", "error") for end in ("", "_low", "_high")]
    for axis in "xyz":
        table = result.tables[f"position_resolution.barycentre_{axis}"]
        assert set(table) == {"low", "high", "centre", "n", "bias", "rms", *ends}
        assert set(result.tables[f"position_resolution.histogram_{axis}"]) == {"low", "high", "count"}
    for value in result.values.values():
        assert value.low <= value.value <= value.high
        assert value.definition.startswith("position_resolution v2: ")


def test_events_without_answer_are_counted_and_left_out(metric, sample, result):
    columns = {name: values.copy() for name, values in sample.columns.items()}
    for axis in "xyz":
        columns[f"predicted_barycentre_{axis}"][:200] = 0
    values = metric("position_resolution").compute(Predictions(columns), 1).values
    assert values["barycentre_unanswered"].value == pytest.approx(0.01)
    assert values["barycentre_x_error"].value == pytest.approx(result.values["barycentre_x_error"].value, rel=0.02)


def test_bins_come_from_the_event_field_or_are_left_out(metric, sample, result):
    columns = {name: values for name, values in sample.columns.items() if not name.endswith("energy")}
    without = metric("position_resolution").compute(Predictions(columns), 1)
    assert "position_resolution.barycentre_x" not in without.tables
    assert without.values["barycentre_x_error"] == result.values["barycentre_x_error"]
    columns["energy"] = sample.columns["true_energy"]
    own, field = (r.tables["position_resolution.barycentre_x"] for r in (
        result, metric("position_resolution").compute(Predictions(columns), 1)
    ))  # fmt: skip
    np.testing.assert_array_equal(own["error"], field["error"])


def test_ratio_to_itself_is_exactly_one(metric, sample):
    values = metric("position_resolution").compare(sample, sample, 1).values
    assert len(values) == 3 * 12
    for name, value in values.items():
        expected = 0 if name.endswith("difference") else 1
        assert (value.value, value.low, value.high) == (expected,) * 3


def test_ratio_and_difference_have_the_right_direction(metric, shower, sample):
    values = metric("position_resolution").compare(sample, shower(20_000, 2, np.zeros_like, 4.0), 1).values
    for axis in "xyz":
        assert values[f"barycentre_{axis}_error_difference"].value == pytest.approx(-2 * np.sqrt(2 / np.pi), rel=0.05)
        ratios = [value for name, value in values.items() if name.startswith(f"barycentre_{axis}_error_ratio")]
        assert len(ratios) == 11
        assert all(abs(value.value - 0.5) < 2.5 * (value.high - value.low) for value in ratios)


def test_other_quantities_give_an_empty_result(metric):
    sample = Predictions({"true_energy": np.ones(5), "predicted_energy": np.ones(5)})
    assert metric("position_resolution").compute(sample, 1).tables == {}
    assert metric("position_resolution").compare(sample, sample, 1).values == {}
