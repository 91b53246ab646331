"""There is one alias of an array, and all of the package takes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_origin

import numpy as np

import hitforge
from hitforge.core.arrays import Array


def test_it_is_any_array_of_numpy() -> None:
    assert get_origin(Array) is np.ndarray


def test_nobody_else_defines_one() -> None:
    root = Path(hitforge.__file__).parent
    others = {path for path in root.rglob("*.py") if re.search(r"\bNDArray\b", path.read_text(encoding="utf-8"))}
    assert others == {root / "core" / "arrays.py"}
