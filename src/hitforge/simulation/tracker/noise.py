"""What makes a tracker less than perfect: noise hits, dead modules, and modules that stand beside their places."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.detectors import Modules


def dead_modules(rng: np.random.Generator, modules: int, share: float) -> Array:
    """Draw which modules give no hits.

    Args:
        rng: Random numbers.
        modules: Number of modules.
        share: Of dead ones among them; their number is this share, rounded.

    Returns:
        (M,) bool.
    """
    dead = np.zeros(modules, bool)
    dead[rng.permutation(modules)[: round(share * modules)]] = True
    return dead


def shifts(rng: np.random.Generator, modules: int, spread: float) -> Array:
    """Draw how far each module stands beside its nominal place, along u and v, (M, 2) [mm].

    Args:
        rng: Random numbers.
        modules: Number of modules.
        spread: Gaussian spread of either shift [mm].
    """
    return spread * rng.standard_normal((modules, 2))


def noise_energies(rng: np.random.Generator, count: int, threshold: float, tail: float) -> Array:
    """Draw the energy of noise hits: the threshold and an exponential tail above it, (count,) [GeV].

    Real noise above a threshold of many spreads of the electronics is no Gaussian tail but what fluctuates widely (bad
    channels, soft photons); an exponential is a stand-in that does not tell noise from particles by one value.

    Args:
        rng: Random numbers.
        count: Number of hits.
        threshold: Least energy of a channel that is read out [GeV].
        tail: Mean energy above it [GeV].
    """
    return threshold + rng.exponential(tail, count)


def noise(
    rng: np.random.Generator, modules: Modules, live: Array, mean: Array
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """Draw hits that no particle made, even over the surface of the live modules.

    Args:
        rng: Random numbers.
        modules: Sensors.
        live: Rows of the modules that are read out, (K,) int64.
        mean: Mean number of noise hits of each event, (N,).

    Returns:
        Event of each hit (H,) int64, module's row (H,) int64, u and v (H,) [mm].
    """
    number = rng.poisson(mean) if len(live) else np.zeros(len(mean), np.int64)
    event = np.repeat(np.arange(len(mean)), number)
    low, high, half = modules.half_u_low[live], modules.half_u_high[live], modules.half_v[live]
    edges = np.cumsum((low + high) * half)
    at = np.searchsorted(edges, rng.random(len(event)) * (edges[-1] if len(edges) else 0.0), side="right")
    low, high, half, row = low[at], high[at], half[at], live[at]
    # The width rises in a line along v: with q even, height t in 0..1 solves low t + (high - low) t^2 / 2 = q mean.
    even, mean_width = rng.random(len(event)), (low + high) / 2
    height = 2 * even * mean_width / (low + np.sqrt(low**2 + 2 * (high - low) * even * mean_width))
    width = low + (high - low) * height
    return event, row, width * (2 * rng.random(len(event)) - 1), half * (2 * height - 1)
