"""Hexagonal cells in hexagonal wafers, and rings of scintillator tiles: places and numbers by arithmetic.

Wafers stand on a hexagonal lattice with a wafer's centre on the axis; steps of wafer u and v are (-P, 0) and
(P / 2, sqrt(3) P / 2). Inside a wafer with N cells along an edge, 3 N^2 cells of pitch a stand on a lattice turned by
30 degrees, with steps (0, a) and (sqrt(3) a / 2, -a / 2) for cell u and v; the wafer's centre is the corner where three
cells meet, at u = N - 1/3, v = N - 2/3, and the cells are those with 0 <= u, v < 2 N and -N < u - v <= N. That is read
off real hits of the CMS detector, whose own four indices a straight line fit reproduces within 0.5 um. Cells fill a
sensor exactly, as a N sqrt(3) is its width: those along three of its edges lose the tips that stick out (5/6 of the
area), those along the others get the triangles between (7/6). The mirror x -> -x leads to z < 0.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit

HEIGHT = math.sqrt(3) / 2
SENSOR = 8.056 * 12 * math.sqrt(3)  # width of a wafer's sensor between opposite edges [mm]
GAP = 1.0  # between the sensors of neighbouring wafers [mm]
WAFER = SENSOR + GAP  # pitch of the wafers, 168.44 [mm]
FINE, COARSE, TILE = 0, 1, 2  # kinds of a cell: 432 to a wafer, 192 to a wafer, scintillator
CELLS = np.array([12, 8])  # along an edge of a wafer, by kind
PITCH = SENSOR / (CELLS * math.sqrt(3))  # 8.056 and 12.084 [mm]
RATIO = 1.023  # between the radii of one ring of tiles and the next
RINGS_BEGIN = 1521.0 / RATIO**17  # radius where ring 0 begins [mm]
SECTORS = 288  # tiles in a ring, 1.25 degrees each
NEIGHBOURS = 9  # the most that a cell has: a coarse one in the corner of its wafer, with fine ones around
_LOG_RATIO = math.log(RATIO)
_STEP_U, _STEP_V = np.array([1, 1, 0, -1, -1, 0]), np.array([0, 1, 1, 0, -1, -1])


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _nearest(u: float, v: float) -> tuple[int, int]:
    """Node of a lattice nearest to a point, for steps of equal length with 120 degrees between them."""
    p, q, w = math.floor(u + 0.5), math.floor(v + 0.5), math.floor(v - u + 0.5)
    du, dv, dw = abs(p - u), abs(q - v), abs(w - v + u)
    if du > dv and du > dw:
        p = q - w
    elif dv > dw:
        q = p + w
    return p, q


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _in_sensor(n: int, u: int, v: int) -> bool:
    """True for the cells of a wafer that has n along an edge."""
    return 0 <= u < 2 * n and 0 <= v < 2 * n and u - v <= n and v - u < n


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _rank(u: int, v: int) -> int:
    """Order of wafers by distance from the axis; of the two kinds of twelve at one distance, one comes first."""
    turned = u * v * (u - v) * (u + v) * (2 * u - v) * (u - 2 * v)  # changes sign at each mirror line
    return 2 * (u * u + v * v - u * v) + (1 if turned < 0 else 0)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _cell_centre(kind: int, u: int, v: int) -> tuple[float, float]:
    """Centre of a cell, counted from its wafer's [mm]."""
    a = PITCH[kind]
    i, j = u - CELLS[kind] + 1 / 3, v - CELLS[kind] + 2 / 3
    return HEIGHT * a * j, a * (i - 0.5 * j)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _cell_near(kind: int, x: float, y: float) -> tuple[int, int]:
    """Cell of a wafer whose centre is nearest to a point, counted from the wafer's centre."""
    a, n = PITCH[kind], CELLS[kind]
    j = x / (HEIGHT * a)
    u, v = _nearest(y / a + 0.5 * j + n - 1 / 3, j + n - 2 / 3)
    if _in_sensor(n, u, v):
        return u, v
    best, at = 1e30, (-1, -1)
    for k in range(6):  # the tip of a cell that is not there
        p, q = u + _STEP_U[k], v + _STEP_V[k]
        if _in_sensor(n, p, q):
            dx, dy = _cell_centre(kind, p, q)
            distance = (x - dx) ** 2 + (y - dy) ** 2
            if distance < best:
                best, at = distance, (p, q)
    return at


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _find(layer: int, x: float, y: float, side: float, tables: Any, width: float) -> int:
    """Cell below a point, -1 where there is none; see ``cell_in``."""
    fine, inner, outer, first, last = tables
    square = x * x + y * y
    if not (0 <= layer < len(fine) and side != 0 and square < 1e8):  # also refuses NaN
        return -1
    sign, code = (1.0, layer) if side > 0 else (-1.0, layer + 64)
    limit = outer[layer]
    if square < (limit + 10.0) ** 2:  # no cell reaches farther from its centre
        j = y / (HEIGHT * WAFER)
        wafer_u, wafer_v = _nearest(0.5 * j - sign * x / WAFER, j)
        centre_x, centre_y = WAFER * (0.5 * wafer_v - wafer_u), HEIGHT * WAFER * wafer_v
        dx, dy = sign * x - centre_x, y - centre_y
        if max(abs(dx), abs(0.5 * dx) + abs(HEIGHT * dy)) <= 0.5 * width:
            kind = FINE if _rank(wafer_u, wafer_v) <= fine[layer] else COARSE
            u, v = _cell_near(kind, dx, dy)
            if u < 0:
                return -1
            px, py = _cell_centre(kind, u, v)
            radius = math.sqrt((centre_x + px) ** 2 + (centre_y + py) ** 2)
            if inner[layer] <= radius <= limit:
                cell: int = ((((code * 4 + kind) * 32 + wafer_u + 16) * 32 + wafer_v + 16) * 32 + u) * 32 + v
                return cell
            if radius < limit:
                return -1
        elif square < limit * limit:
            return -1
    if first[layer] > last[layer]:
        return -1
    ring: int = max(math.floor(math.log(math.sqrt(square) / RINGS_BEGIN) / _LOG_RATIO), first[layer])
    if ring > last[layer]:
        return -1
    sector = math.floor(math.atan2(y, sign * x) * (SECTORS / (2 * math.pi))) % SECTORS
    return ((code * 4 + TILE) * 1024 + ring) * 1024 + sector


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _centre(cell: int) -> tuple[float, float]:
    """Centre of a cell [mm]."""
    sign = -1.0 if cell >> 28 else 1.0
    if (cell >> 20) & 3 >= TILE:
        radius = RINGS_BEGIN * RATIO ** ((cell >> 10) & 1023) * 0.5 * (1 + RATIO)
        angle = ((cell & 1023) + 0.5) * (2 * math.pi / SECTORS)
        return sign * radius * math.cos(angle), radius * math.sin(angle)
    wafer_u, wafer_v = ((cell >> 15) & 31) - 16, ((cell >> 10) & 31) - 16
    x, y = _cell_centre((cell >> 20) & 3, (cell >> 5) & 31, cell & 31)
    return sign * (WAFER * (0.5 * wafer_v - wafer_u) + x), HEIGHT * WAFER * wafer_v + y


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def cell_in(layer: Array, x: Array, y: Array, side: Array, tables: Any, width: float) -> Array:
    """Return the cell below each point, four (N,) arrays -> (N,) int64, -1 where there is none.

    Args:
        layer: From 0, (N,) int64.
        x: [mm].
        y: [mm].
        side: Above 0 for z > 0, below 0 for z < 0; 0 has no cells.
        tables: Of each layer, five (L,) arrays: the last rank of fine wafers; the least and the largest distance of a
            silicon cell's centre from the axis [mm]; the first and the last ring of tiles (none if the first is more).
        width: Of a sensor between opposite edges; what is left to a wafer's pitch is dead [mm].
    """
    out = np.empty(len(x), np.int64)
    for i in range(len(x)):
        out[i] = _find(layer[i], x[i], y[i], side[i], tables, width)
    return out


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def centres(cell: Array) -> Array:
    """Return the centres of cells, (N,) int64 -> (N, 2) [mm]."""
    out = np.empty((len(cell), 2))
    for i in range(len(cell)):
        out[i, 0], out[i, 1] = _centre(cell[i])
    return out


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def are_cells(cell: Array, tables: Any, width: float) -> Array:
    """Return which numbers are cells, (N,) int64 -> (N,) bool: those that stand at their own place."""
    out = np.zeros(len(cell), np.bool_)
    for i in range(len(cell)):
        if 0 <= cell[i] < 1 << 29:
            x, y = _centre(cell[i])
            side = -1.0 if cell[i] >> 28 else 1.0
            out[i] = _find((cell[i] >> 22) & 63, x, y, side, tables, width) == cell[i]
    return out


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _add(found: Array, number: int, cell: int) -> int:
    """Put a cell into a list unless it is none, or there already; return the new length."""
    if cell < 0 or number >= len(found):
        return number
    for k in range(number):
        if found[k] == cell:
            return number
    found[number] = cell
    return number + 1


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _add_silicon(
    found: Array, number: int, layer: int, x: float, y: float, side: float, tables: Any, width: float
) -> int:
    """Put the cell below a point into a list if it is of silicon; return the new length."""
    cell = _find(layer, x, y, side, tables, width)
    return _add(found, number, cell) if (cell >> 20) & 3 != TILE else number


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def neighbours(cell: Array, tables: Any, width: float, probes: Array) -> Array:
    """Return the cells that touch each cell, (N,) -> (N, 9), -1 where there is none.

    Args:
        cell: Cells of the detector, or -1, (N,) int64.
        tables: As for ``cell_in``.
        width: As for ``cell_in``.
        probes: Points just across the wafer's edge, from ``outlines``.
    """
    out = np.full((len(cell), NEIGHBOURS), -1, np.int64)
    for i in range(len(cell)):
        if cell[i] < 0:
            continue
        number, kind = 0, (cell[i] >> 20) & 3
        layer, side = (cell[i] >> 22) & 63, -1.0 if cell[i] >> 28 else 1.0
        if kind == TILE:
            ring, sector, rest = (cell[i] >> 10) & 1023, cell[i] & 1023, cell[i] >> 20
            for step in (-1, 1):
                number = _add(out[i], number, (rest * 1024 + ring) * 1024 + (sector + step) % SECTORS)
                if tables[3][layer] <= ring + step <= tables[4][layer]:
                    number = _add(out[i], number, (rest * 1024 + ring + step) * 1024 + sector)
            continue
        u, v = (cell[i] >> 5) & 31, cell[i] & 31
        centre_x, centre_y = _centre(cell[i] - 32 * u - v)  # of the wafer's cell 0, 0
        x, y = _cell_centre(kind, 0, 0)
        centre_x, centre_y = centre_x - side * x, centre_y - y
        for k in range(6):
            p, q = u + _STEP_U[k], v + _STEP_V[k]
            if _in_sensor(CELLS[kind], p, q):
                x, y = _cell_centre(kind, p, q)
                number = _add_silicon(out[i], number, layer, centre_x + side * x, centre_y + y, side, tables, width)
        for k in range(probes.shape[3]):
            x, y = probes[kind, u, v, k, 0], probes[kind, u, v, k, 1]
            if x != x:  # NaN: the last one was before
                break
            number = _add_silicon(out[i], number, layer, centre_x + side * x, centre_y + y, side, tables, width)
    return out


@functools.lru_cache(maxsize=2)
def outlines(width: float) -> tuple[Array, Array]:
    """Return the shapes of the cells of a wafer, once for each kind of wafer.

    Args:
        width: Of a sensor between opposite edges [mm].

    Returns:
        Corners counter-clockwise from the wafer's centre, (2, 24, 24, 6, 2) [mm], of five the last one twice; and
        points just across the edge of the wafer, three for each edge of a cell that lies there, (2, 24, 24, 6, 2), the
        rest NaN. Three are enough to meet every cell that touches: a longer one covers an end, a shorter one, which is
        2/3 of this, covers an end or the middle.
    """
    corners, probes = np.full((2, 24, 24, 6, 2), np.nan), np.full((2, 24, 24, 6, 2), np.nan)
    angle = np.arange(6) * (math.pi / 3)
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=-1)  # (6, 2)
    turned = np.stack([np.cos(angle + math.pi / 6), np.sin(angle + math.pi / 6)], axis=-1)
    hexagon = list(turned * (width / 2 / HEIGHT))
    for kind in (FINE, COARSE):
        n = int(CELLS[kind])
        nodes = [(u, v) for u in range(2 * n) for v in range(2 * n) if _in_sensor(n, u, v)]
        place = np.array([_cell_centre(kind, u, v) for u, v in nodes])
        steps = np.array([_cell_centre(kind, u, v) for u, v in zip(_STEP_U, _STEP_V, strict=True)])  # (6, 2)
        steps = steps - _cell_centre(kind, 0, 0)
        for (u, v), centre in zip(nodes, place, strict=True):
            inner = all(_in_sensor(n, u + p, v + q) for p, q in zip(_STEP_U, _STEP_V, strict=True))
            polygon = hexagon
            if inner:
                others = centre + steps
            else:
                others = place[np.linalg.norm(place - centre, axis=1) < 2.5 * PITCH[kind]]
                others = others[(others != centre).any(axis=1)]
            for other in others:
                polygon = _clip(polygon, other - centre, float(other @ other - centre @ centre) / 2)
            corners[kind, u, v] = (polygon + polygon[-1:])[:6]
            across = _across(polygon, normals, width)
            probes[kind, u, v, : len(across)] = np.reshape(across, (-1, 2))
    return corners, probes


def _clip(polygon: list[Array], normal: Array, level: float) -> list[Array]:
    """The part of a convex polygon where normal . p <= level."""
    kept = []
    for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        above, below = float(start @ normal) - level, float(end @ normal) - level
        if above <= 1e-9:
            kept.append(start)
        if (above > 1e-9 and below < -1e-9) or (above < -1e-9 and below > 1e-9):
            kept.append(start + (end - start) * (above / (above - below)))
    return kept


def _across(polygon: list[Array], normals: Array, width: float) -> list[Array]:
    """Points 0.05 mm inside the next wafer, opposite to the ends and the middle of each edge on the border."""
    points = []
    for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        for normal in normals:
            if min(start @ normal, end @ normal) > width / 2 - 1e-6:
                out, along = normal * (WAFER - width + 0.05), (end - start) / np.linalg.norm(end - start) * 0.05
                points += [start + along + out, (start + end) / 2 + out, end - along + out]
    return points
