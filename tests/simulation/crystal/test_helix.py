import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.units import C_LIGHT, CURVATURE
from hitforge.simulation.crystal.helix import to_cylinder

angles = st.floats(-math.pi, math.pi)
momenta = st.floats(0.8, 1000.0)


def _send(position, momentum, charge, radius=1290.0, field=3.8):
    position, momentum = np.atleast_2d(np.array(position, float)), np.atleast_2d(np.array(momentum, float))
    energy = np.linalg.norm(momentum, axis=1)
    return to_cylinder(position, momentum, np.atleast_1d(float(charge)), energy, np.zeros(1), radius, field)


def _stepwise(position, momentum, charge, radius, field, steps):
    """The same path in small steps of the Lorentz force, turned about the middle of each step."""
    x, p = np.array(position, float), np.array(momentum, float)
    pt, total = math.hypot(p[0], p[1]), np.linalg.norm(p)
    step = 1.6 * radius / steps
    turn = -charge * CURVATURE * field / pt * step
    for _ in range(steps):
        half = math.atan2(p[1], p[0]) + turn / 2
        y = x + step * np.array([math.cos(half), math.sin(half), p[2] / pt])
        p = np.array([pt * math.cos(half + turn / 2), pt * math.sin(half + turn / 2), p[2]])
        if math.hypot(y[0], y[1]) >= radius:
            share = (radius - math.hypot(x[0], x[1])) / (math.hypot(y[0], y[1]) - math.hypot(x[0], x[1]))
            return x + share * (y - x), p / total
        x = y
    return None


@given(momenta, angles, st.floats(-1.4, 1.4), st.sampled_from([-1, 1]), st.floats(-300, 300), st.floats(-300, 300))
def test_a_helix_agrees_with_small_steps(pt, phi, eta, charge, x, y):
    momentum = [pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)]
    face = _send([x, y, 10.0], momentum, charge)
    expected = _stepwise([x, y, 10.0], momentum, charge, 1290.0, 3.8, 4000)
    if expected is None:  # grazing or curling: the small steps did not get there
        return
    assert face.reached[0]
    assert face.position[0] == pytest.approx(expected[0], abs=2.0)
    assert face.direction[0] == pytest.approx(expected[1], abs=2e-3)


@given(momenta, angles, st.floats(-1.4, 1.4), st.sampled_from([-1, 0, 1]))
def test_arrival_is_on_the_cylinder_with_unit_direction(pt, phi, eta, charge):
    face = _send([1.0, -2.0, 30.0], [pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)], charge)
    assert face.reached[0]
    assert math.hypot(*face.position[0, :2]) == pytest.approx(1290.0, abs=1e-5)
    assert np.linalg.norm(face.direction[0]) == pytest.approx(1.0)
    assert (face.position[0, :2] * face.direction[0, :2]).sum() > 0  # outward
    assert face.time[0] >= np.linalg.norm(face.position[0] - [1.0, -2.0, 30.0]) / C_LIGHT * (1 - 1e-9)


@given(momenta, angles, st.floats(-1.4, 1.4))
def test_opposite_charges_are_mirror_images(pt, phi, eta):
    """The mirror is the plane of the momentum and the z axis."""
    momentum = np.array([pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)])
    plus, minus = _send([0, 0, 0], momentum, 1), _send([0, 0, 0], momentum, -1)
    assert plus.position[0, 2] == pytest.approx(minus.position[0, 2])
    angle = [math.atan2(face.position[0, 1], face.position[0, 0]) - phi for face in (plus, minus)]
    wrapped = [(a + math.pi) % (2 * math.pi) - math.pi for a in angle]
    assert wrapped[0] == pytest.approx(-wrapped[1], abs=1e-9)
    assert wrapped[0] < 0  # a positive charge turns clockwise


def test_without_field_a_charge_goes_straight():
    charged, neutral = (_send([5, 6, 7], [3, 4, 5], charge, field=0.0) for charge in (1, 0))
    assert charged.position == pytest.approx(neutral.position)
    assert neutral.direction[0] == pytest.approx(np.array([3, 4, 5]) / math.sqrt(50))


@pytest.mark.parametrize(
    ("position", "pt"), [((0, 0, 0), 0.5), ((1300, 0, 0), 50.0)], ids=["curls inside", "begins outside"]
)
def test_what_does_not_arrive_says_so(position, pt):
    face = _send(position, [pt, 0, 0], 1)
    assert not face.reached[0]
    assert np.isnan(face.position).all()


def test_a_particle_on_the_axis_along_z_does_not_arrive():
    assert not _send([0, 0, 0], [0, 0, 5], 0).reached[0]


def test_time_goes_with_the_path():
    face = _send([0, 0, 0], [50, 0, 0], 0)
    assert face.time[0] == pytest.approx(1290.0 / C_LIGHT)
