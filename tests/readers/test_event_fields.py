from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._event_fields import (
    energy_of,
    refuse_charges,
    refuse_no_link,
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
    with pytest.raises(DataError, match=r"must name the particle of a hit .*; got: none of any hit; where: a\.csv"):
        refuse_no_link(0, Path("a.csv"))


def test_a_charge_without_its_sign_is_refused() -> None:
    refuse_charges(np.array([-1.0, 0, 1, 92]), "q", Path("a.csv"))
    with pytest.raises(DataError, match=r"'q' must be a charge.*; got: 255 in row 1, and 0 more.*a\.csv"):
        refuse_charges(np.array([1.0, 255.0]), "q", Path("a.csv"))


def test_an_energy_beyond_all_numbers_is_infinite_without_a_warning() -> None:
    assert energy_of(np.array([[1e300], [0.0], [1.0]]), np.array([13])).tolist() == [np.inf]
