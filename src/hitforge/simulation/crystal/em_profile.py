"""Mean and fluctuations of electromagnetic showers in a homogeneous calorimeter, after Grindhammer and Peters.

G. Grindhammer and S. Peters, "The parameterized simulation of electromagnetic showers in homogeneous and sampling
calorimeters", hep-ex/0001020, sections 3.1 and 3.2 and appendix A.1. Depths are in radiation lengths, radii in Moliere
radii, and ``y`` is the energy in units of the critical energy.
"""

from __future__ import annotations

import math

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit

# The formulas were fitted above 1 GeV; below 100 MeV they need these bounds to stay physical.
_LEAST_T = 0.3
_LEAST_ALPHA = 1.1
_LEAST_WIDTH = 0.5


@njit(cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def gamma_fraction(shape: float, x: float, log_gamma: float) -> float:
    """Regularised lower incomplete gamma function P(shape, x): the energy share of a shower before depth x / beta.

    Series below the bend, Lentz's continued fraction above it (Numerical Recipes, section 6.2); good to 1e-6.

    Args:
        shape: > 0.
        x: Depth times beta.
        log_gamma: ``lgamma(shape)``, which a whole shower shares.
    """
    if x <= 0.0:
        return 0.0
    front = math.exp(-x + shape * math.log(x) - log_gamma)
    if x < shape + 1.0:
        n, term, total = shape, 1.0 / shape, 1.0 / shape
        for _ in range(500):
            n += 1.0
            term *= x / n
            total += term
            if term < total * 1e-7:
                break
        return total * front
    b = x + 1.0 - shape
    c, d = 1e300, 1.0 / b
    h = d
    for i in range(1, 500):
        a = -i * (i - shape)
        b += 2.0
        d = 1.0 / (a * d + b)
        c = b + a / c
        step = c * d
        h *= step
        if abs(step - 1.0) < 1e-7:
            break
    return 1.0 - front * h


@njit(cache=True)  # type: ignore[untyped-decorator]
def mean_longitudinal(y: float, z: float) -> tuple[float, float]:
    """Depth of the maximum T [radiation lengths] and shape alpha of the mean profile, dE/dt ~ (b t)^(a-1) e^(-b t)."""
    log_y = math.log(y)
    return max(log_y - 0.812, _LEAST_T), max(0.81 + (0.458 + 2.26 / z) * log_y, _LEAST_ALPHA)


@njit(cache=True)  # type: ignore[untyped-decorator]
def draw_longitudinal(y: float, z: float, first: float, second: float) -> tuple[float, float]:
    """T and alpha of one shower: their logarithms fluctuate together.

    Args:
        y: Energy over critical energy.
        z: Atomic number of the medium.
        first: Standard normal number.
        second: Another one.
    """
    log_y = math.log(y)
    mean_t, mean_alpha = mean_longitudinal(y, z)
    sigma_t = 1.0 / max(-1.4 + 1.26 * log_y, 1.0 / _LEAST_WIDTH)
    sigma_alpha = 1.0 / max(-0.58 + 0.86 * log_y, 1.0 / _LEAST_WIDTH)
    correlation = min(max(0.705 - 0.023 * log_y, -1.0), 1.0)
    plus, minus = math.sqrt(0.5 * (1.0 + correlation)), math.sqrt(0.5 * (1.0 - correlation))
    t = mean_t * math.exp(sigma_t * (plus * first + minus * second))
    alpha = mean_alpha * math.exp(sigma_alpha * (plus * first - minus * second))
    return t, max(alpha, _LEAST_ALPHA)


@njit(cache=True)  # type: ignore[untyped-decorator]
def radial(tau: float, energy: float, z: float) -> tuple[float, float, float]:
    """Core radius and tail radius [Moliere radii] and weight of the core at a depth.

    The radial profile is ``p 2 r Rc^2 / (r^2 + Rc^2)^2 + (1 - p) 2 r Rt^2 / (r^2 + Rt^2)^2``.

    Args:
        tau: Depth over the depth of the shower's mean centre of gravity.
        energy: [GeV].
        z: Atomic number of the medium.
    """
    log_e = math.log(energy)
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * z) * tau
    rise = min((0.3585 + 0.0421 * log_e) * (tau - 0.645), 4.0)
    tail = (0.659 - 0.00309 * z) * (math.exp(-2.59 * (tau - 0.645)) + math.exp(rise))
    q = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log_e)
    weight = (2.632 - 0.00094 * z) * math.exp(q - math.exp(q))
    return max(core, 1e-3), tail, min(max(weight, 0.0), 1.0)


@njit(cache=True)  # type: ignore[untyped-decorator]
def spots(energy: float, z: float) -> float:
    """Mean number of energy spots, ``93 ln Z E^0.876``."""
    return float(93.0 * math.log(z) * energy**0.876)


def mean_profile(energy: float, critical_energy: float, z: float, edges: Array) -> Array:
    """Return the share of the energy in each slice of depth, for the mean shower.

    Args:
        energy: Of an electron that begins to shower at depth 0 [GeV].
        critical_energy: [GeV].
        z: Atomic number of the medium.
        edges: Depths, rising, (K + 1,) [radiation lengths].

    Returns:
        (K,), sums to less than 1 by what lies outside the edges.
    """
    t, alpha = mean_longitudinal(energy / critical_energy, z)
    beta = (alpha - 1.0) / t
    log_gamma = math.lgamma(alpha)
    return np.diff([gamma_fraction(alpha, beta * edge, log_gamma) for edge in np.asarray(edges, np.float64)])
