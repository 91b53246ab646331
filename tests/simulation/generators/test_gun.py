from __future__ import annotations

import numpy as np

from hitforge.simulation.generators.gun import gun

SPREAD = (0.01, 50.0)


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
