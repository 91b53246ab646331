"""The field of a coil beside its axis, beside a row of loops, and without sources."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ellipe, ellipk

from hitforge.acts.field import coil_field


def loops(r: float, z: float, radius: float, length: float, number: int = 4000) -> np.ndarray:
    """Sum of current loops (Simpson et al., NASA/TM-2013-217919), over the field in the centre."""
    turns = (np.arange(number) + 0.5) / number * length - length / 2
    away = z - turns
    near, far = (radius - r) ** 2 + away**2, (radius + r) ** 2 + away**2
    e, k = ellipe(1 - near / far), ellipk(1 - near / far)
    bz = ((radius**2 - r**2 - away**2) / near * e + k) / np.sqrt(far)
    br = away / r * ((radius**2 + r**2 + away**2) / near * e - k) / np.sqrt(far)
    centre = (np.pi * radius**2 / (radius**2 + turns**2) ** 1.5).sum()
    return np.array([br.sum(), bz.sum()]) / centre


@given(st.floats(1, 1100), st.floats(-4000, 4000), st.floats(1200, 2000), st.floats(1000, 8000))
def test_it_is_that_of_a_row_of_loops(r: float, z: float, radius: float, length: float) -> None:
    found = np.array(coil_field(np.array(r), np.array(z), radius, length))
    assert found == pytest.approx(loops(r, z, radius, length), abs=2e-4)


def test_on_the_axis() -> None:
    z = np.array([0.0, 700.0, 2000.0, 3000.0])
    radial, axial = coil_field(np.zeros(4), z, 1250.0, 4000.0)
    ends = [(2000 + s * z) / np.hypot(2000 + s * z, 1250) for s in (1, -1)]
    assert radial == pytest.approx(np.zeros(4), abs=1e-12)
    assert axial == pytest.approx((ends[0] + ends[1]) / (2 * 2000 / np.hypot(2000, 1250)))


def test_it_has_no_sources() -> None:
    step = 0.5
    r, z = np.meshgrid(np.arange(100, 1000, 90.0), np.arange(-3000, 3001, 270.0))

    def flux(dr: float, dz: float) -> tuple[np.ndarray, np.ndarray]:
        return coil_field(r + dr, z + dz, 1300.0, 5250.0)

    outwards = ((r + step) * flux(step, 0)[0] - (r - step) * flux(-step, 0)[0]) / (2 * step * r)
    along = (flux(0, step)[1] - flux(0, -step)[1]) / (2 * step)
    assert outwards + along == pytest.approx(np.zeros(r.shape), abs=1e-8)
