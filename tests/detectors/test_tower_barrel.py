"""Towers behind the crystals."""

from __future__ import annotations

import numpy as np

from hitforge.detectors import DETECTORS


def test_cells_and_places_belong_together() -> None:
    towers = DETECTORS.build("tower_barrel", where="test")
    cell = np.arange(towers.cells)
    place = towers.position(cell)
    np.testing.assert_allclose(np.hypot(place[:, 0], place[:, 1]), towers.config.radius)
    np.testing.assert_array_equal(towers.cell_at(place), cell)
    assert towers.cell_at(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 3.0]])).tolist() == [-1, -1]
    near = towers.neighbours(np.array([0, 100]))
    assert (near[0] >= 0).sum() == 5  # at the end of the barrel, but none at the end of the azimuth
    assert (near[1] >= 0).sum() == 8
