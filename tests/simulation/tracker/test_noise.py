from __future__ import annotations

import numpy as np
import pytest

from hitforge.detectors import DETECTORS
from hitforge.simulation.tracker.digitisation import inside
from hitforge.simulation.tracker.noise import dead_modules, noise, noise_energies, shifts

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


def test_energies_of_noise_have_a_tail_above_the_threshold() -> None:
    energy = noise_energies(np.random.default_rng(2), 20_000, 3e-6, 2e-6)
    assert (energy >= 3e-6).all()
    above = (energy - 3e-6) / 2e-6
    assert above.mean() == pytest.approx(1, abs=0.03)
    assert np.median(above) == pytest.approx(np.log(2), abs=0.03)
    assert (above > 3).mean() == pytest.approx(np.exp(-3), abs=0.006)
    assert len(np.unique(energy)) == len(energy)
    assert len(noise_energies(np.random.default_rng(2), 0, 3e-6, 2e-6)) == 0
