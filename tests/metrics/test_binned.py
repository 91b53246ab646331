from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError, DataError
from hitforge.metrics import METRICS, Predictions
from hitforge.metrics._binned import (
    CORE,
    HIGH,
    LOW,
    MEAN,
    MEDIAN,
    RMS,
    SIZE,
    Binning,
    bins_of,
    bootstrap_statistics,
    histogram,
    regression,
    statistics,
    unanswered,
)
from hitforge.metrics._intervals import TAIL


@given(st.integers(1, 200), st.integers(1, 3), st.integers(0, 10_000), st.sampled_from([0.0, 1e6]))
def test_statistics_equal_numpy(count, rows, seed, shift):
    random = np.random.default_rng(seed)
    values = shift + random.normal(size=(rows, count)).round(2)  # rounding makes ties
    own = statistics(values)
    np.testing.assert_allclose(own[:, MEAN], values.mean(1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(own[:, RMS], values.std(1), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(own[:, SIZE], np.abs(values).mean(1), rtol=1e-9)
    shares = {MEDIAN: 0.5, LOW: TAIL, HIGH: 1 - TAIL, CORE: 1 - 2 * TAIL}
    for item, share in shares.items():
        np.testing.assert_allclose(own[:, item], np.quantile(values, share, axis=1), rtol=1e-9, atol=1e-12)


def test_replicas_equal_statistics_of_the_drawn_events():
    values = np.random.default_rng(1).normal(size=(2, 31))
    replicas = bootstrap_statistics(values, 50, np.random.default_rng(2))
    random = np.random.default_rng(2)
    for replica in replicas:
        drawn = random.integers(0, 31, 31)
        np.testing.assert_allclose(replica, statistics(values[:, drawn]), rtol=1e-9, atol=1e-12)


def test_bootstrap_spread_is_the_error_of_the_mean_and_of_the_width():
    values = np.random.default_rng(3).normal(2.0, 0.5, (1, 4000))
    spread = bootstrap_statistics(values, 400, np.random.default_rng(4))[:, 0].std(0)
    assert spread[MEAN] == pytest.approx(0.5 / np.sqrt(4000), rel=0.15)
    assert spread[RMS] == pytest.approx(0.5 / np.sqrt(8000), rel=0.15)


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
