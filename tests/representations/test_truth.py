from __future__ import annotations

import numpy as np

from hitforge.representations.truth import Particles, ShowerTruth


def test_columns_and_boxes_are_parts_of_the_objects() -> None:
    objects = np.arange(2 * 3 * 14, dtype=np.float32).reshape(2, 3, 14)
    truth = ShowerTruth(None, None, None, None, objects)
    assert len(Particles._fields) == objects.shape[2]
    sides = ("depth_low", "u_low", "v_low", "depth_high", "u_high", "v_high")
    np.testing.assert_array_equal(truth.boxes, np.stack([getattr(truth.particles, name) for name in sides], 2))
    assert truth.particles.real[1, 2] == objects[1, 2, 0]
    assert truth.particles.weight[1, 2] == objects[1, 2, -1]
