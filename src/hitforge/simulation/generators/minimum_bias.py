"""Minimum-bias interactions of protons at 14 TeV: a parametrised soft spectrum, or Pythia 8."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import RunError
from hitforge.core.particles import masses
from hitforge.simulation.generators.pythia import start

ETA = 3.6
"""Particles of the parametrised interactions lie evenly in abs(pseudorapidity) up to here."""
SOFT_MASS_DIGITS = 5
"""Digits of the particles' masses."""

# Particles a unit of pseudorapidity, and T [GeV] and n of their transverse momenta (Tsallis, as in CMS, PRL 105 (2010)
# 022002): pt (1 + (mT - m) / (n T))^-n. All numbers are fits to inelastic interactions of Pythia 8.317 at 14 TeV with
# its standard tune, abs(eta) from 1.3 to 3.2, weak decays of up to 10 cm done. Photons are those of neutral mesons; the
# 1.4 % of electrons and the muons are left out. ATLAS measured 6.4 charged particles a unit at 13 TeV in the middle
# (EPJ C 76 (2016) 502), CMS 5.5 (PLB 751 (2015) 143, inelastic).
_SPECIES = {  # pdg: (density, T, n); both signs together
    211: (6.11, 0.161, 7.37), 22: (7.34, 0.0489, 5.00), 321: (0.677, 0.217, 7.10), 2212: (0.424, 0.218, 6.35),
    2112: (0.419, 0.234, 7.29), 130: (0.329, 0.210, 6.36),
}  # fmt: skip
_SHAPE = 1.08  # of the gamma distribution of an interaction's activity, which gives a negative binomial multiplicity
_KINDS = (11, 13, 22, 211, 321, 130, 310, 2212, 2112, 3122, 3112, 3222, 3312, 3322, 3334)  # kept of Pythia's


@dataclass(frozen=True)
class Interactions:
    """Particles of minimum-bias interactions where they are made, in order of interaction.

    Attributes:
        count: Number of interactions.
        event: Interaction of each particle, (N,) int64.
        pdg: (N,) int64.
        pt: (N,) [GeV].
        eta: (N,).
        phi: (N,) [rad].
    """

    count: int
    event: Array
    pdg: Array
    pt: Array
    eta: Array
    phi: Array


def parametrised(rng: np.random.Generator, count: int) -> Interactions:
    """Draw interactions from a parametrised soft spectrum.

    The activity of an interaction is gamma-distributed and common to all its particles, which are otherwise
    independent: no jets, no resonances, no conservation laws.

    Args:
        rng: Random numbers.
        count: Number of interactions.
    """
    activity = rng.gamma(_SHAPE, 1 / _SHAPE, count)
    event, pdg, pt = [], [], []
    mass = masses(np.array(list(_SPECIES)), SOFT_MASS_DIGITS)
    for row, (number, (density, temperature, power)) in enumerate(_SPECIES.items()):
        particles = rng.poisson(2 * ETA * density * activity)
        total = int(particles.sum())
        event.append(np.repeat(np.arange(count), particles))
        has_twin = number not in (22, 130)
        pdg.append(number * np.where(has_twin & (rng.random(total) < 0.5), -1, 1))
        pt.append(_tsallis(rng.random(total), float(mass[row]), temperature, power))
    of_event = np.concatenate(event)
    order = np.argsort(of_event, kind="stable")
    eta, phi = rng.uniform(-ETA, ETA, len(order)), rng.uniform(-math.pi, math.pi, len(order))
    return Interactions(count, of_event[order], np.concatenate(pdg)[order], np.concatenate(pt)[order], eta, phi)


def from_pythia(seed: int, count: int) -> Interactions:
    """Generate inelastic interactions with Pythia 8 (all soft processes but elastic scattering).

    Args:
        seed: Of Pythia's random numbers, 1 to 900,000,000.
        count: Number of interactions.

    Raises:
        MissingExtraError: The module pythia8mc is not installed.
        RunError: Pythia cannot be started or gives no events.
    """
    generator = start(("SoftQCD:inelastic = on",), seed, 100.0, "pileup.generator")
    rows = []
    for event in range(count):
        if not any(generator.next() for _ in range(10)):
            raise RunError("Pythia must give events", came=f"10 failures after {event} events", where="pileup")
        rows += [
            (event, particle.id(), particle.pT(), particle.eta(), particle.phi())
            for particle in generator.event
            if particle.isFinal() and abs(particle.id()) in _KINDS
        ]
    table = np.array(rows).reshape(-1, 5)
    return Interactions(count, *table[:, :2].T.astype(np.int64), *table[:, 2:].T)


def _tsallis(even: Array, mass: float, temperature: float, power: float) -> Array:
    """Transverse momenta up to 20 GeV at given quantiles, (N,) -> (N,) [GeV]."""
    pt = np.linspace(0, 20, 4001)
    weight = pt * (1 + (np.hypot(pt, mass) - mass) / (power * temperature)) ** -power
    sum_to = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2)])
    momenta: Array = np.interp(even, sum_to / sum_to[-1], pt)
    return momenta
