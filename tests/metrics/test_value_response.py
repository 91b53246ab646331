"""Errors, response, flatness and slope of a number, on predictions whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.metrics import METRICS, Metric, Predictions
from hitforge.tasks import TASKS


def metric(**settings: Any) -> Metric:
    return METRICS.build({"name": "value_response", **settings}, where="test")


def drawn(count: int = 6000, width: float = 0.1, pull: float = 0.0, scale: float = 1.0, seed: int = 1) -> Predictions:
    random = np.random.default_rng(seed)
    true = np.exp(random.uniform(np.log(50), np.log(200), count))
    middle = np.exp(np.log(true).mean())
    predicted = scale * middle * (true / middle) ** (1 - pull) * np.exp(width * random.normal(size=count))
    return Predictions({"true_mass": true, "predicted_mass": predicted, "pt": random.uniform(400, 600, count)})


def test_errors_and_widths_are_those_that_were_drawn() -> None:
    values = metric().compute(drawn(), 0).values
    assert values["mass_error"].value == pytest.approx(0.1 * np.sqrt(2 / np.pi), rel=0.05)
    assert values["mass_sigma68"].value == pytest.approx(0.1, rel=0.05)
    assert values["mass_slope"].low < 1.0 < values["mass_slope"].high or abs(values["mass_slope"].value - 1) < 0.01
    assert values["mass_flatness"].value < 0.03
    assert all(value.low <= value.value <= value.high for value in values.values())
    exact = metric().compute(drawn(width=0.0), 0).values
    assert exact["mass_error"].value == pytest.approx(0, abs=1e-9)
    assert exact["mass_absolute_error"].value == pytest.approx(0, abs=1e-6)
    assert exact["mass_slope"].value == pytest.approx(1)


def test_a_pull_to_the_mean_is_a_slope_and_a_response_that_is_not_flat() -> None:
    result = metric(bins=10).compute(drawn(pull=0.3, width=0.01), 0)
    assert result.values["mass_slope"].value == pytest.approx(0.7, abs=0.01)
    table = result.tables["value_response.bins"]
    expected = (table["centre"] / 100.0) ** -0.3
    assert table["response"] == pytest.approx(expected, rel=0.02)
    # bins inside the central 80 % of 50 to 200: the outermost lie about 57.4 to 66 and 151.6 to 174.1
    # bins inside the central 80 % of 50 to 200: the outermost lie about 57.4 to 66 and 151.6 to 174.1
    for name in ("mass_flatness", "mass_flatness_seen"):
        assert result.values[name].value == pytest.approx((61.6 / 100.0) ** -0.3 - 1, abs=0.02)


def test_chance_makes_no_response_uneven() -> None:
    """Of a flat response the interval holds 0 about as often as it says, and half of the values are 0."""
    held, zeros, seen = 0, 0, []
    for seed in range(40):
        values = metric(replicas=100).compute(drawn(2000, width=0.15, seed=seed), seed).values
        held += values["mass_flatness"].low == 0
        zeros += values["mass_flatness"].value == 0
        seen.append(values["mass_flatness_seen"].value)
    assert held >= 28
    assert 8 <= zeros <= 32
    assert np.mean(seen) > 0.01


def test_values_that_are_alike_have_no_slope() -> None:
    good = drawn(500)
    alike = Predictions({"true_mass": np.full(500, 125.0), "predicted_mass": good.columns["predicted_mass"]})
    assert "mass_slope" not in metric().compute(alike, 0).values


def test_a_scale_is_no_slope() -> None:
    values = metric().compute(drawn(scale=1.2, width=0.01), 0).values
    assert values["mass_slope"].value == pytest.approx(1, abs=0.005)
    assert values["mass_flatness"].value == pytest.approx(0.2, abs=0.01)
    assert values["mass_flatness"].low > 0.19


def test_intervals_cover_as_often_as_they_say() -> None:
    inside = 0
    for seed in range(60):
        value = metric(replicas=100).compute(drawn(400, seed=seed), seed).values["mass_error"]
        inside += value.low < 0.1 * np.sqrt(2 / np.pi) * 1.0033 < value.high  # of a log-normal: a little more
    assert 30 < inside < 54


def test_event_fields_are_binned_in_equal_numbers() -> None:
    tables = metric(along=("pt", "absent"), along_bins=4).compute(drawn(), 0).tables
    assert tables["value_response.pt"]["n"].tolist() == [1500] * 4
    assert "value_response.absent" not in tables
    few = metric(min_events=5000).compute(drawn(), 0)
    assert "value_response.bins" not in few.tables
    assert "mass_flatness" not in few.values


def test_differences_are_paired() -> None:
    one, two = drawn(width=0.1), drawn(width=0.12)
    both = metric().compare(one, two, 0).values
    difference = both["mass_error_difference"]
    assert difference.value == pytest.approx(-0.02 * np.sqrt(2 / np.pi), rel=0.1)
    assert difference.high - difference.low < 0.001  # the same events and the same random numbers
    assert both["mass_absolute_error_difference"].value < 0


def test_what_may_be_monitored_is_what_the_task_asks() -> None:
    assert set(metric().monitored(TASKS.build("regress", where="test"))) == {
        "mass_error", "mass_absolute_error", "mass_sigma68",
    }  # fmt: skip
    assert metric().monitored(TASKS.build("classify", where="test")) == {}


def test_other_predictions_are_refused() -> None:
    good = drawn(100)
    for change, error in (
        ({"true_mass": np.zeros(100)}, "'true_mass' must be above 0"),
        ({"predicted_mass": np.full(100, -1.0)}, "'predicted_mass' must be >= 0"),
        ({"true_b": np.ones(100), "predicted_b": np.ones(100)}, "measures a regression of one quantity"),
    ):
        with pytest.raises(DataError, match=error):
            metric().compute(Predictions({**good.columns, **change}), 0)
    with pytest.raises(DataError, match="at least one event"):
        metric().compute(Predictions({"true_mass": np.zeros(0), "predicted_mass": np.zeros(0)}), 0)
