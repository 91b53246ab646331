from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from hitforge.simulation.generators.pythia import Cuts, collisions


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
