from __future__ import annotations

import numpy as np
import pytest

from hitforge.acts.fatras import no_primaries
from hitforge.core.errors import RunError
from hitforge.simulation.generators.gun import gun
from hitforge.simulation.generators.pileup import add_pileup

SPREAD = (0.01, 50.0)


def shots(events: int, seed: int = 1) -> object:
    return gun(np.random.default_rng(seed), events, 3, (13, -11), (1.0, 100.0), True, (-1.0, 2.0), (0.0, 0.0))


def test_pileup_is_turned_and_moved_and_never_twice_in_an_event() -> None:
    hard, pool = shots(4), shots(6, seed=2)
    number = np.array([6, 0, 4, 5])
    made = add_pileup(np.random.default_rng(1), hard, pool, number, (0.0, 0.0), SPREAD)
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
        add_pileup(np.random.default_rng(1), shots(1), shots(2), np.array([3]), SPREAD, SPREAD)
    made = add_pileup(np.random.default_rng(1), shots(1), no_primaries(0), np.array([0]), SPREAD, SPREAD)
    assert len(made.event) == 3
