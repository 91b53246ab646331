"""Hadronic showers in a sampling calorimeter: neutral pions inside a wide, faint and late cascade."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from hitforge.core.kernels import njit
from hitforge.simulation.crystal.em_profile import gamma_fraction
from hitforge.simulation.layered.muon import cross_layer
from hitforge.simulation.layered.sampling_em import EmSettings, em_shower
from hitforge.simulation.layered.sampling_spots import Spots, Stack, TrackLine, carry_depth, scatter

_STOPPED = 0.02  # GeV; a hadron with less is absorbed where it is
BARYON_LENGTH = 0.85  # interaction length of nucleons over that of pions
ONSET_PION, ONSET_BARYON = 1.0, 2.6  # GeV; energies from which neutral pions are made
_POWER = 0.85  # exponent k of the electromagnetic fraction
_NUMBER_SLOPE, _NUMBER_ONSET, _NUMBER_LEAST = 4.6, 11.6, 1.1
_PIONS_AT_START = 0.6  # share of neutral pions from the first interaction
_LATER = 0.8  # interaction lengths to the others, on average
_KICK = 0.35  # GeV; mean transverse momentum of a neutral pion
_WANDER = 0.12  # how far later neutral pions lie beside the axis, over how far they lie behind the start
_STEEPEST = 0.5
_LONGEST = 14  # neutral pions at most
_SHAPE_SPREAD = 0.25  # of the logarithms of the cascade's shape and scale
_LEAST_ALPHA = 0.8
_GRAIN = 1.5  # shape of the distribution of a spot's energy: tracks, and fragments that ionise much
_SPOT = 1.2  # MIPs in a spot
_CORE = 0.5  # share of spots in the inner component
_CORE_WIDTH, _CORE_GROWTH = 0.10, 0.05  # interaction lengths, and per interaction length of depth
_HALO_WIDTH, _HALO_GROWTH = 0.25, 0.05
_REACH = 4.0  # interaction lengths
_FAINT = 1e-4  # of the cascade's energy, behind its middle
_PROMPT = 0.1  # ns


class HadronSettings(NamedTuple):
    """Numbers that shape hadronic showers."""

    response: float
    spread: float
    binding: float
    graininess: float
    late_share: float
    late_time: float


@njit(cache=True)  # type: ignore[untyped-decorator]
def em_fraction(energy: float, onset: float) -> float:
    """Mean electromagnetic fraction, ``1 - (E / E0)^(k - 1)`` (Gabriel et al., NIM A 338 (1994) 336), 0 below E0."""
    return max(1.0 - (energy / onset) ** (_POWER - 1.0), 0.0) if energy > onset else 0.0


@njit(cache=True)  # type: ignore[untyped-decorator]
def draw_em_fraction(rng: np.random.Generator, energy: float, onset: float, spread: float) -> float:
    """Electromagnetic fraction of one shower: a beta distribution around the mean.

    Its variance is ``m (1 - m) / (1 + n)`` with ``n = 4.6 ln(E / 11.6 GeV) / spread^2``, not below 1.1: chosen so that
    the resolution of pions follows the beam test of the HGCAL prototype (arXiv:2211.04740).
    """
    mean = em_fraction(energy, onset)
    if mean <= 1e-3:
        return 0.0
    number = max(_NUMBER_SLOPE * math.log(energy / _NUMBER_ONSET), _NUMBER_LEAST) / (spread * spread)
    first = rng.standard_gamma(mean * number)
    return float(first / max(first + rng.standard_gamma((1.0 - mean) * number), 1e-12))


@njit(cache=True)  # type: ignore[untyped-decorator]
def hadron(
    stack: Stack, em: EmSettings, settings: HadronSettings, rng: np.random.Generator, spots: Spots, particle: int,
    energy: float, charged: bool, baryon: bool, track: TrackLine,
) -> None:  # fmt: skip
    """Add a hadron: a track if it is charged, its first interaction, neutral pions and the rest of the cascade.

    Args:
        stack: The calorimeter.
        em: Of the neutral pions' showers.
        settings: Of the cascade.
        rng: Random numbers.
        spots: Buffer.
        particle: Row of the particle.
        energy: [GeV].
        charged: Leaves a track before it interacts.
        baryon: Interacts sooner and makes fewer neutral pions.
        track: Its line.
    """
    start = rng.exponential(BARYON_LENGTH if baryon else 1.0)  # interaction lengths along the track
    first = int(np.searchsorted(stack.hadronic_depth, start * track.cosine))
    for layer in range(min(first, len(stack.height))):
        if charged:
            loss = stack.weight[layer] * stack.mip[layer] / track.cosine
            if energy < loss + _STOPPED:
                start = min(start, stack.hadronic_depth[layer] / track.cosine)
                break
            energy -= loss
            cross_layer(stack, rng, spots, particle, layer, track)
    if start * track.cosine >= stack.hadronic_depth[-1]:
        return
    fraction = draw_em_fraction(rng, energy, ONSET_BARYON if baryon else ONSET_PION, settings.spread)
    if fraction > 0.0:
        _neutral_pions(stack, em, rng, spots, particle, fraction * energy, start, track)
    _cascade(stack, settings, rng, spots, particle, energy, (1.0 - fraction) * energy, start, track)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _neutral_pions(
    stack: Stack, em: EmSettings, rng: np.random.Generator, spots: Spots, particle: int, energy: float, start: float,
    track: TrackLine,
) -> None:  # fmt: skip
    """Share the electromagnetic energy between neutral pions, most of them at the first interaction."""
    number = min(1 + rng.poisson(0.6 + 0.6 * math.log(1.0 + energy)), _LONGEST)
    parts = np.empty(number)
    total = 0.0
    for k in range(number):
        parts[k] = rng.exponential(1.0)
        total += parts[k]
    for k in range(number):
        part = energy * parts[k] / total
        behind = 0.0 if k == 0 or rng.random() < _PIONS_AT_START else rng.exponential(_LATER)
        depth = (start + behind) * track.cosine
        if depth >= stack.hadronic_depth[-1]:
            continue
        height = carry_depth(stack.hadronic_depth, depth, stack.height)
        path = carry_depth(stack.hadronic_depth, depth, stack.depth) / track.cosine + rng.exponential(9.0 / 7.0)
        # A line through the place of the neutral pion, its own slope; the place lies beside the axis if it comes later.
        away = _WANDER * (height - carry_depth(stack.hadronic_depth, start * track.cosine, stack.height))
        slope = min(_KICK * rng.standard_gamma(2.0) * 0.5 / max(part, 1e-3), _STEEPEST)
        turn = 2.0 * math.pi * rng.random()
        kick_x, kick_y = slope * math.cos(turn), slope * math.sin(turn)
        aside_x, aside_y = away * rng.standard_normal(), away * rng.standard_normal()
        line = TrackLine(
            track.x + aside_x - kick_x * height, track.y + aside_y - kick_y * height, track.slope_x + kick_x,
            track.slope_y + kick_y, track.cosine, track.time,
        )  # fmt: skip
        em_shower(stack, em, rng, spots, particle, part, path, line)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _cascade(
    stack: Stack, settings: HadronSettings, rng: np.random.Generator, spots: Spots, particle: int, energy: float,
    rest: float, start: float, track: TrackLine,
) -> None:  # fmt: skip
    """Add what is not electromagnetic: fainter by h/e, wider, and in part late.

    Its length goes as Bock's et al. (NIM 186 (1981) 533): a gamma distribution in interaction lengths with
    ``alpha = 0.62 + 0.32 ln E`` and ``beta = 0.91 - 0.02 ln E``.
    """
    if rest <= 0.0:
        return
    shape = rest / (settings.binding * settings.binding)
    seen = settings.response * rest * rng.standard_gamma(shape) / shape
    log_e = math.log(max(energy, 0.5))
    alpha = max((0.62 + 0.32 * log_e) * math.exp(_SHAPE_SPREAD * rng.standard_normal()), _LEAST_ALPHA)
    beta = (0.91 - 0.02 * log_e) * math.exp(_SHAPE_SPREAD * rng.standard_normal())
    log_gamma = math.lgamma(alpha)
    before = 0.0
    first = int(np.searchsorted(stack.hadronic_depth, start * track.cosine))
    for i in range(first, len(stack.height)):
        depth = stack.hadronic_depth[i] / track.cosine - start
        after = gamma_fraction(alpha, beta * depth, log_gamma)
        expected, before = seen * (after - before), after
        if beta * depth > alpha and expected < _FAINT * seen:
            break
        noise = stack.noise[i] * settings.graininess * settings.graininess
        here = rng.standard_gamma(expected / noise) * noise if expected > 0.0 else 0.0
        spot = _SPOT * stack.weight[i] * stack.mip[i]
        number = int(here / spot + rng.random())
        if number == 0:
            continue
        active = here / stack.weight[i] / number
        length, height = stack.interaction_length[i], stack.height[i]
        late = rng.binomial(number, settings.late_share)
        inner = rng.binomial(number - late, _CORE)
        narrow = (_CORE_WIDTH + _CORE_GROWTH * depth) * length
        wide = (_HALO_WIDTH + _HALO_GROWTH * depth) * length
        reach = _REACH * length
        scatter(spots, rng, particle, i, inner, active, _GRAIN, narrow, reach, height, track, _PROMPT, 0.0, 0.0)
        scatter(
            spots,
            rng,
            particle,
            i,
            number - late - inner,
            active,
            _GRAIN,
            wide,
            reach,
            height,
            track,
            _PROMPT,
            0.0,
            0.0,
        )
        scatter(spots, rng, particle, i, late, active, _GRAIN, wide, reach, height, track, settings.late_time, 0.0, 0.0)
