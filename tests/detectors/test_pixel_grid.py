from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.detectors.pixel_grid import PixelGrid


def build(**values: object) -> PixelGrid:
    return PixelGrid(PixelGrid.Config.read(values, where="test"))


def test_defaults_are_a_32_by_32_image() -> None:
    grid = DETECTORS.build("pixel_grid", where="test")
    assert (grid.cells, grid.grid_shape, grid.periodic_columns) == (1024, (32, 32), False)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.1, 100))
def test_cells_rows_columns_and_positions_agree(rows: int, columns: int, pitch: float) -> None:
    grid = build(rows=rows, columns=columns, pitch=pitch)
    cell = np.arange(grid.cells)
    np.testing.assert_array_equal(grid.cell_of(*grid.grid(cell)), cell)
    np.testing.assert_array_equal(grid.cell_at(grid.position(cell)), cell)
    np.testing.assert_allclose(grid.position(cell).mean(0), 0, atol=1e-9 * pitch)


def test_positions_lie_a_pitch_apart_rows_along_y() -> None:
    grid = build(rows=3, columns=2, pitch=10)
    np.testing.assert_allclose(grid.position(np.array([0, 1, 4])), [[-5, -10, 0], [5, -10, 0], [-5, 10, 0]])


def test_points_and_indices_beside_the_plane_have_no_cell() -> None:
    grid = build(rows=2, columns=2, pitch=1)
    points = np.array([[1.01, 0, 0], [-1.01, 0, 0], [0, 1.01, 0], [0, -1.01, 0], [np.nan, 0, 0], [0.5, 0.5, 99]])
    assert grid.cell_at(points).tolist() == [-1, -1, -1, -1, -1, 3]
    assert grid.cell_of(np.array([-1, 2, 0, 0]), np.array([0, 0, -1, 2])).tolist() == [-1] * 4


def test_the_plane_does_not_close() -> None:
    assert sorted(build(rows=3, columns=3).neighbours(np.array([3]))[0]) == [-1, -1, -1, 0, 1, 4, 6, 7]


def test_wrong_dimensions_are_refused() -> None:
    for wrong in ({"rows": 0}, {"columns": 5000}, {"pitch": 0}, {"layers": 2}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            build(**wrong)
