"""Mass, charge and name of particles by PDG number, from the Particle Data Group's table (package ``particle``).

The package is imported when a particle is first looked up. Constants here are those that kernels and recorded events
were made with: the table gives two digits more for the electron and the proton, and events must stay what they are.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError

ELECTRON_MASS = 0.51099895e-3
"""[GeV] (CODATA 2022)."""

PROTON_MASS = 0.93827209
"""[GeV]."""

PION_ZERO_MASS = 0.1349768
"""Of the neutral pion [GeV]."""

ELECTROMAGNETIC = (11, 22, 111)
"""Absolute PDG numbers whose showers are electromagnetic."""

TRACKED = (11, 13, 211, 321, 2212, 3112, 3222, 3312, 3334)
"""Charged particles that live long enough for a track, abs(pdg)."""

_OURS = {11: ELECTRON_MASS, 2212: PROTON_MASS}
_DIGITS = 12  # of a mass: the table's MeV over 1000 would end in a crooked last digit
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹−")


def masses(pdg: Array, digits: int = _DIGITS) -> Array:
    """Return the masses of particles, (N,) int64 -> (N,) float64 [GeV].

    Args:
        pdg: PDG numbers; 0 is no particle, without mass and charge.
        digits: Significant digits below 1 GeV, decimals above.

    Raises:
        DataError: A particle is not in the table.
    """
    return _look_up(pdg, lambda number: _rounded(_entry(number)[0], digits))


def charges(pdg: Array, unknown: float | None = None) -> Array:
    """Return the charges of particles, (N,) int64 -> (N,) float64 [e].

    Args:
        pdg: PDG numbers; 0 is no particle, without charge.
        unknown: What a particle that is not in the table gets; None refuses it.

    Raises:
        DataError: A particle is not in the table.
    """

    def value(number: int) -> float:
        try:
            return _entry(number)[1]
        except DataError:
            if unknown is None:
                raise
            return unknown

    charge = _look_up(pdg, value)
    signed: Array = np.where(charge == 0.0, 0.0, charge * np.sign(pdg))
    return signed


@cache
def particle_name(pdg: int) -> str:
    """Return a particle's symbol, such as 'μ−', 'π⁰' or 'K⁰L'; 'pdg 99' for one that is not in the table."""
    from particle import Particle, ParticleNotFound

    try:
        symbol = html.unescape(Particle.from_pdgid(pdg).html_name)
    except ParticleNotFound:
        return f"pdg {pdg}"
    symbol = re.sub(r"<SUB>(.*?)</SUB>(<SUP>.*?</SUP>)", r"\2\1", symbol)
    symbol = re.sub(r"<SUP>(.*?)</SUP>", lambda found: found[1].translate(_RAISED), symbol)
    return re.sub(r"<.*?>", "", symbol)


def _look_up(pdg: Array, value: Any) -> Array:
    """A value of each abs(pdg), each different one asked for once."""
    numbers, row = np.unique(np.abs(np.asarray(pdg, np.int64)), return_inverse=True)
    return np.array([value(number) for number in numbers.tolist()], np.float64)[row.reshape(np.shape(pdg))]


@cache
def _entry(number: int) -> tuple[float, float]:
    """Mass [GeV] and charge [e] of a particle that is no antiparticle."""
    from particle import InvalidParticle, Particle, ParticleNotFound  # a tenth of a second: only its users should pay

    if number == 0:
        return 0.0, 0.0
    try:
        found = Particle.from_pdgid(number)
    except (ParticleNotFound, InvalidParticle):
        raise DataError("the particle must be in the table of the Particle Data Group", came=f"pdg {number}") from None
    return _OURS.get(number, _rounded((found.mass or 0.0) / 1e3, _DIGITS)), float(found.charge or 0)


def _rounded(mass: float, digits: int) -> float:
    return float(f"{mass:.{digits}g}") if mass < 1 else round(mass, digits)
