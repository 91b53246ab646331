"""Sensors of a detector from the table of its surfaces that ACTS writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.acts import geometry
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.detectors import Modules
from hitforge.readers._keys import finite, unique_ids
from hitforge.readers._tables import read_table

_AXES = [f"rot_{axis}{side}" for side in "uvw" for axis in "xyz"]
_BOUNDS = [f"bound_param{number}" for number in range(4)]
_RECTANGLE, _TRAPEZOID = 6, 7  # of Acts::SurfaceBounds: (-u, -v, u, v), and (u at low v, u at high v, v)
_SENSITIVE = 0xF_FFFF << 8
_PARTS = {"volume_id": (56, 0xFF), "layer_id": (36, 0xFFF), "module_id": (8, 0xF_FFFF)}  # shift and mask in an id
_SKEW = 1e-3  # of axes that a file gives with six digits


def read_surfaces(path: Path) -> Modules:
    """Return the sensitive surfaces of a table of ACTS, in order of their geometry ids.

    An id is a number without a sign. Layers are counted from 0 in the order of volume and layer number. Outlines other
    than rectangles and trapezoids have half sizes of 0, channels of unknown size a pitch of 0.

    Raises:
        DataError: The file is damaged, has other columns, an id twice, parts that are not those of the id, axes that
            are no rotation, or no sensitive surface.
    """
    need = {"geometry_id": "id", "bounds_type": "int"}
    need |= dict.fromkeys(["cx", "cy", "cz", *_AXES, *_BOUNDS, "module_t", "pitch_u", "pitch_v"], "float")
    table = read_table(path, need, dict.fromkeys(_PARTS, "int"))
    number = table["geometry_id"]
    unique_ids(number, "geometry_id", path)
    _refuse_contradictions(table, path)
    order = geometry.unsigned_order(number)
    order = order[(number[order] & _SENSITIVE) > 0]
    if not len(order):
        raise DataError("the file must have sensitive surfaces", came=f"none of {len(number)}", where=path)
    column = {name: values[order] for name, values in table.items()}
    finite(column, ["cx", "cy", "cz", *_AXES], path)
    axes = np.stack([column[name] for name in _AXES], axis=1).reshape(-1, 3, 3)
    skew = np.flatnonzero(np.abs(axes @ axes.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2)) > _SKEW)
    if len(skew):
        came = f"others for {_unsigned(column['geometry_id'][skew[0]])} and {len(skew) - 1} more surfaces"
        raise DataError("the axes of a surface must be a rotation", came=came, where=path)
    number, bound = column["geometry_id"], np.abs(np.stack([column[name] for name in _BOUNDS], axis=1))  # (M, 4)
    kind = column["bounds_type"][:, None]
    sizes = np.where(kind == _TRAPEZOID, bound[:, :3], np.where(kind == _RECTANGLE, bound[:, [2, 2, 3]], 0.0))
    return Modules(
        number=number,
        centre=np.stack([column[name] for name in ("cx", "cy", "cz")], axis=1),
        axes=axes,
        half_u_low=sizes[:, 0],
        half_u_high=sizes[:, 1],
        half_v=sizes[:, 2],
        pitch_u=np.maximum(column["pitch_u"], 0.0),
        pitch_v=np.maximum(column["pitch_v"], 0.0),
        layer=geometry.count_layers(number),
        volume=geometry.volume_of(number),
        thickness=np.maximum(column["module_t"], 0.0),
    )


def _refuse_contradictions(table: dict[str, Array], path: Path) -> None:
    """Refuse columns of volume, layer and module that are not what the id says."""
    for name, (shift, mask) in _PARTS.items():
        if name in table:
            said = table["geometry_id"] >> shift & mask
            wrong = np.flatnonzero(said != table[name])
            if len(wrong):
                row = wrong[0]
                came = f"{table[name][row]} for {_unsigned(table['geometry_id'][row])}, which holds {said[row]}"
                raise DataError(f"'{name}' must be that of 'geometry_id'", came=came, where=path)


def _unsigned(number: int) -> int:
    return int(number) % 2**64
