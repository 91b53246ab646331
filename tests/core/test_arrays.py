"""There is one alias of an array, and all of the package takes it."""

from __future__ import annotations

import re
from typing import get_origin

import numpy as np
from tests.laws._source import ROOT

from hitforge.core.arrays import Array


def test_it_is_any_array_of_numpy() -> None:
    assert get_origin(Array) is np.ndarray


def test_nobody_else_defines_one() -> None:
    others = {path for path in ROOT.rglob("*.py") if re.search(r"\bNDArray\b", path.read_text(encoding="utf-8"))}
    assert others == {ROOT / "core" / "arrays.py"}
