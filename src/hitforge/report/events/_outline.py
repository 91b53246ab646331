"""Faint lines that say where a detector is: rims of layers, of disks and of a surface of cells."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kinematics import pt
from hitforge.detectors import Detector, GridDetector, LayeredDetector, TrackerDetector

_TURN = np.linspace(0.0, 2.0 * np.pi, 65)  # a corner in each direction, also at 45 degrees
_STEPS = 400  # along a radius
_FAR = 50_000.0  # [mm] no detector reaches farther
_SPOKES = slice(0, 64, 8)


def outline_of(detector: Detector | None) -> list[Array]:
    """Return lines, (P, 3) [mm] each; none for no detector and for one that is nothing but points."""
    if isinstance(detector, TrackerDetector):
        return _tracker(detector)
    if isinstance(detector, LayeredDetector):
        return _stack(detector)
    return _surface(detector) if isinstance(detector, GridDetector) else []


def reach_of(outline: list[Array], position: Array) -> Array:
    """Return the least and largest x, y, z of lines and hits, (3, 2) [mm]."""
    every = np.concatenate([*outline, position])
    return np.stack([every.min(axis=0), every.max(axis=0)], axis=1)


def layer_lines(detector: Detector | None, box: Array) -> list[Array]:
    """Return where layers across z cut the floor of a box, least and largest x, y, z, (3, 2) [mm]."""
    if not isinstance(detector, LayeredDetector):
        return []
    planes = np.concatenate([side * detector.layers.z for side in detector.sides])
    inside = planes[(planes > box[2, 0]) & (planes < box[2, 1])]
    return [np.array([[x, box[1, 0], z] for x in box[0]]) for z in inside]


def _ring(radius: Array, z: float) -> Array:
    """A closed line around the beam, (65, 3); ``radius`` is one number, or one for each direction."""
    return np.stack([radius * np.cos(_TURN), radius * np.sin(_TURN), np.full(len(_TURN), z)], axis=1)


def _stack(detector: LayeredDetector) -> list[Array]:
    """Rims of the first layer, of those where a section ends or begins, and of the last; and lines along them."""
    layers = detector.layers
    change = np.flatnonzero(np.diff(layers.section))
    chosen = np.unique(np.concatenate([[0], change, change + 1, [len(layers) - 1]]))
    result = []
    for side in detector.sides:
        rims = [_rims(detector, layer, side) for layer in chosen.tolist()]
        for place in (0, 1):  # inner, outer
            rings = [_ring(rim[place], side * layers.z[layer]) for rim, layer in zip(rims, chosen, strict=True)]
            rings = [ring for ring, rim in zip(rings, rims, strict=True) if rim[place].max() > 0]
            result += rings
            result += list(np.stack(rings)[:, _SPOKES].transpose(1, 0, 2)) if len(rings) > 1 else []
    return result


def _rims(detector: LayeredDetector, layer: int, side: int) -> Array:
    """Least and largest radius at which a layer has cells, by direction, (2, 65) [mm]; 0 where cells reach the axis."""
    radius = np.geomspace(1.0, _FAR, _STEPS)
    end = radius[_there(detector, layer, side, radius).any(axis=0)].max(initial=1.0)
    radius = np.linspace(0.0, 1.05 * end, _STEPS)  # now with steps that fit
    there = _there(detector, layer, side, radius)  # (65, S)
    some = there.any(axis=1)
    outer = np.where(some, radius[_STEPS - 1 - there[:, ::-1].argmax(axis=1)], 0.0)
    inner = np.where(some, radius[there.argmax(axis=1)], 0.0)
    return np.stack([inner if inner.min() > 3 * radius[1] else 0 * inner, outer])


def _there(detector: LayeredDetector, layer: int, side: int, radius: Array) -> Array:
    x, y = (np.outer(turn(_TURN), radius) for turn in (np.cos, np.sin))
    flat = x.ravel()
    cell = detector.cell_in(np.full(len(flat), layer), flat, y.ravel(), np.full(len(flat), side))
    there: Array = (np.asarray(cell) >= 0).reshape(x.shape)
    return there


def _tracker(detector: TrackerDetector) -> list[Array]:
    """Both ends of each layer around the beam, with lines along each volume, and both rims of each disk across it."""
    modules = detector.modules
    width = 0.5 * (modules.half_u_low + modules.half_u_high)
    u, v = modules.axes[:, 0] * width[:, None], modules.axes[:, 1] * modules.half_v[:, None]
    corners = np.stack([modules.centre + a * u + b * v for a in (-1, 1) for b in (-1, 1)], axis=1)  # (M, 4, 3)
    barrel = np.abs(modules.axes[:, 2, 2]) < 0.5
    away = pt(modules.centre[:, 0], modules.centre[:, 1])
    result = []
    for layer in np.unique(modules.layer):
        mine = modules.layer == layer
        outermost = away[mine].max() == away[modules.volume == modules.volume[mine][0]].max()
        place = corners[mine].reshape(-1, 3)
        radius, z = pt(place[:, 0], place[:, 1]), place[:, 2]
        if barrel[mine].all():
            middle = np.full(len(_TURN), away[mine].mean())
            ends = [_ring(middle, float(end)) for end in (z.min(), z.max())]
            result += [*ends, *(np.stack(ends)[:, _SPOKES].transpose(1, 0, 2) if outermost else ())]
        else:
            result += [_ring(np.full(len(_TURN), rim), float(z.mean())) for rim in (radius.min(), radius.max())]
    return result


def _surface(detector: GridDetector) -> list[Array]:
    """The first, the middle and the last row; twelve columns, or both outer ones of a surface that does not close."""
    rows, columns = detector.grid_shape
    along, across = np.arange(rows), np.arange(columns + (1 if detector.periodic_columns else 0))
    shown = np.unique(np.linspace(0, columns, 13)[:-1].astype(int)) if detector.periodic_columns else (0, columns - 1)
    cells = [detector.cell_of(np.full(len(across), row), across) for row in {0, (rows - 1) // 2, rows - 1}]
    cells += [detector.cell_of(along, np.full(rows, column)) for column in shown]
    return [detector.position(cell) for cell in cells]
