import numpy as np

from hitforge.simulation.stages.ancestry import parents

BREMSSTRAHLUNG, CONVERSION, GUN = 3, 2, 0


def _parents(rows, offsets, field=3.8):
    """Rows of (generation, process, charge, start, end, momentum)."""
    generation, process, charge, start, end, momentum = (np.array(column) for column in zip(*rows, strict=True))
    start, end, momentum = (np.atleast_2d(column).astype(float) for column in (start, end, momentum))
    return parents(np.array(offsets), generation, process, charge.astype(float), start, end, momentum, field)


def test_a_converted_photon_is_found_by_the_place_of_its_pair():
    origin, place = (0, 0, 0), (100, 0, 5)
    rows = [
        (0, GUN, 0, origin, place, (50, 0, 2)),
        (1, CONVERSION, -1, place, (1000, 10, 50), (30, 0, 1)),
        (1, CONVERSION, 1, place, (1000, -10, 50), (20, 0, 1)),
        (0, GUN, 0, origin, (1000, 0, 0), (50, 0, 0)),
    ]
    parent, converted = _parents(rows, [0, 3, 4])
    assert parent.tolist() == [-1, 0, 0, -1]
    assert converted.tolist() == [True, False, False, False]


def test_a_radiated_photon_belongs_to_the_nearest_circle():
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
    parent, _ = _parents(rows, [0, 4])
    assert parent.tolist() == [-1, 0, 0, 2]


def test_a_radiated_photon_without_field_belongs_to_the_nearest_line():
    rows = [
        (0, GUN, -1, (0, 0, 0), (900, 0, 0), (50, 0, 0)),
        (1, BREMSSTRAHLUNG, 0, (300, 0, 0), (900, 0, 0), (5, 0, 0)),
    ]
    assert _parents(rows, [0, 2], field=0.0)[0].tolist() == [-1, 0]


def test_a_pair_whose_photon_is_missing_has_no_parent():
    rows = [
        (0, GUN, -1, (0, 0, 0), (900, 0, 0), (50, 0, 0)),
        (2, CONVERSION, -1, (300, 0, 0), (900, 0, 0), (5, 0, 0)),
    ]
    parent, converted = _parents(rows, [0, 2])
    assert parent.tolist() == [-1, -1]
    assert not converted.any()
