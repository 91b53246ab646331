from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from particle import Particle
from scipy import constants

from hitforge.core import particles
from hitforge.core.errors import DataError
from hitforge.core.particles import charges, masses, particle_name


def test_our_own_constants_are_those_of_nature() -> None:
    of_nature = constants.physical_constants
    for ours, name in ((particles.ELECTRON_MASS, "electron"), (particles.PROTON_MASS, "proton")):
        assert pytest.approx(of_nature[f"{name} mass energy equivalent in MeV"][0] / 1e3, rel=1e-8) == ours
    assert masses(np.array([111]))[0] == particles.PION_ZERO_MASS


def test_masses_are_those_of_the_table_without_a_crooked_digit() -> None:
    mass = masses(np.array([[13, -13], [-211, 321], [22, 0]]))
    assert mass.tolist() == [[0.1056583755, 0.1056583755], [0.13957039, 0.493677], [0.0, 0.0]]
    for number in particles.TRACKED:
        assert masses(np.array([number]))[0] == pytest.approx(Particle.from_pdgid(number).mass / 1e3, rel=1e-8)


def test_rounded_masses_have_digits_below_one_gev_and_decimals_above() -> None:
    assert masses(np.array([11, 13, 2112, 3122, 3334]), 5).tolist() == [0.000511, 0.10566, 0.93957, 1.11568, 1.67245]
    assert masses(np.array([11, 13, 2212]), 7).tolist() == [0.000510999, 0.1056584, 0.9382721]


def test_antiparticles_have_the_other_charge() -> None:
    numbers = np.array([11, -11, 22, 211, -211, 2212, -2212, 3112, -3112, 130, 0])
    charge = charges(numbers)
    assert charge.tolist() == [-1, 1, 0, 1, -1, 1, -1, -1, 1, 0, 0]
    assert not np.signbit(charge[charge == 0]).any()
    assert charges(np.zeros(0, np.int64)).shape == masses(np.zeros(0, np.int64)).shape == (0,)


def test_an_unknown_particle_is_an_error() -> None:
    with pytest.raises(DataError, match="must be in the table of the Particle Data Group; got: pdg 99"):
        masses(np.array([11, 99]))
    with pytest.raises(DataError, match="must be in the table of the Particle Data Group; got: pdg 99"):
        charges(np.array([11, 99]))
    assert charges(np.array([11, 99, 9_999_999_999]), 0.0).tolist() == [-1, 0, 0]


@pytest.mark.parametrize(
    ("pdg", "name"),
    [(11, "e−"), (-13, "μ+"), (22, "γ"), (111, "π⁰"), (-211, "π−"), (310, "K⁰S"), (2112, "n"), (99, "pdg 99")],
)
def test_names_are_symbols(pdg: int, name: str) -> None:
    assert particle_name(pdg) == name


def test_the_table_is_loaded_on_use() -> None:
    code = (
        "import sys; from hitforge.simulation import fatras, particle_gun, shower_gun; print('particle' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
