from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from hitforge.core.errors import ConfigError


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=40),
    st.lists(st.integers(0, 20), min_size=1, max_size=40),
    st.sampled_from([0.05, 0.5, 0.8, 0.9, 1.0]),
)
def test_equals_a_scan_over_all_thresholds(metric, predictions, signal, background, share):
    score, truth = np.array(signal + background) / 20, np.arange(len(signal) + len(background)) < len(signal)
    result = metric("background_efficiency", signal_efficiencies=[share]).compute(predictions(score, truth), 0)
    kept = [t for t in sorted(set(signal)) if sum(s >= t for s in signal) >= share * len(signal) - 1e-9]
    expected = sum(b >= max(kept) for b in background) / len(background)
    value = result.values[f"background_efficiency.at_{share:.2f}"]
    assert value.value == pytest.approx(expected)
    assert value.low <= value.value <= value.high
    assert result.tables["background_efficiency"]["threshold"][0] == pytest.approx(max(kept) / 20)


def test_two_normals_give_the_analytic_efficiency_with_coverage(metric, gaussian):
    measure = metric("background_efficiency", replicas=400, signal_efficiencies=[0.8])
    expected = ndtr(ndtri(0.8) - 1.0)
    toys = [
        measure.compute(gaussian(seed, 400, 400, 1.0), seed).values["background_efficiency.at_0.80"]
        for seed in range(400)
    ]
    covered = np.mean([toy.low <= expected <= toy.high for toy in toys])
    assert 0.6827 - 0.075 < covered < 0.6827 + 0.1
    assert np.mean([toy.value for toy in toys]) == pytest.approx(expected, abs=0.01)


def test_interval_counts_the_threshold_too(metric, gaussian):
    value = (
        metric("background_efficiency")
        .compute(gaussian(2, 200, 200_000, 1.0), 0)
        .values["background_efficiency.at_0.50"]
    )
    alone = math.sqrt(value.value * (1.0 - value.value) / 200_000)
    assert (value.high - value.low) / 2.0 > 10.0 * alone


def test_no_background_left_still_has_an_upper_end(metric, predictions):
    truth = np.arange(20) < 10
    value = (
        metric("background_efficiency")
        .compute(predictions(truth * 0.5 + 0.2, truth), 0)
        .values["background_efficiency.at_0.90"]
    )
    assert value.value == value.low == 0.0
    assert value.high == pytest.approx(1.0 - 0.1587**0.1, abs=1e-3)


def test_names_of_the_usual_working_points(metric, gaussian):
    names = set(metric("background_efficiency").compute(gaussian(2, 50, 50, 1.0), 0).values)
    assert names == {f"background_efficiency.at_{share}" for share in ("0.50", "0.70", "0.80", "0.90")}


@pytest.mark.parametrize("shares", [[], [0.0], [1.2]])
def test_impossible_efficiencies_are_refused(metric, shares):
    with pytest.raises(ConfigError, match="signal_efficiencies"):
        metric("background_efficiency", signal_efficiencies=shares)
