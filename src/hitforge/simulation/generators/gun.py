"""Particles shot into a tracker, each from a vertex of its own."""

from __future__ import annotations

import math

import numpy as np

from hitforge.acts.fatras import Primaries
from hitforge.core.particles import charges, masses

MAX_ETA = 4.5
"""Particles beyond this abs(pseudorapidity) miss every sensor."""
GUN_PARTICLES = (11, 13, 22, 211, 321, 2212, 3112, 3222, 3312, 3334)
"""What a gun shoots, and what Pythia leaves in the end and a tracker may see, abs(pdg)."""
MASS_DIGITS = 7
"""Digits of the masses that are handed to ACTS."""


def gun(
    rng: np.random.Generator, events: int, multiplicity: int, pdg: tuple[int, ...], pt: tuple[float, float],
    logarithmic: bool, eta: tuple[float, float], spread: tuple[float, float],
) -> Primaries:  # fmt: skip
    """Shoot particles, each from a vertex of its own.

    Args:
        rng: Random numbers.
        events: Number of events.
        multiplicity: Particles in each.
        pdg: Kinds, equally often.
        pt: Range of transverse momenta [GeV].
        logarithmic: Even in the logarithm of pt, not in pt.
        eta: Range of pseudorapidities, even.
        spread: Gaussian spread of vertices across and along the beam [mm].
    """
    count = events * multiplicity
    even = rng.random(count)
    momentum = pt[0] * (pt[1] / pt[0]) ** even if logarithmic else pt[0] + (pt[1] - pt[0]) * even
    slope, phi = np.sinh(rng.uniform(eta[0], eta[1], count)), rng.uniform(-math.pi, math.pi, count)
    kind = rng.choice(np.array(pdg, np.int64), count)
    vertex = rng.standard_normal((count, 3)) * (spread[0], spread[0], spread[1])
    event = np.repeat(np.arange(events), multiplicity)
    flight = momentum[:, None] * np.stack([np.cos(phi), np.sin(phi), slope], 1)
    return Primaries(
        events, event, event * 0, kind, charges(kind), masses(kind, MASS_DIGITS), flight, vertex, np.zeros(count)
    )
