"""Cones about seeds."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.baselines.clustering import cones
from hitforge.core.errors import ConfigError

SIZES = {"core": 10.0, "apart": 30.0, "radius": 40.0, "min_seed": 5.0}


def test_hits_go_to_the_nearest_axis_of_their_event():
    random = np.random.default_rng(1)
    centre = np.array([[0.0, 0.0], [60.0, 0.0], [60.0, 0.0]])
    event = np.repeat([0, 0, 1], 200)
    place = np.repeat(centre, 200, axis=0) + random.normal(0, 6.0, (600, 2))
    order = random.permutation(600)
    label = np.empty(600, int)
    label[order] = cones(*place[order].T, np.ones(600), event[order], **SIZES)
    nearest = np.where(event == 1, 2, (place[:, 0] > 30).astype(int))
    pairs = np.unique(np.stack([label, nearest]), axis=1)
    assert len(pairs.T) == 3
    assert (label >= 0).all()


def test_hits_beyond_the_radius_and_faint_seeds_are_left():
    u, v, event = np.array([0.0, 0.0, 39.0, 41.0]), np.zeros(4), np.zeros(4, int)
    np.testing.assert_array_equal(cones(u, v, np.array([4.0, 4.0, 1.0, 1.0]), event, **SIZES), [0, 0, 0, -1])
    np.testing.assert_array_equal(cones(u, v, np.ones(4), event, **SIZES), [-1] * 4)
    assert cones(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, int), **SIZES).shape == (0,)
    with pytest.raises(ConfigError, match="radius"):
        cones(u, v, np.ones(4), event, **{**SIZES, "radius": 0.0})
