"""One electromagnetic shower in a sampling calorimeter, from its start in the stack."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from hitforge.core.kernels import njit
from hitforge.simulation.layered.sampling_profile import (
    sampled_longitudinal,
    sampled_radial,
    sampled_spots,
    typical_longitudinal,
)
from hitforge.simulation.layered.sampling_spots import Spots, Stack, TrackLine, scatter

_WINDOW = 15.0  # radiation lengths behind the start: the material that shapes a shower
_FAINT = 3e-5  # of a shower's energy in a layer, behind the maximum
_LEAST = 1e-7  # GeV; a layer with less is empty
_HALO_GRAIN = 2.0  # spread of the halo's spots: single tracks


class EmSettings(NamedTuple):
    """Numbers that shape electromagnetic showers."""

    sampling: float
    spot_density: float
    halo_spot: float
    core_width: float
    tail_width: float
    reach: float
    together: float
    clump_width: float


@njit(cache=True)  # type: ignore[untyped-decorator]
def em_shower(
    stack: Stack, settings: EmSettings, rng: np.random.Generator, spots: Spots, particle: int, energy: float,
    start: float, track: TrackLine,
) -> None:  # fmt: skip
    """Add one electron's shower.

    The profile runs in radiation lengths along the track, whatever the layers; its parameters, in depth and across, are
    those of the material in the 15 radiation lengths behind the start: what a plane sees was made in several layers
    before it. Only the Moliere radius is each layer's. A layer's active energy follows the profile at its plane, with a
    gamma distribution of the layer's sampling fluctuation; spots share it. Those of the halo come in clumps: far from
    the axis a photon makes a pair, or an electron with others behind it.

    Args:
        stack: The calorimeter.
        settings: Numbers that shape the shower.
        rng: Random numbers.
        spots: Buffer.
        particle: Row of the particle.
        energy: [GeV].
        start: Depth at which it begins, radiation lengths along the track.
        track: Its line.
    """
    count = len(stack.depth)
    first = int(np.searchsorted(stack.depth, start * track.cosine))
    last = min(int(np.searchsorted(stack.depth, (start + _WINDOW) * track.cosine)) + 1, count)
    if first >= count or energy <= 0.0:
        return
    total, critical, z, inverse, ratio = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(first, last):
        part = stack.stretch[i]
        total += part
        critical += part * stack.critical_energy[i]
        z += part * stack.z[i]
        inverse += part / stack.frequency[i]
        ratio += part * stack.ratio[i]
    y, z, frequency, ratio = energy * total / critical, z / total, total / inverse, ratio / total
    t, alpha = sampled_longitudinal(y, z, frequency, ratio, rng.standard_normal(), rng.standard_normal())
    _, typical = typical_longitudinal(y, z, frequency, ratio)
    beta = (alpha - 1.0) / t
    log_norm = alpha * math.log(beta) - math.lgamma(alpha)
    per_tau = (alpha - 1.0) / alpha * typical / (typical - 1.0) / t
    per_gev = settings.spot_density * sampled_spots(energy, settings.sampling) / energy
    for i in range(first, count):
        depth = stack.depth[i] / track.cosine - start
        if depth <= 0.0:
            continue
        step = stack.stretch[i] / track.cosine
        expected = energy * step * math.exp(log_norm + (alpha - 1.0) * math.log(depth) - beta * depth)
        if depth > t and expected < _FAINT * energy:
            break
        seen = rng.standard_gamma(expected / stack.noise[i]) * stack.noise[i]
        if seen < _LEAST:
            continue
        core, tail, share = sampled_radial(depth * per_tau, energy, z, frequency, ratio)
        active = seen * stack.gain[i] / stack.weight[i]
        radius = stack.moliere_radius[i]
        # Halo spots are single tracks, so that what lies far out looks like what it is; those of the core are larger.
        track_energy = settings.halo_spot * stack.weight[i] * stack.mip[i]
        inner = int(seen * share * per_gev + rng.random())
        outer = int(seen * (1.0 - share) / track_energy + rng.random())
        if inner + outer == 0:
            inner, outer = (1, 0) if rng.random() < share else (0, 1)
        in_core = share if inner > 0 and outer > 0 else (1.0 if inner > 0 else 0.0)
        reach, height = settings.reach * radius, stack.height[i]
        if inner > 0:
            scatter(
                spots, rng, particle, i, inner, active * in_core / inner, 0.0, core * radius * settings.core_width,
                reach, height, track, 0.0, 0.0, 0.0,
            )  # fmt: skip
        if outer > 0:
            scatter(
                spots, rng, particle, i, outer, active * (1.0 - in_core) / outer, _HALO_GRAIN,
                tail * radius * settings.tail_width, reach, height, track, 0.0, settings.together, settings.clump_width,
            )  # fmt: skip
