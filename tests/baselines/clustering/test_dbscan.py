"""DBSCAN against scikit-learn, and against every pair of points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.baselines.clustering import dbscan
from hitforge.core.errors import ConfigError


def every_pair(place, eps, least, weight, group):
    """The same from the definitions."""
    near = (((place[:, None] - place[None]) ** 2).sum(2) <= eps * eps) & (group[:, None] == group[None])
    core = near @ weight >= least
    label = np.full(len(place), -1)
    count = 0
    for i in np.flatnonzero(core):
        if label[i] >= 0:
            continue
        stack = [i]
        while stack:
            j = stack.pop()
            if label[j] >= 0:
                continue
            label[j] = count
            if core[j]:
                stack += list(np.flatnonzero(near[j] & (label < 0)))
        count += 1
    return label


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.sampled_from([1.0, 2.0, 4.5]), st.integers(1, 6))
def test_every_pair_says_the_same(seed, number, eps, least):
    random = np.random.default_rng(seed)
    place = random.integers(0, 12, (number, 3)).astype(float) * [1.0, 1.0, 0.5]
    weight, group = random.integers(0, 5, number) / 2.0, random.integers(0, 2, number)
    found = dbscan(place[:, 0], place[:, 1], eps, least, weight=weight, group=group, depth=place[:, 2])
    np.testing.assert_array_equal(found, every_pair(place, eps, least, weight, group))


def test_scikit_learn_says_the_same():
    cluster = pytest.importorskip("sklearn.cluster")
    random = np.random.default_rng(1)
    for eps, least in ((0.1, 4), (0.4, 6), (1.0, 20)):
        place = np.concatenate([random.normal(c, 0.4, (300, 3)) for c in random.uniform(0, 8, (5, 3))])
        place = random.permutation(np.concatenate([place, random.uniform(0, 8, (500, 3))]))
        wanted = cluster.DBSCAN(eps=eps, min_samples=least).fit(place).labels_
        np.testing.assert_array_equal(dbscan(place[:, 0], place[:, 1], eps, least, depth=place[:, 2]), wanted)


def test_no_points_and_wrong_settings():
    none = np.zeros(0)
    assert dbscan(none, none, 1.0, 1).shape == (0,)
    for eps, least in ((0.0, 1), (np.nan, 1), (1.0, 0)):
        with pytest.raises(ConfigError, match="above 0"):
            dbscan(np.zeros(2), np.zeros(2), eps, least)
