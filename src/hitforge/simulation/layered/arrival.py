"""Where particles of interactions on the beam line meet a calorimeter across z."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.particles import charges, masses
from hitforge.core.units import C_LIGHT, CURVATURE
from hitforge.simulation.generators.minimum_bias import SOFT_MASS_DIGITS, Interactions

_BARREL_RADIUS, _BARREL_END = 1290.0, 2686.0  # mm; inner surface of a barrel calorimeter that stops particles


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


def arrive(
    interactions: Interactions, rng: np.random.Generator, front: float, field: float, vertex_spread: float,
    radii: tuple[float, float], min_energy: float,
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
        min_energy: Particles below are dropped [GeV].
    """
    pt, eta, phi = interactions.pt, interactions.eta, interactions.phi
    mass, charge = masses(interactions.pdg, SOFT_MASS_DIGITS), charges(interactions.pdg)
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
    keep = ~stopped & (radius > radii[0]) & (radius < radii[1]) & (energy > min_energy)
    position = np.stack([x, y, side * front], axis=1)
    direction = np.stack([np.cos(phi - turn), np.sin(phi - turn), np.sinh(eta)], axis=1) / np.cosh(eta)[:, None]
    path = along * np.cosh(eta)
    speed = pt * np.cosh(eta) / np.maximum(energy, 1e-12)
    delay = (path / np.maximum(speed, 1e-6) - np.linalg.norm(position, axis=1)) / C_LIGHT
    return Arrivals(
        interactions.event[keep], interactions.pdg[keep], energy[keep], position[keep], direction[keep], delay[keep]
    )
