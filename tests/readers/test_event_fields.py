from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._event_fields import (
    energy_of,
    far_hits,
    other_charges,
    other_energies,
    refuse_charges,
    refuse_far,
    refuse_no_link,
    refuse_other_masses,
    repeated_cells,
    truth_field,
    untold_hits,
    without_cells,
)


def test_energies_are_those_of_known_masses() -> None:
    momentum = np.array([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [4.0, 3.0, 2.0]])
    energy = energy_of(momentum, np.array([211, -13, 999]))
    np.testing.assert_allclose(energy, [np.hypot(5, 0.13957039), np.hypot(5, 0.1056583755), 2.0])


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_what_is_known_of_the_truth_is_a_field(kind: int) -> None:
    value, info = truth_field(kind)
    assert value.tolist() == [kind]
    assert (info.dtype, "1 pixels" in info.description) == ("int8", True)


def test_hits_without_cells_and_truth_without_links_are_told() -> None:
    value, info = without_cells(np.array([0, 3, 0]))
    assert value.tolist() == [2]
    assert "channels" in info.description
    assert untold_hits(3)[0].tolist() == [3]
    refuse_no_link(1, Path("a.csv"))
    with pytest.raises(DataError, match=r"must name the particle of a hit; got: none of any hit; where: a\.csv"):
        refuse_no_link(0, Path("a.csv"))


def test_a_charge_without_its_sign_is_refused() -> None:
    refuse_charges(np.array([-1.0, 0, 1, 92]), "q", Path("a.csv"))
    with pytest.raises(DataError, match=r"'q' must be a charge.*; got: 255 in row 1, and 0 more.*a\.csv"):
        refuse_charges(np.array([1.0, 255.0]), "q", Path("a.csv"))


def test_energies_of_other_momenta_are_counted_and_those_of_other_units_refused() -> None:
    momentum, pdg = np.array([[0.0] * 4, [0.0] * 4, [3.0, 0.0, 5.0, 5.0]]), np.array([13, 2212, 999, 999])
    assert other_energies(np.array([3.0019, 0.938, 7.0, 5.0]), momentum, pdg, Path("a.csv")) == 0
    assert other_energies(np.array([3.2, 0.938, 4.9, 5.0]), momentum, pdg, Path("a.csv")) == 2
    message = r"must be those of the momenta \[GeV\]; got: 3001.9 for 3.00186 in row 0, and 1 more.*a\.csv"
    with pytest.raises(DataError, match=message):
        other_energies(1e3 * np.array([3.0019, 0.938, 7.0, 5.0]), momentum, pdg, Path("a.csv"))


def test_charges_of_other_particles_are_counted() -> None:
    pdg = np.array([13, -211, 0, 22, 1000020040])
    for charge, count in (([-1, -1, 1, 0, 2], 0), ([1, 1, 0, 0, 0], 2), ([-1, -3, 0, 0, 0], 1)):  # sign, thirds
        value, info = other_charges(np.array(charge, np.float64), pdg)
        assert (value.tolist(), info.loss) == ([count], "sum")
    assert other_charges(np.empty(0), np.empty(0, np.int64))[0].tolist() == [0]
    assert repeated_cells(4)[0].tolist() == [4]


def test_masses_are_in_gev() -> None:
    pdg = np.array([13, -211, 2212, 0])
    mass = np.array([0.1057, 0.1396, 0.938, 9.0])
    for right in (mass, np.zeros(4), mass * [1, 1, 1000, 1]):  # one row is no unit
        refuse_other_masses(right, pdg, Path("p.csv"))
    for unit in (1000, 0.001):
        with pytest.raises(DataError, match=r"\[GeV\]; got: .* for 13 in row 0, and 2 more .*p\.csv.*in GeV"):
            refuse_other_masses(mass * unit, pdg, Path("p.csv"))


def test_hits_elsewhere_are_counted_or_refused_where_most_are() -> None:
    away = np.array([0.5, 30.0, 1.0, 2.0])
    assert refuse_far(away, 20.0, "hits must be near", Path("t.csv"), "look") == 1
    assert refuse_far(away, np.array([20.0, 40.0, 20.0, 20.0]), "hits must be near", Path("t.csv"), "look") == 0
    assert refuse_far(away[:0], 20.0, "hits must be near", Path("t.csv"), "look") == 0
    message = r"hits must be near; got: farther than 0\.9 mm in 3 of 4 rows, up to 30 mm; where: t\.csv; do: look"
    with pytest.raises(DataError, match=message):
        refuse_far(away, 0.9, "hits must be near", Path("t.csv"), "look")
    values, info = far_hits(3)
    assert (values.tolist(), info.loss) == ([3], "sum")


def test_an_energy_beyond_all_numbers_is_infinite_without_a_warning() -> None:
    assert energy_of(np.array([[1e300], [0.0], [1.0]]), np.array([13])).tolist() == [np.inf]
