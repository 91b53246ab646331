"""The generic detector of ACTS: its tracking geometry and field, and its sensors as arrays."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.acts.field import coil_field
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError, require

_SENSORS = 18_728
_GRID = 20.0  # mm: distance of the points of a field's map
_REACH, _FAR = 1400.0, 4000.0  # mm: the largest radius and abs(z) of the map


def build_generic(**options: Any) -> tuple[Any, Any]:
    """Build ACTS's generic detector without a word on the screen.

    Args:
        options: Further ones of ``acts.examples.GenericDetector``.

    Returns:
        The detector, which must stay alive, and its tracking geometry.

    Raises:
        MissingExtraError: pyacts is not installed.
    """
    quiet = require("acts").logging.WARNING
    levels = dict.fromkeys(("logLevel", "surfaceLogLevel", "layerLogLevel", "volumeLogLevel"), quiet)
    detector = require("acts.examples").GenericDetector(**options, **levels)
    return detector, detector.trackingGeometry()


@cache
def tracking_geometry() -> tuple[Any, Any]:
    """Return the generic detector with its own material, built once a process; see ``build_generic``."""
    return build_generic()


@cache
def magnetic_field(strength: float, coil: tuple[float, ...] | None = None) -> Any:
    """Return ACTS's field along z; that of a coil is computed once a process, on a grid of 20 mm.

    ACTS 48 has a coil of its own, whose radial field does not vanish on the axis.

    Args:
        strength: Everywhere, or in the centre of the coil [T].
        coil: Radius and length of a thin coil about the z axis, and where its middle lies along z, if not at 0 [mm].

    Raises:
        MissingExtraError: pyacts is not installed.
    """
    acts = require("acts")
    if coil is None:
        return acts.ConstantBField(acts.Vector3(0.0, 0.0, strength * acts.UnitConstants.T))
    reach = min(_REACH, _GRID * (coil[0] // _GRID - 1))  # at the turns themselves the field of a thin coil diverges
    r, z = np.meshgrid(np.arange(0, reach + 1, _GRID), np.arange(-_FAR, _FAR + 1, _GRID))  # r runs fastest
    br, bz = coil_field(r, z - sum(coil[2:]), *coil[:2])
    with tempfile.TemporaryDirectory(prefix="hitforge-") as name:
        path = Path(name) / "field.txt"
        np.savetxt(path, np.stack([r, z, strength * br, strength * bz], axis=-1).reshape(-1, 4), fmt="%.9g")
        return acts.MagneticFieldMapRz(str(path))


@cache
def sensors() -> dict[str, Array]:
    """Return the sensors, in order of their numbers, by the names of what a tracker's modules are.

    Returns:
        number (M,) int64, centre (M, 3) [mm], axes (M, 3, 3), half_u_low, half_u_high, half_v (M,) [mm], layer (M,)
        int32 from 0 through all volumes, volume (M,) int32, thickness (M,) [mm]; shared, so none can be written to.

    Raises:
        MissingExtraError: pyacts is not installed.
        RunError: This version of ACTS has another generic detector.
    """
    acts = require("acts")
    surfaces: list[Any] = []
    tracking_geometry()[1].visitSurfaces(surfaces.append)
    if len(surfaces) != _SENSORS:
        raise RunError(f"ACTS's generic detector must have {_SENSORS} sensors", came=len(surfaces))
    surfaces.sort(key=lambda surface: surface.geometryId.value)
    context = acts.GeometryContext.dangerouslyDefaultConstruct()
    number = np.array([surface.geometryId.value for surface in surfaces], np.uint64).view(np.int64)
    # Transforms do not give their rotation: three points of each plane do.
    points = [acts.Vector2(*point) for point in ((0, 0), (1, 0), (0, 1))]
    up = acts.Vector3(0, 0, 1)
    plane = np.array([[surface.localToGlobal(context, point, up) for point in points] for surface in surfaces])
    plane = plane.reshape(-1, 3, 3)  # (M, points, xyz)
    u, v = (plane[:, k] - plane[:, 0] for k in (1, 2))
    axes = np.stack([u, v, np.cross(u, v)], axis=1)
    axes /= np.linalg.norm(axes, axis=2, keepdims=True)
    # Half width at low and high v, half length: rectangles give (-x, -y, x, y), trapezoids (low, high, v, turn).
    sizes = np.array([_half_sizes(surface.bounds) for surface in surfaces])  # (M, 3)
    columns = {
        "number": number, "centre": plane[:, 0].copy(), "axes": axes, "half_u_low": sizes[:, 0].copy(),
        "half_u_high": sizes[:, 1].copy(), "half_v": sizes[:, 2].copy(),
        "layer": count_layers(number),
        "volume": volume_of(number),
        "thickness": np.array([surface.thickness for surface in surfaces]),
    }  # fmt: skip
    for column in columns.values():
        column.flags.writeable = False
    return columns


def volume_of(number: Array) -> Array:
    """Return the volumes of geometry ids, (N,) int64 -> (N,) int32: their highest eight bits, 0 to 255.

    An id is a number without a sign; those of volumes above 127 are negative where their bits stand as int64.
    """
    return (_bits(number) >> 56).astype(np.int32)


def count_layers(number: Array) -> Array:
    """Return the layer of each geometry id, from 0 by volume and layer, (N,) int64 -> (N,) int32."""
    place: Array = np.unique(_bits(number) >> 36, return_inverse=True)[1]
    return place.astype(np.int32)


def unsigned_order(number: Array) -> Array:
    """Return what sorts geometry ids as numbers without a sign, (N,) int64 -> (N,) int64."""
    order: Array = np.argsort(_bits(number), kind="stable")
    return order


def _bits(number: Array) -> Array:
    return np.asarray(number, np.int64).view(np.uint64)


def _half_sizes(bounds: Any) -> tuple[float, float, float]:
    """Half width at lowest and highest v, and half length in v [mm]."""
    values = bounds.values()
    if type(bounds).__name__ == "TrapezoidBounds":
        return values[0], values[1], values[2]
    return values[2], values[2], values[3]
