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
_ROUND = {0: "cone", 1: "cylinder", 3: "disc", 5: "line", 9: "trapezoid of a disc", 11: "annulus"}
_SENSITIVE = 0xF_FFFF << 8
_PARTS = {"volume_id": (56, 0xFF), "layer_id": (36, 0xFFF), "module_id": (8, 0xF_FFFF)}  # shift and mask in an id
_SKEW = 1e-3  # of axes that a file gives with six digits


def read_surfaces(path: Path) -> Modules:
    """Return the sensitive surfaces of a table of ACTS, in order of their geometry ids.

    An id is a number without a sign. Layers are counted from 0 in the order of volume and layer number. Outlines other
    than rectangles and trapezoids have half sizes of 0, channels of unknown size a pitch of 0.

    Raises:
        DataError: The file is damaged, has other columns, an id twice, parts that are not those of the id, axes that
            are no rotation, no sensitive surface, or one whose local coordinates are not two lengths.
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
    finite(column, ["cx", "cy", "cz", *_AXES, "module_t", "pitch_u", "pitch_v"], path)
    _refuse_round(column, path)
    axes = np.stack([column[name] for name in _AXES], axis=1).reshape(-1, 3, 3)
    skew = np.flatnonzero(np.abs(axes @ axes.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2)) > _SKEW)
    if len(skew):
        came = f"others for {_unsigned(column['geometry_id'][skew[0]])} and {len(skew) - 1} more surfaces"
        raise DataError("the axes of a surface must be a rotation", came=came, where=path)
    number, bound = column["geometry_id"], np.abs(np.stack([column[name] for name in _BOUNDS], axis=1))  # (M, 4)
    kind = column["bounds_type"][:, None]
    across, along = np.maximum(bound[:, 0], bound[:, 2]), np.maximum(bound[:, 1], bound[:, 3])
    rectangle = np.stack([across, across, along], axis=1)  # the farther edge, where the centre is not in the middle
    sizes = np.where(kind == _TRAPEZOID, bound[:, :3], np.where(kind == _RECTANGLE, rectangle, 0.0))
    lost = np.flatnonzero(~np.isfinite(sizes).all(axis=1))
    if len(lost):
        came = f"none for {_unsigned(number[lost[0]])} and {len(lost) - 1} more surfaces"
        raise DataError("rectangles and trapezoids must have their sizes", came=came, where=path)
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


def _refuse_round(column: dict[str, Array], path: Path) -> None:
    """Refuse surfaces that are measured in other coordinates than u and v, such as radius and angle on a disc."""
    row = np.flatnonzero(np.isin(column["bounds_type"], list(_ROUND)))
    if len(row):
        kind = _ROUND[int(column["bounds_type"][row[0]])]
        raise DataError(
            "each sensitive surface must be a plane that is measured in two lengths",
            came=f"'{kind}' for {_unsigned(column['geometry_id'][row[0]])}, and {len(row) - 1} more such surfaces",
            where=path,
            do="take these surfaces out of the table, to read the hits of the others",
        )


def _unsigned(number: int) -> int:
    return int(number) % 2**64
