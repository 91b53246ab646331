from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.metrics._bootstrap import (
    CORE,
    HIGH,
    LOW,
    MEAN,
    MEDIAN,
    RMS,
    SIZE,
    at_an_end,
    bootstrap_statistics,
    centred,
    ends_of,
    event_weights,
    excess,
    expanded,
    half_width,
    interval,
    quantiles,
    sizes_to,
    statistics,
    with_ends,
)
from hitforge.metrics._intervals import TAIL


@given(st.integers(2, 200), st.integers(1, 3), st.integers(0, 10_000), st.sampled_from([0.0, 1e6]))
def test_statistics_equal_numpy(count, rows, seed, shift):
    random = np.random.default_rng(seed)
    values = shift + random.normal(size=(rows, count)).round(2)  # rounding makes ties
    own = statistics(values)
    np.testing.assert_allclose(own[:, MEAN], values.mean(1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(own[:, RMS], values.std(1, ddof=1), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(own[:, SIZE], np.abs(values).mean(1), rtol=1e-9)
    shares = {MEDIAN: 0.5, LOW: TAIL, HIGH: 1 - TAIL, CORE: 1 - 2 * TAIL}
    for item, share in shares.items():
        expected = np.quantile(values, share, axis=1, method="hazen")
        np.testing.assert_allclose(own[:, item], expected, rtol=1e-9, atol=1e-9)


@given(st.integers(1, 30), st.integers(0, 10_000))
def test_whole_weights_count_entries_so_often(count, seed):
    """A mean with weights is that of repeated entries, and a quantile lies between theirs."""
    random = np.random.default_rng(seed)
    values, event = random.normal(size=count).round(1), random.integers(0, 5, count)
    weights = random.integers(1, 4, (3, 5)).astype(float)
    drawn = quantiles(values, event, weights, np.array([0.0, 0.3, 0.5, 1.0]))
    for row, weight in zip(drawn, weights, strict=True):
        assert (np.diff(row) >= 0).all()
        assert (row[0], row[-1]) == (values.min(), values.max())
        order = np.argsort(values, kind="stable")
        w = weight[event][order]
        at = (np.cumsum(w) - 0.5 * w) / w.sum()
        np.testing.assert_allclose(row[1:3], np.interp([0.3, 0.5], at, values[order]), atol=1e-9)


def test_widths_of_few_values_are_not_too_small():
    random = np.random.default_rng(1)
    widths = [half_width(statistics(random.normal(size=(1, 20))))[0] for _ in range(4000)]
    assert np.mean(widths) == pytest.approx(1.0, abs=0.02)


def test_rows_are_weighted_together_and_entries_of_an_event_too():
    random = np.random.default_rng(2)
    values, event = random.normal(size=(1, 60)), np.repeat(np.arange(20), 3)
    both = bootstrap_statistics(np.concatenate([values, values + 1]), 50, np.random.default_rng(3), event)
    np.testing.assert_allclose(both[:, 1, MEAN], both[:, 0, MEAN] + 1)
    sums = values[0].reshape(20, 3).sum(axis=1)
    drawn = np.random.default_rng(3)
    for replica in both:
        weight = drawn.standard_exponential(20)
        assert replica[0, MEAN] == pytest.approx(weight @ sums / (3 * weight.sum()))


def test_bootstrap_spread_is_the_error_of_the_mean_and_of_the_width():
    values = np.random.default_rng(3).normal(2.0, 0.5, (1, 4000))
    spread = bootstrap_statistics(values, 400, np.random.default_rng(4))[:, 0].std(0)
    assert spread[MEAN] == pytest.approx(0.5 / np.sqrt(4000), rel=0.15)
    assert spread[RMS] == pytest.approx(0.5 / np.sqrt(8000), rel=0.15)


def test_the_first_weights_are_one():
    weights = event_weights(5, 40, np.random.default_rng(0))
    assert weights.shape == (41, 5)
    assert (weights[0] == 1).all()
    assert (weights[1:] > 0).all()
    assert weights[1:].mean() == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(("events", "factor"), [(2, 3.1823), (10, 1.1704), (1000, 1.0015)])
def test_intervals_of_few_events_are_as_wide_as_by_students_t(events, factor):
    """sqrt((n + 1) / (n - 1)) times the quantile of t(n - 1) at one standard deviation."""
    from scipy.stats import norm

    assert -norm.ppf(expanded(events)) == pytest.approx(factor, rel=1e-3)
    assert expanded(1) == TAIL


def test_replicas_are_centred_on_the_value():
    assert centred(np.array([1.0, 2.0, 4.0]), 3.0).tolist() == [1.5, 3.0, 6.0]
    assert centred(np.array([-1.0, 2.0, 4.0]), 3.0).tolist() == [0.0, 3.0, 5.0]
    assert centred(np.zeros(3), 0.0).tolist() == [0.0, 0.0, 0.0]


def test_ends_hold_the_value():
    replicas = np.linspace(0.0, 1.0, 101)
    low, high = ends_of(0.5, replicas)
    assert (low, high) == pytest.approx((TAIL, 1 - TAIL))
    assert ends_of(0.95, replicas) == pytest.approx((TAIL, 0.95))
    assert ends_of(0.95, replicas, centre=True) == pytest.approx((0.45 + TAIL, 1.45 - TAIL))
    assert ends_of(0.5, replicas, 3)[0] < low
    value = interval(0.5, replicas, "text", 7)
    assert (value.value, value.low, value.high, value.n) == (0.5, low, high, 7)
    assert with_ends("x", 0.5, replicas) == {"x": 0.5, "x_low": low, "x_high": high}


def test_means_at_an_end_of_their_range_may_lie_inside():
    bound = 1 - TAIL ** (1 / 20)
    assert at_an_end(np.ones(20), 0.0, 1.0, (1.0, 1.0)) == pytest.approx((1 - bound, 1.0))
    assert at_an_end(np.zeros(20), 0.0, 4.0, (0.0, 0.0)) == pytest.approx((0.0, 4 * bound))
    assert at_an_end(np.array([0.0, 1.0]), 0.0, 1.0, (0.2, 0.8)) == (0.2, 0.8)
    assert at_an_end(np.array([2.0, 3.0]), 0.0, 1.0, (2.2, 2.8)) == (2.2, 2.8)  # of another range


def cases(seen: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Samples that show the size of the truth plus a normal error of 1."""
    noise = np.random.default_rng(5).normal(size=4000)
    sizes = sizes_to(seen, np.abs(noise))
    return [(sizes, np.abs(sizes[:, None] + noise))]


def test_what_chance_adds_is_taken_off():
    value, low, high = excess(cases(10.0), 10.0)
    assert (value, low, high) == pytest.approx((10.0, 9.0, 11.0), abs=0.1)
    value, low, high = excess(cases(0.8), 0.8)
    assert low == 0.0
    assert value < 0.6
    assert 1.5 < high < 2.2


def test_less_than_chance_shows_is_none_with_an_upper_end():
    value, low, high = excess(cases(0.01), 0.01)
    assert (value, low) == (0.0, 0.0)
    assert high == excess(cases(0.01), 0.5)[2] > 0.5


def test_the_interval_holds_that_of_each_shape():
    one, two = cases(3.0)[0], cases(3.0)[0]
    wide = excess([one, (two[0], two[1] + 0.5)], 3.0)
    assert wide[0] == excess([one], 3.0)[0]
    assert wide[1] == pytest.approx(excess([one], 3.0)[1] - 0.5, abs=0.15)
