from __future__ import annotations

import math

import pytest
from scipy import constants

from hitforge.core import units


def test_constants_are_those_of_nature() -> None:
    assert pytest.approx(constants.c * 1e3 / 1e9, rel=1e-12) == units.C_LIGHT  # m/s -> mm/ns


def test_curvature_gives_the_textbook_radius() -> None:
    """P [GeV] = 0.3 B [T] R [m]."""
    assert pytest.approx(1 / (0.299792458 * 3.8)) == 1.0 / (units.CURVATURE * 3.8) / 1000
    assert math.isclose(units.CURVATURE, units.C_LIGHT * 1e-6)
