"""Exact overlap of polygons with pixels, against clipping each polygon with each pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.representations.region.overlap import overlaps

Point = tuple[float, float]


def clipped_area(polygon: list[Point], left: float, bottom: float) -> float:
    """Area of a convex polygon inside the unit square with this corner: cut by each side in turn, then the shoelace."""
    for axis, bound, sign in ((0, left, 1), (0, left + 1, -1), (1, bottom, 1), (1, bottom + 1, -1)):
        kept: list[Point] = []
        for here, there in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            a, b = sign * (here[axis] - bound), sign * (there[axis] - bound)
            if a >= 0:
                kept.append(here)
            if (a < 0 <= b) or (b < 0 <= a):
                t = a / (a - b)
                kept.append((here[0] + t * (there[0] - here[0]), here[1] + t * (there[1] - here[1])))
        polygon = kept
        if not polygon:
            return 0.0
    return area(polygon)


def area(polygon: list[Point]) -> float:
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2


def reference(outline: np.ndarray, rows: int, columns: int) -> np.ndarray:
    polygon = [(float(u), float(v)) for u, v in outline]
    cut = [[clipped_area(polygon, j, i) for j in range(columns)] for i in range(rows)]
    return np.array(cut) / area(polygon)


def dense(outline: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    polygon, pixel, share, beside = overlaps(outline, rows, columns)
    result = np.zeros((len(outline), rows * columns))
    np.add.at(result, (polygon, pixel), share)
    return result.reshape(-1, rows, columns), beside


def hexagon(u: float, v: float, radius: float, turn: float) -> np.ndarray:
    angle = turn + np.pi / 3 * np.arange(6)
    return np.array([u, v]) + radius * np.stack([np.cos(angle), np.sin(angle)], 1)


number = st.floats(-2, 8, allow_nan=False)


@given(number, number, st.floats(0.01, 4), st.floats(0, 6.3))
def test_hexagons_agree_with_clipping(u: float, v: float, radius: float, turn: float) -> None:
    outline = hexagon(u, v, radius, turn)
    image, beside = dense(outline[None], 6, 7)
    expected = reference(outline, 6, 7)
    np.testing.assert_allclose(image[0], expected, atol=1e-9)
    assert beside[0] == pytest.approx(1 - expected.sum(), abs=1e-9)


@given(st.lists(st.floats(0, 6.28), min_size=3, max_size=8, unique=True), number, number, st.floats(0.1, 5),
       st.booleans())  # fmt: skip
def test_any_convex_polygon_agrees_in_either_sense(
    angles: list[float], u: float, v: float, radius: float, reverse: bool
) -> None:
    angle = np.sort(np.array(angles))[:: -1 if reverse else 1]
    outline = np.stack([u + radius * np.cos(angle), v + 0.5 * radius * np.sin(angle)], 1)
    if area([(float(a), float(b)) for a, b in outline]) < 1e-4:
        return
    image, beside = dense(outline[None], 6, 7)
    np.testing.assert_allclose(image[0], reference(outline, 6, 7), atol=1e-7)
    assert image.sum() + beside[0] == pytest.approx(1, abs=1e-9)


@given(st.integers(0, 4), st.integers(0, 4), st.integers(1, 3), st.integers(1, 3))
def test_rectangles_on_the_lines_of_the_grid(u: int, v: int, width: int, height: int) -> None:
    outline = np.array([[u, v], [u + width, v], [u + width, v + height], [u, v + height], [u, v + height]], float)
    image, beside = dense(outline[None], 8, 8)
    expected = np.zeros((8, 8))
    expected[v : v + height, u : u + width] = 1 / (width * height)
    np.testing.assert_allclose(image[0], expected, atol=1e-12)
    assert beside[0] == pytest.approx(0, abs=1e-12)


def test_hexagons_that_tile_the_grid_cover_it_evenly() -> None:
    q, r = (grid.ravel() for grid in np.meshgrid(np.arange(-20, 30), np.arange(-20, 30)))
    pitch = 1.15
    centre = np.stack([pitch * (q + r / 2), pitch * np.sqrt(3) / 2 * r], 1)
    image, _ = dense(centre[:, None] + hexagon(0, 0, pitch / np.sqrt(3), np.pi / 6), 8, 9)
    np.testing.assert_allclose(image.sum(0), 1 / (np.sqrt(3) / 2 * pitch**2), rtol=1e-12)


def test_a_large_polygon_covers_each_pixel_alike_and_counts_the_rest() -> None:
    image, beside = dense(np.array([[[-50, -50], [50, -50], [50, 50], [-50, 50]]], float), 5, 4)
    np.testing.assert_allclose(image, 1e-4, rtol=1e-12)
    assert beside[0] == pytest.approx(1 - 20e-4, abs=1e-12)


def test_points_lines_and_polygons_beside_the_grid() -> None:
    point, line = [[1.5, 2.5]] * 3, [[0.5, 0.5], [3.5, 0.5], [0.5, 0.5]]
    far = [[100.0, 0.0], [101.0, 0.0], [100.0, 1.0]]
    polygon, pixel, share, beside = overlaps(np.array([point, line, far]), 4, 4)
    assert polygon.tolist() == [0, 1]
    assert pixel.tolist() == [9, 0]
    assert share.tolist() == [1, 1]
    assert beside.tolist() == [0, 0, 1]
    assert [len(part) for part in overlaps(np.zeros((0, 6, 2)), 3, 3)] == [0, 0, 0, 0]
