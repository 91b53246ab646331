from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from hitforge.metrics._auc import auc, bootstrap_auc, covariance, midranks

samples = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: len({truth for _, truth in rows}) == 2
)


def _split(rows):
    score, truth = zip(*rows, strict=True)
    return np.array(score, float), np.array(truth)


def _brute(score, is_signal, weight=None):
    weight = np.ones(len(score)) if weight is None else weight
    gap = score[is_signal][:, None] - score[~is_signal][None, :]
    pairs = weight[is_signal][:, None] * weight[~is_signal][None, :]
    return ((np.sign(gap) + 1) / 2 * pairs).sum() / pairs.sum()


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40))
def test_midranks_are_those_of_a_second_implementation(values):
    np.testing.assert_array_equal(midranks(np.array(values)), rankdata(values))


@given(samples)
def test_auc_equals_counting_all_pairs(rows):
    score, is_signal = _split(rows)
    assert auc(score, is_signal) == pytest.approx(_brute(score, is_signal), abs=1e-12)


@given(samples)
def test_auc_is_invariant_under_rising_maps_and_turns_under_reflection(rows):
    score, is_signal = _split(rows)
    value = auc(score, is_signal)
    assert auc(np.exp(0.3 * score) - 7.0, is_signal) == value
    assert auc(-score, is_signal) == pytest.approx(1.0 - value, abs=1e-12)
    assert auc(score, ~is_signal) == pytest.approx(1.0 - value, abs=1e-12)


def test_covariance_equals_the_definition_by_kernels():
    random = np.random.default_rng(2)
    is_signal = np.arange(50) < 20
    scores = [random.integers(0, 9, 50) + 2.0 * is_signal for _ in range(3)]
    kernels = np.stack([(np.sign(s[is_signal][:, None] - s[~is_signal][None]) + 1) / 2 for s in scores])  # (K, P, N)
    expected = np.cov(kernels.mean(axis=2)) / 20 + np.cov(kernels.mean(axis=1)) / 30
    values, cov = covariance(scores, is_signal)
    np.testing.assert_allclose(values, kernels.mean(axis=(1, 2)))
    np.testing.assert_allclose(cov, expected, atol=1e-15)


def test_bootstrap_equals_brute_force_on_the_same_draws():
    random = np.random.default_rng(3)
    is_signal = random.random(40) < 0.4
    scores = [random.integers(0, 10, 40).astype(float), random.normal(size=40)]
    result = bootstrap_auc(scores, is_signal, 5, np.random.default_rng(11))
    same = np.random.default_rng(11)
    signal, background = np.flatnonzero(is_signal), np.flatnonzero(~is_signal)
    for row in result:
        draws = [members[same.integers(0, len(members), len(members))] for members in (signal, background)]
        weight = np.bincount(np.concatenate(draws), minlength=40).astype(float)
        assert row == pytest.approx([_brute(score, is_signal, weight) for score in scores])


def test_bootstrap_spread_is_that_of_delong():
    random = np.random.default_rng(4)
    is_signal = np.arange(3000) < 1200
    score = random.normal(size=3000) + is_signal
    _, cov = covariance([score], is_signal)
    assert bootstrap_auc([score], is_signal, 1000, random).std() == pytest.approx(np.sqrt(cov[0, 0]), rel=0.08)
