from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.metrics import METRICS, Predictions
from hitforge.metrics._intervals import TAIL

METRIC = METRICS.build("event_means", where="test")


def test_mean_and_its_error() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    found = METRIC.compute(Predictions({"purity": values}), 0).values["purity"]
    assert found.value == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(values.std() / 20, rel=0.15)
    assert found.n == 400


def test_events_without_the_number_are_left_out() -> None:
    found = METRIC.compute(Predictions({"purity": np.array([np.nan, 1.0, 3.0])}), 0).values["purity"]
    assert (found.value, found.n) == (2.0, 2)
    with pytest.raises(DataError, match=r"'purity'.*3 events"):
        METRIC.compute(Predictions({"purity": np.full(3, np.nan)}), 0)


def test_differences_are_taken_event_by_event() -> None:
    random = np.random.default_rng(2)
    common = random.normal(5, 20, 300)  # what both have to do with
    one = {"purity": common + random.normal(0.5, 1, 300), "mu": common, "own": common}
    two = {"purity": common, "mu": common, "other": common}
    one["purity"][7] = np.nan
    found = METRIC.compare(Predictions(one), Predictions(two), 0).values
    assert list(found) == ["purity_difference"]
    value = found["purity_difference"]
    away = np.delete(one["purity"] - common, 7)
    assert value.value == pytest.approx(away.mean())
    assert (value.high - value.low) / 2 == pytest.approx(away.std() / 300**0.5, rel=0.15)  # not that of either mean
    assert value.n == 299
    assert "same events" in value.definition
    back = METRIC.compare(Predictions(two), Predictions(one), 0).values["purity_difference"]
    assert back.value == pytest.approx(-value.value)


def test_differences_need_the_same_events() -> None:
    few, many = Predictions({"purity": np.ones(3)}), Predictions({"purity": np.ones(4)})
    with pytest.raises(DataError, match="same events; got: 3 and 4 events"):
        METRIC.compare(few, many, 0)
    assert not METRIC.compare(few, few, 0).values
    assert not METRIC.compare(few, Predictions({"purity": np.full(3, np.nan)}), 0).values


def test_a_mean_at_an_end_has_a_width() -> None:
    found = METRIC.compute(Predictions({"found": np.ones(20), "lost": np.zeros(20)}), 0).values
    bound = 1 - TAIL ** (1 / 20)
    assert (found["found"].low, found["found"].high) == pytest.approx((1 - bound, 1.0))
    assert (found["lost"].low, found["lost"].high) == pytest.approx((0.0, bound))
