"""What barrels share is tested on the one of crystals: see ``test_crystal_barrel``; here the two stand together."""

from __future__ import annotations

import numpy as np

from hitforge.detectors import DETECTORS
from hitforge.detectors._barrel import BarrelGrid


def test_a_tower_stands_behind_five_by_five_crystals() -> None:
    crystals, towers = (DETECTORS.build(name, where="test") for name in ("crystal_barrel", "tower_barrel"))
    assert isinstance(crystals, BarrelGrid)
    assert isinstance(towers, BarrelGrid)
    assert crystals.eta_limit == towers.eta_limit
    cell = np.arange(crystals.cells)
    behind = towers.cell_at(crystals.position(cell) * 1.4)
    assert (np.bincount(behind, minlength=towers.cells) == 25).all()
    row, column = crystals.grid(cell)
    np.testing.assert_array_equal(behind, towers.cell_of(row // 5, column // 5))
