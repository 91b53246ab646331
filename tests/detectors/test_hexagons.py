import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.detectors import _hexagons
from hitforge.detectors._hexagons import COARSE, FINE, GAP, SENSOR, WAFER

FAR = 1900.0
places = st.floats(-1800.0, 1800.0)
kinds = st.sampled_from([FINE, COARSE])
widths = st.sampled_from([SENSOR, WAFER])


def tables(kind):
    """One layer of one kind of wafer alone, without tiles."""
    fine = np.array([10**6 if kind == FINE else -1])
    return fine, np.zeros(1), np.full(1, FAR), np.ones(1, np.int64), np.zeros(1, np.int64)


def cell_in(kind, points, width=WAFER, side=1.0):
    points = np.asarray(points, float).reshape(-1, 2)
    layer, sides = np.zeros(len(points), np.int64), np.full(len(points), side)
    x, y = np.ascontiguousarray(points.T)
    return _hexagons.cell_in(layer, x, y, sides, tables(kind), width)


def test_pitches_are_those_of_the_real_hits():
    assert pytest.approx([8.056, 12.084]) == _hexagons.PITCH
    assert pytest.approx(168.4408, abs=1e-4) == WAFER


@pytest.mark.parametrize(("kind", "number"), [(FINE, 432), (COARSE, 192)])
def test_a_wafer_is_tiled_by_the_outlines_of_its_cells(kind, number):
    corners = _hexagons.outlines(SENSOR)[0][kind]
    corners = corners[~np.isnan(corners[..., 0, 0])]  # (cells, 6, 2)
    assert len(corners) == number
    x, y = corners[..., 0], corners[..., 1]
    area = 0.5 * (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)
    assert area.sum() == pytest.approx(SENSOR**2 * math.sqrt(3) / 2)
    full = _hexagons.PITCH[kind] ** 2 * math.sqrt(3) / 2
    assert set(np.round(area / full * 12).astype(int)) == {10, 11, 12, 14}  # cut, corner, whole, filled up
    assert np.abs(area / full * 12 - np.round(area / full * 12)).max() < 1e-6


@given(kinds, widths, places, places)
def test_a_point_belongs_to_the_nearest_cell_of_its_wafer(kind, width, x, y):
    if math.hypot(x, y) > FAR - 20:
        return
    cell = cell_in(kind, [x, y], width)
    angle = np.arange(3) * math.pi / 3
    u, v = np.meshgrid(np.arange(-14, 15), np.arange(-14, 15))
    wafers = np.stack([WAFER * (v / 2 - u), WAFER * math.sqrt(0.75) * v], axis=-1).reshape(-1, 2)
    wafer = wafers[np.hypot(*(wafers - [x, y]).T).argmin()]
    off = np.abs(np.stack([np.cos(angle), np.sin(angle)], -1) @ ([x, y] - wafer)).max()
    if abs(off - width / 2) < 1e-6:
        return  # on the border itself
    assert (cell[0] >= 0) == (off < width / 2)
    if cell[0] < 0:
        return
    assert _hexagons.are_cells(cell, tables(kind), width).all()
    centre = _hexagons.centres(cell)[0]
    assert np.abs(centre - wafer).max() < WAFER / 2 / math.sqrt(0.75)
    n = int(_hexagons.CELLS[kind])
    nodes = [(p, q) for p in range(2 * n) for q in range(2 * n) if -n < p - q <= n]
    assert len(nodes) == 3 * n * n
    all_cells = wafer + np.array([_hexagons._cell_centre(kind, p, q) for p, q in nodes])
    nearest = np.hypot(*(all_cells - [x, y]).T).min()
    assert np.hypot(*(centre - [x, y])) == pytest.approx(nearest, abs=1e-9)


@given(kinds, widths, places, places)
def test_the_other_side_is_a_mirror(kind, width, x, y):
    here, there = cell_in(kind, [x, y], width), cell_in(kind, [-x, y], width, side=-1.0)
    assert (here[0] < 0) == (there[0] < 0)
    if here[0] >= 0:
        assert there[0] - here[0] == 1 << 28
        assert _hexagons.centres(there)[0] == pytest.approx(_hexagons.centres(here)[0] * [-1, 1])


@pytest.mark.parametrize(("kind", "width"), [(FINE, SENSOR), (COARSE, SENSOR), (COARSE, WAFER)])
def test_neighbours_of_one_kind_are_all_cells_that_share_an_edge(kind, width):
    random = np.random.default_rng(5)
    cell = np.unique(cell_in(kind, random.uniform(-250, 250, (4000, 2)), width))
    cell = cell[cell >= 0]
    around = _hexagons.neighbours(cell, tables(kind), width, _hexagons.outlines(width)[1])
    distance = np.hypot(
        *np.moveaxis(_hexagons.centres(around.ravel()).reshape(*around.shape, 2), -1, 0).__sub__(
            _hexagons.centres(cell).T[..., None]
        )
    )
    near = _hexagons.PITCH[kind]
    assert distance[around >= 0].max() <= near + GAP + 1e-9
    assert distance[around >= 0].min() >= near - 1e-9
    assert ((around >= 0).sum(axis=1) >= 5).all()
    assert ((around >= 0).sum(axis=1) <= 6).all()


def test_twelve_wafers_at_one_distance_come_in_two_halves():
    first = [(5, 2), (3, 5), (-2, 3), (2, -3), (-3, -5), (-5, -2)]
    second = [(5, 3), (2, 5), (-3, 2), (3, -2), (-2, -5), (-5, -3)]
    assert {_hexagons._rank(u, v) for u, v in first} == {38}
    assert {_hexagons._rank(u, v) for u, v in second} == {39}


@pytest.mark.parametrize("point", [(math.nan, 0.0), (0.0, math.inf), (1e300, 0.0), (FAR + 20, 0.0)])
def test_points_far_away_have_no_cell(point):
    assert cell_in(FINE, point).tolist() == [-1]
    assert cell_in(FINE, (1.0, 2.0), side=0.0).tolist() == [-1]
