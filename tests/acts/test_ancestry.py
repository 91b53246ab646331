from __future__ import annotations

import math

import numpy as np

from hitforge.acts.ancestry import CONVERSION, nearest_kept, parents
from hitforge.core.units import CURVATURE

BREMSSTRAHLUNG, GUN = 3, 0


def _parents(rows: list[tuple], families: list[int], field: float = 3.8) -> list[int]:
    """Rows of (generation, process, charge, start, end, momentum)."""
    generation, process, charge, start, end, momentum = (np.array(column) for column in zip(*rows, strict=True))
    start, end, momentum = (np.atleast_2d(column).astype(float) for column in (start, end, momentum))
    return parents(np.array(families), generation, charge.astype(float), start, momentum, field, process, end).tolist()


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
    found = parents(family, generation, charge, vertex, momentum, field)
    assert found.tolist() == [-1, 0, 0, 1, 1, -1]
    assert nearest_kept(found, charge != 0).tolist() == [-1, 0, 0, 0, 0, -1]


def test_other_families_give_no_parent() -> None:
    line = np.array([[1.0, 0, 0]] * 3)
    found = parents(np.array([0, 1, 2]), np.array([0, 1, 1]), np.ones(3), line, line, 2.0)
    assert found.tolist() == [-1, -1, -1]
    assert nearest_kept(found, np.zeros(3, bool)).tolist() == [-1, -1, -1]


def test_a_converted_photon_is_found_by_the_place_of_its_pair() -> None:
    origin, place = (0, 0, 0), (100, 0, 5)
    rows = [
        (0, GUN, 0, origin, place, (50, 0, 2)),
        (1, CONVERSION, -1, place, (1000, 10, 50), (30, 0, 1)),
        (1, CONVERSION, 1, place, (1000, -10, 50), (20, 0, 1)),
        (0, GUN, 0, origin, (1000, 0, 0), (50, 0, 0)),
    ]
    assert _parents(rows, [0, 0, 0, 1]) == [-1, 0, 0, -1]


def test_a_radiated_photon_belongs_to_the_nearest_circle() -> None:
    # Electron and positron of 1 GeV from one point bend apart; a photon is born on the circle of the positron.
    radius = 1.0 / (0.299792458e-3 * 3.8)
    turn = 0.3
    on_positron = (100 + radius * np.sin(turn), -radius * (1 - np.cos(turn)), 0)
    rows = [
        (0, GUN, 0, (0, 0, 0), (100, 0, 0), (2, 0, 0)),
        (1, CONVERSION, -1, (100, 0, 0), (900, 300, 0), (1, 0, 0)),
        (1, CONVERSION, 1, (100, 0, 0), (900, -300, 0), (1, 0, 0)),
        (2, BREMSSTRAHLUNG, 0, on_positron, (900, -200, 0), (0.1, 0, 0)),
    ]
    assert _parents(rows, [0, 0, 0, 0]) == [-1, 0, 0, 2]


def test_a_radiated_photon_without_field_belongs_to_the_nearest_line() -> None:
    rows = [
        (0, GUN, -1, (0, 0, 0), (900, 0, 0), (50, 0, 0)),
        (1, BREMSSTRAHLUNG, 0, (300, 0, 0), (900, 0, 0), (5, 0, 0)),
    ]
    assert _parents(rows, [0, 0], field=0.0) == [-1, 0]


def test_a_pair_whose_photon_is_missing_has_no_parent() -> None:
    rows = [
        (0, GUN, -1, (0, 0, 0), (900, 0, 0), (50, 0, 0)),
        (2, CONVERSION, -1, (300, 0, 0), (900, 0, 0), (5, 0, 0)),
    ]
    assert _parents(rows, [0, 0]) == [-1, -1]


def test_where_the_process_is_known_a_pair_has_no_charged_parent() -> None:
    place = (300, 0, 0)
    rows = [
        (0, GUN, -1, (0, 0, 0), (900, 0, 0), (50, 0, 0)),
        (1, BREMSSTRAHLUNG, 0, (200, 0, 0), (900, 0, 0), (5, 0, 0)),
        (1, CONVERSION, 1, place, (900, 0, 0), (5, 0, 0)),
    ]
    assert _parents(rows, [0, 0, 0], field=0.0) == [-1, 0, -1]
    generation, _, charge, vertex, _, momentum = (np.array(column) for column in zip(*rows, strict=True))
    found = parents(np.zeros(3, np.int64), generation, charge * 1.0, vertex * 1.0, momentum * 1.0, 0.0)
    assert found.tolist() == [-1, 0, 0]
