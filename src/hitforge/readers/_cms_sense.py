"""Whether the columns of a CMS file say the same: layers and z, places and angles, units, times."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError

ANGLE = 0.03
"""The eta and phi of a hit in the file may differ this much from those of its place; 0.012 is seen, for rounding."""
EARLY = 1.0
"""A hit is not measured so much earlier than light would make it, but for a few of other crossings [ns]."""
_UNTIMED = -1.0 + 1e-3  # the time of a hit without one is -1 [ns]
_FEW = 4  # fewer hits than this do not tell a convention
_UNITS = {"mm": 0.1, "m": 100.0}  # in cm, the unit of the files


def has_time(time: Array, offset: float) -> Array:
    """Return which hits have a time: -1 means none, and so does 0 where light has another, (rows,) bool."""
    timed: Array = (time > _UNTIMED) & ((time != 0) | (offset <= EARLY))
    return timed


def nearest_plane(z: Array, planes: Array, tolerance: float) -> Array:
    """Return the layer whose plane is next to each z, -1 where none is near, (rows,) int64.

    Args:
        z: (rows,) [mm].
        planes: abs(z) of each layer's plane, (L,), rising [mm].
        tolerance: Farthest that z may lie from a plane [mm].
    """
    depth = np.abs(z)
    above = np.clip(np.searchsorted(planes, depth), 1, len(planes) - 1)
    nearest = np.where(depth - planes[above - 1] < planes[above] - depth, above - 1, above)
    return np.where(np.abs(depth - planes[nearest]) <= tolerance, nearest, -1)


def contrary_angles(column: Mapping[str, Array]) -> Array:
    """Return which hits have an ``eta`` or ``phi`` that is not that of x, y and z, (rows,) bool."""
    x, y, z = (column[name] for name in "xyz")
    wrong = np.zeros(len(x), np.bool_)
    if "eta" in column:
        wrong |= ~(np.abs(kinematics.eta(x, y, z) - column["eta"]) <= ANGLE)
    if "phi" in column:
        with np.errstate(invalid="ignore"):
            wrong |= ~(np.abs(kinematics.wrap_phi(kinematics.phi(x, y) - column["phi"])) <= ANGLE)
    return wrong


def refuse_nonsense(
    column: Mapping[str, Array], number: Array | None, first_layer: int, planes: Array, tolerance: float, where: object
) -> None:
    """Refuse a file by its first events where most hits show that a convention is another.

    Args:
        column: ``x``, ``y``, ``z`` [mm], and ``eta``, ``phi`` where the file has them; (rows,) each.
        number: Layer in the file, (rows,) int64; None where it has none.
        first_layer: Number of the first layer in the file, as it is set.
        planes: abs(z) of each layer's plane, (L,) [mm].
        tolerance: Farthest that z may lie from a plane [mm].
        where: The file.

    Raises:
        DataError: Lengths are in another unit, layers are counted from another number, or angles are not those of the
            places.
    """
    depth, rows = np.abs(column["z"]), len(column["z"])
    if rows < _FEW:
        return
    half = rows / 2
    span = planes[0] - tolerance, planes[-1] + tolerance
    if ((depth >= span[0]) & (depth <= span[1])).sum() < half:
        for unit, factor in _UNITS.items():
            fit = int(((depth * factor >= span[0]) & (depth * factor <= span[1])).sum())
            if fit > half and fit >= _FEW:
                came = f"abs(z) from {depth.min() / 10:.6g} to {depth.max() / 10:.6g}, where planes stand at"
                raise DataError(
                    "x, y and z must be in cm",
                    came=f"{came} {planes[0] / 10:.6g} to {planes[-1] / 10:.6g} cm: {fit} of {rows} hits fit in {unit}",
                    where=where,
                    do="convert the columns to cm",
                )
    if number is not None:
        found = nearest_plane(column["z"], planes, tolerance)
        shift, hits = np.unique((found - (number - first_layer))[found >= 0], return_counts=True)
        most = int(hits.argmax()) if len(hits) else 0
        if len(hits) and shift[most] and hits[most] > half and hits[most] >= _FEW:
            right = first_layer - int(shift[most])
            raise DataError(
                f"the layers of the file must be counted from {first_layer}, as 'first_layer' says",
                came=f"{hits[most]} of {rows} hits whose z is that of the plane {shift[most]:+d} layers from their own",
                where=where,
                do=f"set first_layer={right}: layers seem to be counted from {right}" if right >= 0 else None,
            )
    wrong = int(contrary_angles(column).sum())
    if wrong > half and wrong >= _FEW:
        came = f"another eta or phi than their place has in {wrong} of {rows} hits"
        raise DataError("the columns of a hit must belong together", came=came, where=where)


def refuse_early(time: Array, offset: float, where: object) -> None:
    """Refuse a file by its first events where most hits were earlier than light.

    Args:
        time: Of the hits that have one, as the file says, (rows,) [ns].
        offset: Time in the file of light from the origin, as it is set [ns].
        where: The file.

    Raises:
        DataError: Times are in another unit, or have another offset.
    """
    early = int((time < offset - EARLY).sum())
    if early > len(time) / 2 and early >= _FEW:
        came = f"{early} of {len(time)} times more than {EARLY:g} ns before, half of them below {np.median(time):.4g}"
        raise DataError(
            f"times must be in ns, with {offset:g} for light from the origin",
            came=came,
            where=where,
            do="convert the times, or set 'time_offset'",
        )
