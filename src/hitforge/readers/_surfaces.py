"""Sensors of a detector from the table of its surfaces that ACTS writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.core.errors import DataError
from hitforge.detectors import Modules
from hitforge.readers._tables import finite, read_table, unique_ids

_AXES = [f"rot_{axis}{side}" for side in "uvw" for axis in "xyz"]
_BOUNDS = [f"bound_param{number}" for number in range(4)]
_RECTANGLE, _TRAPEZOID = 6, 7  # of Acts::SurfaceBounds: (-u, -v, u, v), and (u at low v, u at high v, v)
_SENSITIVE = 0xF_FFFF << 8


def read_surfaces(path: Path) -> Modules:
    """Return the sensitive surfaces of a table of ACTS, in order of their geometry ids.

    Layers are counted from 0 in the order of volume and layer number. Outlines other than rectangles and trapezoids
    have half sizes of 0, channels of unknown size a pitch of 0.

    Raises:
        DataError: The file is damaged, has other columns, an id twice, or no sensitive surface.
    """
    need = {"geometry_id": "id", "bounds_type": "int"}
    need |= dict.fromkeys(["cx", "cy", "cz", *_AXES, *_BOUNDS, "module_t", "pitch_u", "pitch_v"], "float")
    table = read_table(path, need)
    number = table["geometry_id"]
    order = unique_ids(number, "geometry_id", path)
    order = order[(number[order] & _SENSITIVE) > 0]
    if not len(order):
        raise DataError("the file must have sensitive surfaces", came=f"none of {len(number)}", where=path)
    column = {name: values[order] for name, values in table.items()}
    finite(column, ["cx", "cy", "cz", *_AXES], path)
    number, bound = column["geometry_id"], np.abs(np.stack([column[name] for name in _BOUNDS], axis=1))  # (M, 4)
    kind = column["bounds_type"][:, None]
    sizes = np.where(kind == _TRAPEZOID, bound[:, :3], np.where(kind == _RECTANGLE, bound[:, [2, 2, 3]], 0.0))
    return Modules(
        number=number,
        centre=np.stack([column[name] for name in ("cx", "cy", "cz")], axis=1),
        axes=np.stack([column[name] for name in _AXES], axis=1).reshape(-1, 3, 3),
        half_u_low=sizes[:, 0],
        half_u_high=sizes[:, 1],
        half_v=sizes[:, 2],
        pitch_u=np.maximum(column["pitch_u"], 0.0),
        pitch_v=np.maximum(column["pitch_v"], 0.0),
        layer=np.unique(number >> 36, return_inverse=True)[1].astype(np.int32),
        volume=(number >> 56).astype(np.int32),
        thickness=np.maximum(column["module_t"], 0.0),
    )
