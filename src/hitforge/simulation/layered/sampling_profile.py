"""Mean and fluctuations of electromagnetic showers in a sampling calorimeter, after Grindhammer and Peters.

G. Grindhammer and S. Peters, "The parameterized simulation of electromagnetic showers in homogeneous and sampling
calorimeters", hep-ex/0001020, section 4 and appendix A.2: the homogeneous formulas of ``em_profile`` with corrections
that go with the sampling frequency F_S (radiation length over thickness of a layer) and with e-hat, the signal of
electrons over that of minimum ionising particles. Depths are in radiation lengths, radii in Moliere radii, and ``y`` is
the energy in units of the critical energy.
"""

from __future__ import annotations

import math

from hitforge.core.kernels import njit
from hitforge.simulation.crystal.em_profile import mean_longitudinal
from hitforge.simulation.crystal.em_profile import radial as homogeneous_radial

# The formulas were fitted above 1 GeV; below they need these bounds to stay physical.
_LEAST_T = 0.3
_LEAST_ALPHA = 1.1
_LEAST_WIDTH = 0.4
_LEAST_Y = 2.3  # the mean depth of the maximum is 0 there
_LEAST_ENERGY = 0.1  # GeV, for the logarithms of the radial profile
_CORE_AT_LEAST = 0.02  # Moliere radii


@njit(cache=True)  # type: ignore[untyped-decorator]
def signal_ratio(absorber_z: float, active_z: float) -> float:
    """e-hat, the signal of electrons over that of minimum ionising particles: ``1 / (1 + 0.007 (Z_p - Z_a))``.

    Args:
        absorber_z: Atomic number of the passive material, weighted by radiation lengths.
        active_z: Atomic number of the active material.
    """
    return 1.0 / (1.0 + 0.007 * (absorber_z - active_z))


@njit(cache=True)  # type: ignore[untyped-decorator]
def typical_longitudinal(y: float, z: float, frequency: float, ratio: float) -> tuple[float, float]:
    """Depth of the maximum T and shape alpha of the typical single shower: their mean logarithms, raised again.

    Args:
        y: Energy over critical energy.
        z: Effective atomic number.
        frequency: Sampling frequency F_S.
        ratio: e-hat, see :func:`signal_ratio`.
    """
    t, alpha = mean_longitudinal(max(y, _LEAST_Y), z)
    t -= 0.55 / frequency + 0.69 * (1.0 - ratio)
    return max(t, _LEAST_T), max(alpha - 0.476 / frequency, _LEAST_ALPHA)


@njit(cache=True)  # type: ignore[untyped-decorator]
def sampled_longitudinal(
    y: float, z: float, frequency: float, ratio: float, first: float, second: float
) -> tuple[float, float]:
    """T and alpha of one shower: their logarithms fluctuate together.

    Args:
        y: Energy over critical energy.
        z: Effective atomic number.
        frequency: Sampling frequency F_S.
        ratio: e-hat, see :func:`signal_ratio`.
        first: Standard normal number.
        second: Another one.
    """
    log_y = math.log(max(y, _LEAST_Y))
    t, alpha = typical_longitudinal(y, z, frequency, ratio)
    sigma_t = 1.0 / max(-2.5 + 1.25 * log_y, 1.0 / _LEAST_WIDTH)
    sigma_alpha = 1.0 / max(-0.82 + 0.79 * log_y, 1.0 / _LEAST_WIDTH)
    correlation = min(max(0.784 - 0.023 * log_y, -1.0), 1.0)
    plus, minus = math.sqrt(0.5 * (1.0 + correlation)), math.sqrt(0.5 * (1.0 - correlation))
    t *= math.exp(sigma_t * (plus * first + minus * second))
    alpha *= math.exp(sigma_alpha * (plus * first - minus * second))
    return t, max(alpha, _LEAST_ALPHA)


@njit(cache=True)  # type: ignore[untyped-decorator]
def sampled_radial(tau: float, energy: float, z: float, frequency: float, ratio: float) -> tuple[float, float, float]:
    """Core radius and tail radius [Moliere radii] and weight of the core at a depth.

    The radial profile is ``p 2 r Rc^2 / (r^2 + Rc^2)^2 + (1 - p) 2 r Rt^2 / (r^2 + Rt^2)^2``.

    Args:
        tau: Depth over the depth of the shower's mean centre of gravity.
        energy: [GeV].
        z: Effective atomic number.
        frequency: Sampling frequency F_S.
        ratio: e-hat, see :func:`signal_ratio`.
    """
    core, tail, weight = homogeneous_radial(tau, max(energy, _LEAST_ENERGY), z)
    fall = math.exp(-tau)
    # Layers much thicker than a radiation length lie outside the fit: the corrections stop where F_S does.
    inverse = min(1.0 / frequency, 1.5)
    core += -0.0203 * (1.0 - ratio) + 0.0397 * inverse * fall
    tail += -0.14 * (1.0 - ratio) - 0.495 * inverse * fall
    weight += (1.0 - ratio) * (0.348 - 0.642 * inverse * math.exp(-((tau - 1.0) ** 2)))
    core = max(core, _CORE_AT_LEAST)
    return core, max(tail, core), min(max(weight, 0.0), 1.0)


@njit(cache=True)  # type: ignore[untyped-decorator]
def sampled_spots(energy: float, sampling: float) -> float:
    """Mean number of energy spots, ``10.3 / c E^0.959``, with the stochastic term c [sqrt(GeV)] of the resolution."""
    return float(10.3 / sampling * energy**0.959)
