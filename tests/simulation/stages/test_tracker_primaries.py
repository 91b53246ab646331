from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from hitforge.core.errors import RunError
from hitforge.simulation.stages.tracker_primaries import Cuts, collisions, empty, gun, overlay

SPREAD = (0.01, 50.0)


def shots(events: int, seed: int = 1) -> object:
    return gun(np.random.default_rng(seed), events, 3, (13, -11), (1.0, 100.0), True, (-1.0, 2.0), (0.0, 0.0))


def test_gun_stays_in_its_ranges() -> None:
    made = gun(np.random.default_rng(1), 100, 20, (13, -11), (1.0, 100.0), True, (-1.0, 2.0), SPREAD)
    pt = np.hypot(*made.momentum.T[:2])
    eta = np.arcsinh(made.momentum[:, 2] / pt)
    assert pt.min() >= 1
    assert pt.max() <= 100
    assert abs(np.log10(pt).mean() - 1) < 0.05
    assert eta.min() >= -1
    assert eta.max() <= 2
    assert abs(made.vertex[:, 2].std() - 50) < 3
    np.testing.assert_array_equal(made.charge, np.where(made.pdg == 13, -1, 1))
    np.testing.assert_array_equal(np.bincount(made.event), np.full(100, 20))


def test_pileup_is_turned_and_moved_and_never_twice_in_an_event() -> None:
    hard, pool = shots(4), shots(6, seed=2)
    number = np.array([6, 0, 4, 5])
    made = overlay(np.random.default_rng(1), hard, pool, number, (0.0, 0.0), SPREAD)
    assert (np.diff(made.event) >= 0).all()
    np.testing.assert_array_equal(np.bincount(made.event), 3 * (number + 1))
    first = made.interaction == 0
    np.testing.assert_array_equal(made.momentum[first], hard.momentum)
    pt = np.round(np.hypot(*made.momentum.T[:2]), 9)
    for event in range(4):
        assert len(np.unique(pt[made.event == event])) == (made.event == event).sum()
    again = made.momentum[np.isin(pt, pt[~first][:1])]  # an interaction that stands in several events
    assert len(np.unique(np.round(np.arctan2(again[:, 1], again[:, 0]), 6))) == len(again) > 1
    pairs = np.stack([made.event, made.interaction], 1)[~first]
    assert len(np.unique(made.vertex[~first], axis=0)) == len(np.unique(pairs, axis=0)) == number.sum()


def test_pool_that_is_too_small_is_refused() -> None:
    with pytest.raises(RunError, match="the pool must hold"):
        overlay(np.random.default_rng(1), shots(1), shots(2), np.array([3]), SPREAD, SPREAD)
    made = overlay(np.random.default_rng(1), shots(1), empty(0), np.array([0]), SPREAD, SPREAD)
    assert len(made.event) == 3


@pytest.mark.skipif(importlib.util.find_spec("pythia8mc") is None, reason="needs pythia8mc (hitforge[gen])")
def test_collisions_pass_the_cuts_and_are_the_same_again() -> None:
    cuts = Cuts(0.2, 0.15, 3.0)
    made, again = (collisions("minimum_bias", 4, 120, 1000.0, cuts) for _ in range(2))
    np.testing.assert_array_equal(made.momentum, again.momentum)
    assert made.events == 120
    pt, pz = np.hypot(*made.momentum.T[:2]), made.momentum[:, 2]
    assert pt.min() > 0.15
    assert np.hypot(pt, pz).min() > 0.2
    assert np.abs(pz / pt).max() < math.sinh(3.0)
    charged = made.charge != 0
    assert 3 < charged.sum() / 120 / 6 < 9  # charged particles a unit of pseudorapidity
    prompt = collisions("minimum_bias", 4, 120, 1.0, cuts)
    far = [np.hypot(*sample.vertex.T[:2]) > 5 for sample in (made, prompt)]
    assert far[0].sum() > 10
    assert far[1].sum() == 0
    assert not np.array_equal(collisions("minimum_bias", 5, 120, 1000.0, cuts).momentum, made.momentum)
