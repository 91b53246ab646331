from __future__ import annotations

import numpy as np

from hitforge.detectors import DETECTORS
from hitforge.simulation.stages.tracker_digitisation import inside
from hitforge.simulation.stages.tracker_noise import dead_modules, noise, shifts

MODULES = DETECTORS.build("silicon_barrel_endcap", where="test").modules


def test_noise_is_even_over_the_surface_of_live_modules() -> None:
    live = np.flatnonzero(MODULES.volume == 12)  # trapezoids of three sizes
    event, row, u, v = noise(np.random.default_rng(1), MODULES, live, np.array([40_000.0, 0.0, 1000.0]))
    assert (event == 1).sum() == 0
    assert abs((event == 0).sum() - 40_000) < 1000
    assert np.isin(row, live).all()
    assert inside(MODULES, row, u, v).all()
    area = (MODULES.half_u_low + MODULES.half_u_high) * MODULES.half_v
    third = np.unique(area[live])
    share = [(np.isclose(area[row], size)).mean() for size in third]
    wanted = np.array([area[live][np.isclose(area[live], size)].sum() for size in third])
    np.testing.assert_allclose(share, wanted / wanted.sum(), atol=0.01)
    low, high = MODULES.half_u_low[row], MODULES.half_u_high[row]
    upper = (low + 3 * high) / 4 / (low + high)  # share of a trapezoid's area above its middle
    assert abs((v > 0).mean() - upper.mean()) < 0.01
    assert abs(u.mean()) < 0.5


def test_no_live_module_gives_no_noise() -> None:
    assert len(noise(np.random.default_rng(1), MODULES, np.zeros(0, np.int64), np.array([5.0]))[0]) == 0


def test_dead_modules_and_shifts_are_as_many_as_asked() -> None:
    dead = dead_modules(np.random.default_rng(1), 1000, 0.123)
    assert dead.sum() == 123
    assert dead_modules(np.random.default_rng(1), 1000, 0.0).sum() == 0
    shift = shifts(np.random.default_rng(1), 20_000, 0.05)
    assert shift.shape == (20_000, 2)
    np.testing.assert_allclose(shift.std(axis=0), 0.05, rtol=0.03)
