from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core import kinematics


@given(st.floats(0.01, 1e4), st.floats(-math.pi, math.pi), st.floats(-6, 6))
def test_a_direction_comes_back(size: float, azimuth: float, rapidity: float) -> None:
    x, y, z = (np.array([size * f]) for f in (math.cos(azimuth), math.sin(azimuth), math.sinh(rapidity)))
    np.testing.assert_allclose(kinematics.pt(x, y), size, rtol=1e-12)
    np.testing.assert_allclose(kinematics.phi(x, y), azimuth, atol=1e-12)
    np.testing.assert_allclose(kinematics.eta(x, y, z), rapidity, atol=1e-12)


def test_the_beam_line_has_a_finite_pseudorapidity() -> None:
    zero = np.zeros(3)
    rapidity = kinematics.eta(zero, zero, np.array([5.0, -5.0, 0.0]))
    assert rapidity[0] == -rapidity[1] > 20
    assert rapidity[2] == 0


@given(st.floats(-100, 100))
def test_a_wrapped_angle_lies_within_half_a_turn_and_points_the_same_way(angle: float) -> None:
    wrapped = float(kinematics.wrap_phi(np.array([angle]))[0])
    assert -math.pi <= wrapped <= math.pi
    assert math.isclose(math.cos(wrapped), math.cos(angle), abs_tol=1e-9)
    assert math.isclose(math.sin(wrapped), math.sin(angle), abs_tol=1e-9)


def test_the_step_over_the_seam_is_short() -> None:
    step = kinematics.wrap_phi(np.array([3.1 - -3.1, -3.1 - 3.1]))
    np.testing.assert_allclose(step, [6.2 - 2 * math.pi, 2 * math.pi - 6.2])


def test_masses_of_what_rounding_takes_below_zero_are_zero() -> None:
    mass = kinematics.mass(
        np.array([3.0, 3.0, 0.0]), np.zeros(3), np.array([4.0, 4.0, 0.0]), np.array([13.0, 4.9, 2.0])
    )
    np.testing.assert_allclose(mass, [12.0, 0.0, 2.0])
