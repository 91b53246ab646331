from __future__ import annotations

import numpy as np

from hitforge.simulation.tracker.digitisation import inside, smeared
from tests.simulation.tracker.crossings import MODULES, straight


def test_errors_are_those_of_the_pitch() -> None:
    row = np.random.default_rng(1).integers(0, len(MODULES), 20_000)
    crossings = straight(row, np.zeros((len(row), 2)))
    made = smeared(np.random.default_rng(2), MODULES, crossings, row, np.ones(len(row), bool))
    np.testing.assert_array_equal(made.row, row)
    for measured, pitch in ((made.u, MODULES.pitch_u), (made.v, MODULES.pitch_v)):
        pull = measured / pitch[row] * np.sqrt(12)
        assert abs(pull.std() - 1) < 0.02
        assert abs(pull.mean()) < 0.03
    np.testing.assert_array_equal(made.measurement, np.arange(len(row)))
    np.testing.assert_array_equal(made.particle, np.arange(len(row)))


def test_no_point_leaves_its_module_and_what_is_not_kept_changes_nothing() -> None:
    row = np.full(2000, np.flatnonzero(MODULES.volume == 17)[0])
    edge = np.stack([np.full(2000, 0.0), np.full(2000, MODULES.half_v[row[0]])], 1)  # one half is drawn again
    crossings = straight(row, edge)
    keep = np.arange(2000) % 2 == 0
    everything = smeared(np.random.default_rng(2), MODULES, crossings, row, np.ones(2000, bool))
    half = smeared(np.random.default_rng(2), MODULES, crossings, row, keep)
    assert inside(MODULES, everything.row, everything.u, everything.v).all()
    assert len(everything) > 1980
    assert set(half.u.tolist()) <= set(everything.u.tolist())
    assert len(half) < 1001


def test_local_is_the_inverse_of_global() -> None:
    row = np.array([5, 9000, 18_000])
    place = np.array([[1.0, 2.0], [-3.0, 4.0], [5.0, -6.0]])
    np.testing.assert_allclose(MODULES.local(row, straight(row, place).place)[:, :2], place, atol=1e-9)
