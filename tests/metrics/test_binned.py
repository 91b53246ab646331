from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.metrics import METRICS, Predictions
from hitforge.metrics._binned import Binning, bins_of, histogram, regression, unanswered


def test_every_event_within_the_edges_is_in_one_bin():
    settings = Binning(edges=(5, 10, 20, 300), min_events=5)
    energy = np.array([5.0] * 5 + [10.0] * 6 + [20.0] * 4 + [300.0] * 3 + [4.9, 301.0])
    bins = bins_of(energy, settings)
    assert [(b.low, b.high, len(b.members)) for b in bins] == [(5, 10, 5), (10, 20, 6), (20, 300, 7)]
    assert sorted(np.concatenate([b.members for b in bins])) == list(range(18))
    assert [b.label for b in bins] == ["5_10", "10_20", "20_300"]
    assert [b.label for b in bins_of(energy, Binning(edges=(5, 10, 20, 300), min_events=6))] == ["10_20", "20_300"]
    assert bins_of(np.full(50, np.nan), settings) == []


@pytest.mark.parametrize(("edges", "message"), [((10, 5), "rise"), ((5, 5, 6), "rise"), ((5,), "edges"), ((0, 5), "0")])
def test_impossible_edges_are_refused(edges, message):
    with pytest.raises(ConfigError, match=message):
        Binning.read({"edges": edges}, where="test")


def test_outermost_bins_of_a_histogram_hold_what_lies_beyond():
    table = histogram(np.array([-9.0, -0.9, 0.1, 1.0, 7.0]), 1.0, 4)
    np.testing.assert_array_equal(table["count"], [2, 0, 1, 2])
    np.testing.assert_allclose(table["low"], [-1, -0.5, 0, 0.5])


def test_regression_gives_columns_or_none_of_another_quantity():
    metric = METRICS.build("energy_resolution", where="test")
    sample = Predictions({"true_energy": np.ones(3), "predicted_energy": np.ones(3)})
    assert list(regression(metric, sample, "energy")) == ["true_energy", "predicted_energy"]
    assert regression(metric, sample, "direction_x") is None
    with pytest.raises(DataError, match="must have the column 'predicted_energy'"):
        regression(metric, Predictions({"true_energy": np.ones(3)}), "energy")
    with pytest.raises(DataError, match="finite"):
        regression(metric, Predictions({"true_energy": np.ones(3), "predicted_energy": np.full(3, np.nan)}), "energy")
    with pytest.raises(DataError, match="at least one event"):
        regression(metric, Predictions({"true_energy": np.ones(0), "predicted_energy": np.ones(0)}), "energy")


def test_unanswered_share_is_counted():
    metric = METRICS.build("energy_resolution", where="test")
    value = unanswered(metric, "energy", np.arange(10) > 1)
    assert value.value == 0.2
    assert value.low < 0.2 < value.high
    with pytest.raises(DataError, match="none of 4"):
        unanswered(metric, "energy", np.zeros(4, bool))
