"""Minimum-bias interactions of protons at 14 TeV, and where their particles meet a calorimeter across z."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.errors import RunError, require
from hitforge.core.units import C_LIGHT, CURVATURE

Array = NDArray[Any]

ETA = 3.6
"""Particles of the parametrised interactions lie evenly in abs(pseudorapidity) up to here."""

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
_MASSES = {
    11: 0.000511, 13: 0.10566, 22: 0.0, 211: 0.13957, 321: 0.49368, 130: 0.49761, 310: 0.49761, 2212: 0.93827,
    2112: 0.93957, 3122: 1.11568, 3112: 1.19745, 3222: 1.18937, 3312: 1.32171, 3322: 1.31486, 3334: 1.67245,
}  # fmt: skip
_CHARGED = (11, 13, 211, 321, 2212, 3112, 3222, 3312, 3334)
_BARREL_RADIUS, _BARREL_END = 1290.0, 2686.0  # mm; inner surface of a barrel calorimeter that stops particles


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


@dataclass(frozen=True)
class Arrivals:
    """Particles on the front face.

    Attributes:
        event: Interaction of each particle, (N,) int64.
        pdg: (N,) int64.
        energy: (N,) [GeV].
        position: (N, 3) [mm].
        direction: Unit vectors, (N, 3).
        delay: Arrival behind light from the origin, from the interaction's time on, (N,) [ns].
    """

    event: Array
    pdg: Array
    energy: Array
    position: Array
    direction: Array
    delay: Array


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
    for number, (density, temperature, power) in _SPECIES.items():
        particles = rng.poisson(2 * ETA * density * activity)
        total = int(particles.sum())
        event.append(np.repeat(np.arange(count), particles))
        has_twin = number not in (22, 130)
        pdg.append(number * np.where(has_twin & (rng.random(total) < 0.5), -1, 1))
        pt.append(_tsallis(rng.random(total), _MASSES[number], temperature, power))
    of_event = np.concatenate(event)
    order = np.argsort(of_event, kind="stable")
    eta, phi = rng.uniform(-ETA, ETA, len(order)), rng.uniform(-math.pi, math.pi, len(order))
    return Interactions(count, of_event[order], np.concatenate(pdg)[order], np.concatenate(pt)[order], eta, phi)


def pythia(seed: int, count: int) -> Interactions:
    """Generate inelastic interactions with Pythia 8 (all soft processes but elastic scattering).

    Args:
        seed: Of Pythia's random numbers, 1 to 900,000,000.
        count: Number of interactions.

    Raises:
        MissingExtraError: The module pythia8mc is not installed.
        RunError: Pythia cannot be started or gives no events.
    """
    generator = require("pythia8mc", "gen").Pythia("", False)
    for line in (
        "Beams:eCM = 14000.", "SoftQCD:inelastic = on", "ParticleDecays:limitTau0 = on", "ParticleDecays:tau0Max = 100",
        "Print:quiet = on", "Random:setSeed = on", f"Random:seed = {seed % 900_000_000 + 1}",
    ):  # fmt: skip
        generator.readString(line)
    if not generator.init():
        raise RunError("Pythia must start", came="init() failed", where="pileup.generator")
    rows = []
    for event in range(count):
        if not any(generator.next() for _ in range(10)):
            raise RunError("Pythia must give events", came=f"10 failures after {event} events", where="pileup")
        rows += [
            (event, particle.id(), particle.pT(), particle.eta(), particle.phi())
            for particle in generator.event
            if particle.isFinal() and abs(particle.id()) in _MASSES
        ]
    table = np.array(rows).reshape(-1, 5)
    return Interactions(count, *table[:, :2].T.astype(np.int64), *table[:, 2:].T)


def arrive(
    interactions: Interactions, rng: np.random.Generator, front: float, field: float, vertex_spread: float,
    radii: tuple[float, float], least_energy: float,
) -> Arrivals:  # fmt: skip
    """Follow particles along helices to the front face of a calorimeter across z.

    A particle that first meets the barrel calorimeter stops there. Nothing decays or scatters on the way.

    Args:
        interactions: Particles, made on the z axis.
        rng: Random numbers.
        front: The abs(z) of the face [mm].
        field: Along z [T].
        vertex_spread: Of the interactions along the beam, Gaussian [mm].
        radii: Particles that meet the face between these distances from the z axis count [mm].
        least_energy: Particles below are dropped [GeV].
    """
    pt, eta, phi = interactions.pt, interactions.eta, interactions.phi
    kind = np.abs(interactions.pdg)
    mass = np.vectorize(_MASSES.get, otypes=[float])(kind) if len(kind) else np.zeros(0)
    charge = np.where(np.isin(kind, _CHARGED), np.sign(interactions.pdg), 0)
    charge = np.where(np.isin(kind, (11, 13, 3112, 3312, 3334)), -charge, charge)
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    vertex = (vertex_spread * rng.standard_normal(interactions.count))[interactions.event]
    side = np.where(eta < 0, -1, 1)
    steep = np.maximum(np.abs(np.sinh(eta)), 1e-9)
    along = (front - side * vertex) / steep  # way across the beam, (N,) [mm]
    bend = charge * CURVATURE * field / np.maximum(pt, 1e-9)  # turn a mm of it, (N,) [1 / mm]
    turn = bend * along
    chord = along * np.sinc(turn / (2 * math.pi))
    x, y = chord * np.cos(phi - turn / 2), chord * np.sin(phi - turn / 2)
    radius = np.hypot(x, y)
    diameter = 2 / np.maximum(np.abs(bend), 1e-12)
    to_barrel = diameter * np.arcsin(np.minimum(_BARREL_RADIUS / diameter, 1))
    stopped = (diameter > _BARREL_RADIUS) & (np.abs(vertex + side * to_barrel * steep) < _BARREL_END)
    keep = ~stopped & (radius > radii[0]) & (radius < radii[1]) & (energy > least_energy)
    position = np.stack([x, y, side * front], axis=1)
    direction = np.stack([np.cos(phi - turn), np.sin(phi - turn), np.sinh(eta)], axis=1) / np.cosh(eta)[:, None]
    path = along * np.cosh(eta)
    speed = pt * np.cosh(eta) / np.maximum(energy, 1e-12)
    delay = (path / np.maximum(speed, 1e-6) - np.linalg.norm(position, axis=1)) / C_LIGHT
    return Arrivals(
        interactions.event[keep], interactions.pdg[keep], energy[keep], position[keep], direction[keep], delay[keep]
    )


def _tsallis(even: Array, mass: float, temperature: float, power: float) -> Array:
    """Transverse momenta up to 20 GeV at given quantiles, (N,) -> (N,) [GeV]."""
    pt = np.linspace(0, 20, 4001)
    weight = pt * (1 + (np.hypot(pt, mass) - mass) / (power * temperature)) ** -power
    sum_to = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2)])
    momenta: Array = np.interp(even, sum_to / sum_to[-1], pt)
    return momenta
