"""Minimum ionising tracks in a sampling calorimeter: muons, and hadrons before they interact."""

from __future__ import annotations

import math

import numpy as np

from hitforge.core.kernels import njit
from hitforge.core.units import C_LIGHT
from hitforge.simulation.layered.sampling_em import EmSettings, em_shower
from hitforge.simulation.layered.sampling_spots import Spots, Stack, TrackLine, add_spot

_SPREAD = 0.1  # width of the straggling over its most probable energy: 0.3 mm of silicon
_KNOCK = 0.1  # knock-on electrons of more than half a MIP in a crossing
_KNOCK_LEAST, _KNOCK_MOST = 0.5, 50.0  # MIPs; their number falls as 1 / energy^2
_PER_MM = 0.29e-3  # GeV; most probable energy in a millimetre of silicon
_MASSES = 2.34e-5  # squared electron mass over squared muon mass
_HARD = 1.0  # GeV; photons below it count as part of the track


@njit(cache=True)  # type: ignore[untyped-decorator]
def straggled(rng: np.random.Generator, most_probable: float) -> float:
    """Energy that a track leaves in a thin layer [GeV]: Moyal's distribution (1955) and rare knock-on electrons."""
    normal = rng.standard_normal()
    value = 1.0 - _SPREAD * math.log(max(normal * normal, 1e-30))
    if rng.random() < _KNOCK:
        value += min(_KNOCK_LEAST / max(rng.random(), 1e-9), _KNOCK_MOST)
    return most_probable * value


@njit(cache=True)  # type: ignore[untyped-decorator]
def cross_layer(
    stack: Stack, rng: np.random.Generator, spots: Spots, particle: int, layer: int, track: TrackLine
) -> None:
    """Let a track cross a layer; an inclined one may share its energy between the cells it enters and leaves."""
    energy = straggled(rng, stack.mip[layer] / track.cosine)
    height = stack.height[layer]
    x, y = track.x + track.slope_x * height, track.y + track.slope_y * height
    time = track.time + height / track.cosine / C_LIGHT
    half = 0.5 * stack.mip[layer] / _PER_MM
    cut = rng.random()  # where along the crossing
    back = -half * (1.0 - cut)
    add_spot(spots, particle, layer, x + back * track.slope_x, y + back * track.slope_y, energy * cut, time)
    back = half * cut
    add_spot(spots, particle, layer, x + back * track.slope_x, y + back * track.slope_y, energy * (1.0 - cut), time)


@njit(cache=True)  # type: ignore[untyped-decorator]
def muon(
    stack: Stack, settings: EmSettings, rng: np.random.Generator, spots: Spots, particle: int, energy: float,
    track: TrackLine,
) -> None:  # fmt: skip
    """Add a muon: a track through every layer until its energy is spent, and now and then a hard photon's shower.

    Photons above 1 GeV come with ``4/3 (m_e / m_mu)^2 (1 - v + 3/4 v^2) / v dv`` a radiation length, v their share of
    the energy (complete screening).

    Args:
        stack: The calorimeter.
        settings: Of the photons' showers.
        rng: Random numbers.
        spots: Buffer.
        particle: Row of the particle.
        energy: [GeV].
        track: Its line.
    """
    rate = 4.0 / 3.0 * _MASSES * math.log(energy / _HARD) if energy > _HARD else 0.0
    for layer in range(len(stack.height)):
        energy -= stack.weight[layer] * stack.mip[layer] / track.cosine
        if energy <= 0.0:
            return
        cross_layer(stack, rng, spots, particle, layer, track)
        step = stack.stretch[layer] / track.cosine
        if energy > _HARD and rng.random() < rate * step:
            share = (_HARD / energy) ** rng.random()
            if rng.random() < 1.0 - share + 0.75 * share * share:
                start = stack.depth[layer] / track.cosine - rng.random() * step
                em_shower(stack, settings, rng, spots, particle, share * energy, start + rng.exponential(9 / 7), track)
                energy -= share * energy
