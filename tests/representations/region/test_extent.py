from __future__ import annotations

import numpy as np

from hitforge.representations.region.extent import extents


def test_a_box_leaves_out_two_percent_at_each_end_and_is_a_cell_wide() -> None:
    place = np.zeros((104, 3))
    place[:101, 0] = np.random.default_rng(1).permutation(101)  # of equal energy: 2 % lie below 2
    place[101:] = [[1, 5, 0], [2, 5, 0], [4, 5, 0]]
    energy = np.ones(104)
    energy[101:] = [1, 2, 1]
    found = extents(np.array([0, 101, 104]), place, energy, np.array([1.0, 10.0, 10.0]))
    np.testing.assert_allclose(found[0, [0, 3, 6]], [50, 2, 98])
    np.testing.assert_allclose(found[1], [2.25, 5, 0, 1, 0, -5, 4, 10, 5])
