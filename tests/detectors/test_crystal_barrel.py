import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.detectors.crystal_barrel import CrystalBarrel

BARREL = CrystalBarrel(CrystalBarrel.Config())
cells = st.integers(0, BARREL.cells - 1)


def test_numbers_of_the_cms_barrel():
    assert BARREL.cells == 61_200
    assert BARREL.grid_shape == (170, 360)
    assert BARREL.periodic_columns
    assert BARREL.eta_limit == pytest.approx(1.479)
    assert 22.0 < BARREL.config.radius * BARREL.config.eta_pitch < 22.6
    assert 22.0 < BARREL.config.radius * 2 * math.pi / 360 < 22.6


@given(st.lists(cells, min_size=1, max_size=20))
def test_a_cell_is_found_at_its_own_position(numbers):
    cell = np.array(numbers)
    assert BARREL.cell_at(BARREL.position(cell)).tolist() == numbers
    assert BARREL.cell_of(*BARREL.grid(cell)).tolist() == numbers


@given(cells, st.floats(-0.49, 0.49), st.floats(-0.49, 0.49), st.floats(0.01, 100.0))
def test_every_point_of_a_face_projects_to_its_cell_at_any_distance(cell, up, around, scale):
    x, y, z = BARREL.position(np.array([cell]))[0]
    eta = math.asinh(z / math.hypot(x, y)) + up * BARREL.config.eta_pitch
    phi = math.atan2(y, x) + around * 2 * math.pi / 360
    point = scale * np.array([[math.cos(phi), math.sin(phi), math.sinh(eta)]])
    assert BARREL.cell_at(point).tolist() == [cell]


@given(cells, st.integers(-1000, 1000))
def test_turning_by_columns_and_mirroring_in_z_are_symmetries(cell, steps):
    row, column = BARREL.grid(np.array([cell]))
    turned = BARREL.cell_of(row, column + steps)
    angle = steps * 2 * math.pi / 360
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    place = BARREL.position(np.array([cell]))
    assert BARREL.position(turned) == pytest.approx(place @ turn.T, abs=1e-6)
    mirrored = BARREL.cell_of(169 - row, column)
    assert BARREL.position(mirrored) == pytest.approx(place * [1, 1, -1], abs=1e-9)


@pytest.mark.parametrize("point", [(0, 0, 100), (0, 0, 0), (1290, 0, 1290 * math.sinh(1.5)), (math.nan, 1, 1)])
def test_points_beside_the_barrel_have_no_cell(point):
    assert BARREL.cell_at(np.array([point], float)).tolist() == [-1]


@given(cells)
def test_neighbours_touch_and_are_mutual(cell):
    around = BARREL.neighbours(np.array([cell]))[0]
    real = around[around >= 0]
    row = cell // 360
    assert len(real) == (5 if row in (0, 169) else 8)
    assert len(set(real.tolist())) == len(real)
    assert (BARREL.neighbours(real) == cell).any(axis=1).all()


def test_columns_wrap():
    assert BARREL.cell_of(np.array([3, 3]), np.array([-1, 360])).tolist() == [3 * 360 + 359, 3 * 360]
    assert BARREL.cell_of(np.array([-1, 170]), np.array([0, 0])).tolist() == [-1, -1]


@pytest.mark.parametrize("setting", [{"radius": 0.0}, {"rows_per_side": 0}, {"depth": -1.0}, {"tilt": 1.0}])
def test_impossible_dimensions_are_refused(setting):
    with pytest.raises(ConfigError, match=next(iter(setting))):
        DETECTORS.build({"name": "crystal_barrel", **setting}, where="recipe: detector")
