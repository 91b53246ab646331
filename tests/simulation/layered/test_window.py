import numpy as np
import pytest

from hitforge.simulation.layered.window import Windows, areas, find_extent
from tests.layered import FRONT, HONEYCOMB, LAYERS, PITCH, REACH


def _windows(pointing, radius=50.0):
    return Windows(np.array([1, -1]), np.array([300.0, 0.0]), np.array([0.0, 400.0]), radius, FRONT, pointing)


def test_a_pointing_window_widens_along_the_line_from_the_origin():
    windows, deeper = _windows(True), 1.1
    event = np.array([0, 0, 0, 0, 1, 1])
    place = np.array(
        [(349, 0, FRONT), (351, 0, FRONT), (349 * deeper, 0, FRONT * deeper), (300, 0, -FRONT), (0, 449, -FRONT),
         (0, 449, FRONT)]
    )  # fmt: skip
    assert windows.contains(event, place).tolist() == [True, False, True, False, True, False]


def test_a_parallel_window_is_a_cylinder():
    place = np.array([(349, 0, FRONT), (349, 0, 1.1 * FRONT), (351, 0, 1.1 * FRONT)])
    assert _windows(False).contains(np.zeros(3, int), place).tolist() == [True, True, False]


def test_no_radius_is_the_whole_detector_and_a_slice_keeps_its_events():
    assert _windows(True, 0.0).whole
    assert _windows(True, 0.0).contains(np.zeros(2, int), np.array([(9e3, 0, 1), (0, 0, -1)])).all()
    part = _windows(True).slice(1, 2)
    assert part.side.tolist() == [-1]
    assert (part.x[0], part.y[0], part.radius) == (0.0, 400.0, 50.0)


def test_area_of_a_hexagon():
    cell = HONEYCOMB.cell_in(np.zeros(1, int), np.array([500.0]), np.array([20.0]), np.array([1]))
    assert areas(HONEYCOMB.corners(cell)) == pytest.approx(np.sqrt(3) / 2 * PITCH**2)


def test_the_extent_of_a_detector_is_found():
    extent = find_extent(HONEYCOMB)
    cells = (2 * REACH + 1) ** 2  # a rhombus of hexagons, on each side and layer
    assert extent.cells == pytest.approx(np.full((2, LAYERS), cells), rel=0.02)
    assert (extent.inner == 0).all()
    farthest = np.sqrt(3) * REACH * PITCH  # the long diagonal of the rhombus
    assert (extent.outer > 0.9 * farthest).all()
    assert extent.smallest == pytest.approx(np.full((2, LAYERS), np.sqrt(3) / 2 * PITCH**2))
    assert extent.margin == pytest.approx(np.full((2, LAYERS), PITCH / np.sqrt(3)))
    assert find_extent(HONEYCOMB) is extent
