"""Arrays that grow inside compiled kernels."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit


@njit(cache=True)  # type: ignore[untyped-decorator]
def longer(values: Array, room: int) -> Array:
    """Return a copy with room for more, (room,) of the same type; what lies behind the values is not set."""
    larger = np.empty(room, values.dtype)
    larger[: len(values)] = values
    return larger
