import math

import numpy as np
import pytest

from hitforge.core.units import C_LIGHT, CURVATURE
from hitforge.simulation.generators.minimum_bias import Interactions
from hitforge.simulation.layered.arrival import arrive

FRONT = 3210.0


def _one(pdg, pt, eta, phi=0.3):
    one = np.zeros(1, int)
    return Interactions(1, one, one + pdg, np.array([pt]), np.array([eta]), np.array([phi]))


def _arrive(interactions, field=3.8, spread=0.0, radii=(200.0, 3000.0), least=0.1, seed=1):
    return arrive(interactions, np.random.default_rng(seed), FRONT, field, spread, radii, least)


@pytest.mark.parametrize("eta", [2.0, -2.5])
def test_a_neutral_particle_goes_straight(eta):
    made = _arrive(_one(22, 2.0, eta))
    place = made.position[0]
    assert place[2] == math.copysign(FRONT, eta)
    assert np.arcsinh(place[2] / np.hypot(*place[:2])) == pytest.approx(eta)
    assert made.direction[0] == pytest.approx(place / np.linalg.norm(place))
    assert made.delay == pytest.approx([0.0], abs=1e-9)
    assert made.energy == pytest.approx([2 * math.cosh(eta)])


def test_a_charged_particle_follows_a_helix():
    pt, eta = 0.8, 2.0
    plus, minus, free = _arrive(_one(211, pt, eta)), _arrive(_one(-211, pt, eta)), _arrive(_one(211, pt, eta), field=0)
    radius, way = pt / (CURVATURE * 3.8), FRONT / math.sinh(eta)
    assert np.hypot(*plus.position[0, :2]) == pytest.approx(2 * radius * abs(math.sin(way / 2 / radius)))
    azimuth = [math.atan2(made.position[0, 1], made.position[0, 0]) for made in (plus, minus, free)]
    assert azimuth[2] == pytest.approx(0.3)
    assert azimuth[0] - 0.3 == pytest.approx(-(azimuth[1] - 0.3))
    assert azimuth[0] < 0.3  # a positive charge turns clockwise seen from +z, where the field points
    turned = math.atan2(plus.direction[0, 1], plus.direction[0, 0])
    assert turned - 0.3 == pytest.approx(2 * (azimuth[0] - 0.3))
    path = way * math.cosh(eta)
    speed = pt * math.cosh(eta) / plus.energy[0]
    assert plus.delay[0] == pytest.approx((path / speed - np.linalg.norm(plus.position[0])) / C_LIGHT)
    assert plus.delay[0] > free.delay[0] > 0
    electron = _arrive(_one(-11, pt, eta))
    assert electron.position[0, :2] == pytest.approx(plus.position[0, :2])  # a positron, so charged like the pion


def test_what_does_not_reach_the_calorimeter_is_dropped():
    assert len(_arrive(_one(22, 5.0, 0.5)).event) == 0  # stops in the barrel
    assert len(_arrive(_one(211, 0.5, 1.2)).event) == 1  # its helix never gets as far out as the barrel
    assert len(_arrive(_one(211, 50.0, 1.2)).event) == 0
    assert len(_arrive(_one(22, 5.0, 4.5)).event) == 0  # in the beam pipe
    assert len(_arrive(_one(22, 0.01, 2.0)).event) == 0


def test_a_vertex_moves_all_particles_of_its_interaction():
    pdg = np.full(4, 22)
    made = Interactions(2, np.array([0, 0, 1, 1]), pdg, np.ones(4), np.full(4, 2.0), np.zeros(4))
    place = _arrive(made, spread=50.0).position
    assert place[0].tolist() == place[1].tolist()
    assert place[2].tolist() == place[3].tolist()
    assert place[0, 0] != place[2, 0]
    assert place[:, 0] == pytest.approx(np.full(4, FRONT / math.sinh(2)), abs=5 * 50 / math.sinh(2))
