from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from hitforge.metrics._intervals import (
    TAIL,
    bounded,
    clopper_pearson,
    clustered_share,
    clustered_text,
    paired,
    percentile,
    shares_in_bins,
    unseen,
)


@given(st.integers(1, 200).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_clopper_pearson_ends_leave_the_tail_probability(pair):
    passed, total = pair
    low, high = (float(end) for end in clopper_pearson(np.array(passed), np.array(total)))
    assert low <= passed / total <= high
    assert binom.sf(passed - 1, total, low) == pytest.approx(TAIL if passed else 1.0)
    assert binom.cdf(passed, total, high) == pytest.approx(TAIL if passed < total else 1.0)


@pytest.mark.parametrize(("share", "total"), [(0.02, 30), (0.5, 7), (0.93, 100)])
def test_clopper_pearson_covers_every_share(share, total):
    passed = np.arange(total + 1)
    low, high = clopper_pearson(passed, np.array(total))
    covered = binom.pmf(passed, total, share)[(low <= share) & (share <= high)].sum()
    assert covered >= 0.6827


def test_percentile_of_a_normal_sample_is_one_standard_deviation():
    low, high = percentile(np.random.default_rng(0).normal(3.0, 2.0, 200_000), 3.0)
    assert (low, high) == pytest.approx((1.0, 5.0), abs=0.03)


def beta_binomial(random, toys, events, particles, share, correlation):
    """Passed and counted of each event, (events, toys), with correlation between particles of one event."""
    strength = 1.0 / correlation - 1.0
    counted = random.poisson(particles, (events, toys)) + 1
    return random.binomial(counted, random.beta(share * strength, (1 - share) * strength, counted.shape)), counted


def covered(ends, truth):
    return float(np.mean((ends[0] <= truth) & (truth <= ends[1])))


@pytest.mark.parametrize(("events", "particles", "share", "correlation"), [(10, 30, 0.9, 0.3), (300, 30, 0.97, 0.3)])
def test_clustered_share_covers_correlated_particles(events, particles, share, correlation):
    passed, counted = beta_binomial(np.random.default_rng(3), 3000, events, particles, share, correlation)
    assert 0.66 < covered(clustered_share(passed, counted), share) < 0.76
    assert covered(clopper_pearson(passed.sum(axis=0), counted.sum(axis=0)), share) < 0.45


def test_clustered_share_is_exact_where_it_can_be():
    none, every = np.zeros(8), np.full(8, 5)
    for passed, counted in ((none, every), (every, every), (np.array([3, 0]), np.array([7, 0]))):
        exact = clopper_pearson(passed.sum(), counted.sum())
        assert np.allclose(clustered_share(passed, counted), exact)
    one_each = np.array([1, 0, 1, 1, 0, 1]), np.ones(6)  # events of one particle are independent particles
    assert np.allclose(clustered_share(*one_each), clopper_pearson(np.array(4), np.array(6)))
    assert "one event" in clustered_text(np.array([0, 7]))
    assert "Korn-Graubard" in clustered_text(np.array([1, 7]))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_clustered_share_holds_the_share_and_is_not_narrower_than_clopper_pearson(pairs):
    passed, failed = np.array(pairs).T
    if (passed + failed).sum():
        low, high = clustered_share(passed, passed + failed)
        least, most = clopper_pearson(passed.sum(), (passed + failed).sum())
        assert 0.0 <= low <= least + 1e-12
        assert most - 1e-12 <= high <= 1.0


def test_a_bin_knows_which_entries_are_of_one_event():
    value, event = np.tile([0.5, 1.5, 1.6], 4), np.repeat(np.arange(4), 3)
    passed = np.array([1, 1, 1, 0, 1, 1, 1, 0, 0, 1, 0, 0], bool)
    table = shares_in_bins(value, passed, np.array([0.0, 1.0, 2.0]), event)
    apart = shares_in_bins(value, passed, np.array([0.0, 1.0, 2.0]))
    assert (table["value"] == apart["value"]).all()
    assert table["n"].tolist() == [4, 8]
    assert table["lo"][0] == pytest.approx(apart["lo"][0])  # one entry an event
    assert table["lo"][1] < apart["lo"][1] - 0.05  # pairs that pass or fail together
    counted = np.full((4, 1), 2)
    low, _ = clustered_share(np.array([[2], [2], [0], [0]]), counted)
    assert table["lo"][1] == pytest.approx(low[0])


def test_percentile_of_few_events_covers_a_mean():
    random, hits = np.random.default_rng(5), []
    for _ in range(1500):
        sample = random.normal(size=8)
        replicas = sample[random.integers(0, 8, (200, 8))].mean(axis=1)
        ends = (percentile(replicas, sample.mean(), number) for number in (8, None))
        hits.append([low <= 0 <= high for low, high in ends])
    corrected, plain = np.mean(hits, axis=0)
    assert corrected == pytest.approx(0.683, abs=0.035)
    assert plain < 0.64


def test_replicas_that_are_alike_leave_an_exact_bound():
    alike = np.zeros(100)
    assert bounded(alike, 0.0, 12, 24.0) == pytest.approx((0.0, 1.0 - TAIL ** (1 / 24)))
    assert bounded(alike + 1.0, 1.0, 12, 24.0) == pytest.approx((TAIL ** (1 / 24), 1.0))
    assert bounded(np.full(5, np.nan), 0.5, 1, 10.0) == pytest.approx(
        tuple(float(end) for end in clopper_pearson(np.array(5), np.array(10)))
    )
    assert bounded(np.linspace(0.2, 0.4, 99), 0.3, 1000, 10.0) == pytest.approx(
        percentile(np.linspace(0.2, 0.4, 99), 0.3, 1000)
    )


def test_a_difference_without_spread_is_bounded_by_what_was_not_seen():
    most = unseen(50.0)
    assert most == pytest.approx(float(clopper_pearson(np.array(0), np.array(50))[1]))
    assert paired(np.zeros(9), 0.0, 20, 50.0) == pytest.approx((-most, most))
    assert paired(np.ones(9), 1.0, 20, 50.0) == pytest.approx((1.0 - most, 1.0))
    one, two = (0.8, 0.7, 0.9), (0.6, 0.5, 0.75)
    low, high = paired(np.full(9, 0.2), 0.2, 1, 50.0, (one, two))
    assert (low, high) == pytest.approx((0.2 - np.hypot(0.1, 0.15), 0.2 + np.hypot(0.1, 0.1)))


def test_percentile_holds_the_measured_value():
    assert percentile(np.linspace(0.0, 1.0, 11), 2.0)[1] == 2.0
