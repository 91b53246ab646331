from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from hitforge.metrics._intervals import TAIL, clopper_pearson, percentile


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


def test_percentile_holds_the_measured_value():
    assert percentile(np.linspace(0.0, 1.0, 11), 2.0)[1] == 2.0
