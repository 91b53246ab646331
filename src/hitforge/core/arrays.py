"""Types of arrays."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
"""A NumPy array; its shape, and the unit of what it holds, stand in the text beside it."""
