from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.metrics import METRICS, Predictions

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
