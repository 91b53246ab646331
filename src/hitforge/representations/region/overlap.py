"""Exact area overlap of polygons, such as the outlines of cells, with the square pixels of a grid."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit


def overlaps(outline: Array, rows: int, columns: int) -> tuple[Array, Array, Array, Array]:
    """Return which pixels each polygon covers, and the share of its area in each.

    Args:
        outline: Corners in units of a pixel, (N, V, 2) as (column, row): pixel ``[i, j]`` is the square from ``(j, i)``
            to ``(j + 1, i + 1)``. Either sense of rotation; a corner may be repeated; edges must not cross.
        rows: Of the grid.
        columns: Of the grid.

    Returns:
        Polygon, (M,) int64, rising; pixel ``i * columns + j``, (M,) int64; share of the polygon's area in the pixel,
        (M,) float64 above 0; and for each polygon the share that lies beside the grid, (N,) float64. A polygon's shares
        and what lies beside the grid sum to 1. A polygon without area counts wholly in the pixel of its first corner.
    """
    return _overlaps(np.ascontiguousarray(outline, np.float64), rows, columns)  # type: ignore[no-any-return]


@njit(nogil=True, cache=True)
def _overlaps(outline, rows, columns):  # type: ignore[no-untyped-def]
    polygons = len(outline)
    polygon, pixel = np.empty(8 * polygons + 64, np.int64), np.empty(8 * polygons + 64, np.int64)
    share, beside = np.empty(8 * polygons + 64), np.ones(polygons)
    buffer, filled = np.zeros(256), 0
    for p in range(polygons):
        box = bounding_box(outline[p])
        size = box[2] * (box[3] + 1)
        if size > len(buffer):
            buffer = np.zeros(2 * size)
        if box[0] >= rows or box[1] >= columns or box[0] + box[2] <= 0 or box[1] + box[3] <= 0:
            continue
        if filled + size > len(polygon):
            polygon, pixel, share = _longer(polygon, size), _longer(pixel, size), _longer(share, size)
        cover(outline[p], box, buffer)
        for i in range(max(0, -box[0]), min(box[2], rows - box[0])):
            for j in range(max(0, -box[1]), min(box[3], columns - box[1])):
                value = buffer[i * (box[3] + 1) + j]
                if value > 0.0:
                    polygon[filled], pixel[filled] = p, (box[0] + i) * columns + box[1] + j
                    share[filled] = value
                    beside[p] -= value
                    filled += 1
        beside[p] = max(beside[p], 0.0)
    return polygon[:filled].copy(), pixel[:filled].copy(), share[:filled].copy(), beside


@njit(nogil=True, cache=True)
def bounding_box(outline):  # type: ignore[no-untyped-def]
    """Return the first row and column, and the numbers of rows and columns, that a polygon (V, 2) touches.

    For use inside compiled code.
    """
    low_u, high_u, low_v, high_v = np.inf, -np.inf, np.inf, -np.inf
    for k in range(len(outline)):
        low_u, high_u = min(low_u, outline[k, 0]), max(high_u, outline[k, 0])
        low_v, high_v = min(low_v, outline[k, 1]), max(high_v, outline[k, 1])
    row, column = np.int64(np.floor(low_v)), np.int64(np.floor(low_u))
    return row, column, np.int64(np.floor(high_v)) - row + 1, np.int64(np.floor(high_u)) - column + 1


@njit(nogil=True, cache=True)
def cover(outline, box, buffer):  # type: ignore[no-untyped-def]
    """Write the share of a polygon's area in each pixel of its box; for use inside compiled code.

    Every edge is cut at the grid's lines. A piece of height dv in a column adds dv times its mean distance from the
    right side to its own pixel, and dv to every pixel right of it in its row: the signed sum over the edges is the area
    (Green's theorem), without any clipping.

    Args:
        outline: (V, 2).
        box: What ``bounding_box`` returned.
        buffer: At least rows * (columns + 1) of the box; rows lie ``columns + 1`` apart.
    """
    first_row, first_column, rows, columns = box
    stride = columns + 1
    for k in range(rows * stride):
        buffer[k] = 0.0
    corners = len(outline)
    for k in range(corners):
        u0, v0 = outline[k, 0] - first_column, outline[k, 1] - first_row
        after = k + 1 if k + 1 < corners else 0
        u1, v1 = outline[after, 0] - first_column, outline[after, 1] - first_row
        if v0 == v1:
            continue
        sign = 1.0
        if v0 > v1:
            u0, v0, u1, v1, sign = u1, v1, u0, v0, -1.0
        lean = (u1 - u0) / (v1 - v0)
        for i in range(int(v0), min(int(v1), rows - 1) + 1):
            low, high = max(v0, float(i)), min(v1, i + 1.0)
            if high <= low:
                continue
            left, right = u0 + (low - v0) * lean, u0 + (high - v0) * lean
            if left > right:
                left, right = right, left
            left, right = min(max(left, 0.0), float(columns)), min(max(right, 0.0), float(columns))
            height, width = sign * (high - low), right - left
            for j in range(min(int(left), columns - 1), min(int(right), columns - 1) + 1):
                # the part of this row's piece in column j: all of it, or as much as its width
                begin, end = max(left, float(j)), min(right, j + 1.0)
                part = height if width <= 0.0 or (begin == left and end == right) else height * (end - begin) / width
                inside = part * (j + 1 - 0.5 * (begin + end))
                buffer[i * stride + j] += inside
                buffer[i * stride + j + 1] += part - inside
    total = 0.0
    for i in range(rows):
        running = 0.0
        for j in range(columns):
            running += buffer[i * stride + j]
            buffer[i * stride + j] = running
            total += running
    if abs(total) < 1e-12:  # a point or a line
        for k in range(rows * stride):
            buffer[k] = 0.0
        buffer[int(outline[0, 1] - first_row) * stride + int(outline[0, 0] - first_column)] = 1.0
        return
    positive = 0.0
    for i in range(rows):
        for j in range(columns):
            value = buffer[i * stride + j] / total
            value = value if value > 1e-12 else 0.0  # rounding
            buffer[i * stride + j] = value
            positive += value
    for k in range(rows * stride):
        buffer[k] /= positive


@njit(nogil=True, cache=True)
def _longer(values, more):  # type: ignore[no-untyped-def]
    longer = np.empty(2 * len(values) + more, values.dtype)
    longer[: len(values)] = values
    return longer


__all__ = ["bounding_box", "cover", "overlaps"]
