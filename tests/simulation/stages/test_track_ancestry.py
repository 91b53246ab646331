from __future__ import annotations

import math

import numpy as np

from hitforge.core.units import CURVATURE
from hitforge.simulation.stages.track_ancestry import nearest_kept, parents


def test_parents_are_found_along_circles_and_lines() -> None:
    field, pt = 2.0, 1.0
    radius = pt / (CURVATURE * field)
    turn = 0.3  # of the electron, charge -1, which turns to the left
    photon_at = radius * np.array([math.sin(turn), 1 - math.cos(turn), 0.0])
    photon_flight = 0.5 * np.array([math.cos(turn), math.sin(turn), 0.1])
    other_at, other_flight = photon_at / 2, 0.4 * np.array([0.0, 1.0, 0.0])
    pair_at = photon_at + 200 * photon_flight
    vertex = np.array([[0, 0, 0], photon_at, photon_at / 2 * [1, 0.5, 1], pair_at, pair_at, [5, 5, 5]])
    momentum = np.array([[pt, 0, 0], photon_flight, other_flight, photon_flight / 2, photon_flight / 2, [1, 0, 0]])
    charge = np.array([-1, 0, 0, 1, -1, 1])
    generation = np.array([0, 1, 1, 2, 2, 0])
    family = np.array([0, 0, 0, 0, 0, 1])
    assert other_at.shape == (3,)
    found = parents(np.zeros(6, np.int64), family, generation, charge, vertex, momentum, field)
    assert found.tolist() == [-1, 0, 0, 1, 1, -1]
    assert nearest_kept(found, charge != 0).tolist() == [-1, 0, 0, 0, 0, -1]


def test_other_events_and_families_give_no_parent() -> None:
    event = np.array([0, 0, 1])
    line = np.array([[1.0, 0, 0]] * 3)
    found = parents(event, np.array([0, 1, 0]), np.array([0, 1, 1]), np.ones(3), line, line, 2.0)
    assert found.tolist() == [-1, -1, -1]
    assert nearest_kept(found, np.zeros(3, bool)).tolist() == [-1, -1, -1]
