"""Hadrons and muons through crystals and the towers behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pydantic import Field

from hitforge.core import config, kinematics
from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.detectors.tower_barrel import TowerBarrel
from hitforge.simulation._growing import longer
from hitforge.simulation.crystal.em_profile import gamma_fraction, mean_longitudinal
from hitforge.simulation.layered.hadron_shower import (
    BARYON_LENGTH,
    ONSET_BARYON,
    ONSET_PION,
    draw_em_fraction,
    em_fraction,
)

_LATER = 0.8  # interaction lengths from the first interaction to later neutral pions, on average
_AT_START = 0.6  # share of neutral pions from the first interaction
_LONGEST = 14  # neutral pions at most
_WANDER = 0.12  # how far later neutral pions lie beside the axis, over how far they lie behind the start
_SHAPE_SPREAD = 0.25  # of the logarithms of the cascade's shape and scale
_LEAST_ALPHA = 0.8
_CORE, _CORE_WIDTH, _HALO_WIDTH = 0.5, 0.12, 0.3  # share and widths of the cascade's profile [interaction lengths]
_EM_WIDTH = 0.25  # of neutral pions' profile [Moliere radii]
_REACH = 4.0  # at which profiles are cut off, in units of the interaction length or ten Moliere radii
_SPOT = 0.2  # GeV
_MOST_SPOTS = 60
_STRAGGLING = 0.15  # relative spread of a track's loss over the depth of a section
_STOPPED = 0.02  # GeV
_STEEPEST = math.radians(80.0)


class HadronShowerSettings(config.Config):
    """How hadrons shower.

    ``binding`` and the towers' ``sampling`` are no measurements: they were chosen so that the plain sum of crystals and
    towers has for pions, from 5 to 300 GeV, a resolution of about 1.1 / sqrt(E) and 0.08 in quadrature. Corrected by
    the share that the crystals have it is 1.0 and 0.08; published for CMS's barrel, with better corrections, is
    0.847 +- 0.016 and 0.074 +- 0.008 (Eur. Phys. J. C 60 (2009) 359).
    """

    spread: float = Field(1.0, gt=0, le=5, description="scale of the fluctuations of the electromagnetic fraction")
    binding: float = Field(
        0.6, ge=0, le=5, description="relative spread of the signal of 1 GeV of hadronic energy [sqrt(GeV)]"
    )


@dataclass(frozen=True)
class BarrelDeposits:
    """Energy that particles leave in cells, at the scale of electrons, in order of particle.

    Attributes:
        particle: Row of the incoming particle, (K,) int64.
        section: 0 crystals, 1 towers, (K,) int64.
        cell: The section's own number, (K,) int64.
        energy: (K,) [GeV].
    """

    particle: Array
    section: Array
    cell: Array
    energy: Array


class _Section(NamedTuple):
    """What the kernel must know of one of the two calorimeters."""

    rows: int
    columns: int
    pitch_u: float
    pitch_v: float
    radius: float
    length: float  # interaction length [mm]
    moliere: float  # [mm]
    response: float  # h/e
    sampling: float  # [sqrt(GeV)]
    mip: float  # [GeV/mm]


def deposit_hadrons(
    crystals: CrystalBarrel, towers: TowerBarrel, settings: HadronShowerSettings, rng: np.random.Generator, pdg: Array,
    energy: Array, position: Array, direction: Array,
) -> BarrelDeposits:  # fmt: skip
    """Let hadrons and muons pass crystals and towers.

    A hadron leaves a track until it interacts. Of its energy a fluctuating part (Gabriel et al., NIM A 338 (1994) 336)
    goes to neutral pions, most of them at the first interaction, whose showers leak from the crystals by the mean
    longitudinal profile (hep-ex/0001020). The rest is a cascade of which crystals and towers get their parts of Bock's
    longitudinal profile (NIM 186 (1981) 533), each with its own response. What passes both leaks. Muons leave a track.
    Low momenta go on straight from the crystals' face, as if there were no field inside.

    Args:
        crystals: In front.
        towers: Behind them.
        settings: Of the showers.
        rng: Random numbers.
        pdg: (N,).
        energy: That becomes visible, (N,) [GeV]: kinetic of baryons.
        position: On the crystals' front faces, (N, 3) [mm].
        direction: Unit vectors, (N, 3).
    """
    c, t = crystals.config, towers.config
    sections = (
        _Section(
            2 * c.rows_per_side, c.columns, c.eta_pitch, 2 * math.pi / c.columns, c.radius, c.interaction_length,
            c.moliere_radius, c.hadron_response, 0.0, c.mip,
        ),
        _Section(
            2 * t.rows_per_side, t.columns, t.eta_pitch, 2 * math.pi / t.columns, t.radius, t.interaction_length,
            1.5 * t.radiation_length, t.hadron_response, t.sampling, t.mip,
        ),
    )  # fmt: skip
    eta, phi = kinematics.eta(*position.T), kinematics.phi(position[:, 0], position[:, 1])
    slope_u, slope_v = _slopes(position, direction)
    kind = np.abs(np.asarray(pdg))
    depth = c.depth * c.radiation_length  # of the crystals, which point at the origin [mm]
    # towers are layers parallel to the beam: deeper away from the middle
    tower_depth = t.depth * t.interaction_length * np.cosh(eta)
    from_start = np.maximum(t.radius - c.radius, 0.0) * np.cosh(eta)
    return BarrelDeposits(
        *_run(
            sections, depth, c.radiation_length, c.critical_energy, c.effective_z, settings.spread, settings.binding,
            rng, kind == 13, np.isin(kind, (211, 321, 13, 2212, 3112, 3222, 3312, 3334)), kind > 1000,
            np.asarray(energy, np.float64), eta, phi, slope_u, slope_v, tower_depth, from_start,
        )
    )  # fmt: skip


def calibration(towers: TowerBarrel, energy: float = 50.0) -> float:
    """Return the factor that makes the mean signal of pions that shower in the towers alone their energy.

    Args:
        towers: The barrel.
        energy: At which it holds [GeV].
    """
    fraction = em_fraction(energy, ONSET_PION)
    return float(1.0 / (fraction + (1.0 - fraction) * towers.config.hadron_response))


def _slopes(position: Array, direction: Array) -> tuple[Array, Array]:
    """How far particles turn from the line to the origin, towards higher eta and azimuth, over path."""
    inward = position / np.linalg.norm(position, axis=1)[:, None]
    phi = kinematics.phi(position[:, 0], position[:, 1])
    around = np.stack([-np.sin(phi), np.cos(phi), np.zeros_like(phi)], axis=1)
    upward = np.cross(inward, around)
    ahead = (direction * inward).sum(1)
    angles = [np.arctan2((direction * of).sum(1), ahead) for of in (upward, around)]
    first, second = (np.tan(np.clip(angle, -_STEEPEST, _STEEPEST)) for angle in angles)
    return first, second


class _Out(NamedTuple):
    """Canvas of one particle: a list of cells, merged at the end."""

    section: Array
    cell: Array
    energy: Array
    used: Array  # (1,)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _put(out: _Out, sections: tuple[_Section, _Section], which: int, u: float, v: float, energy: float) -> None:
    """Add energy at a pseudorapidity and azimuth."""
    s = sections[which]
    row, column = math.floor(u / s.pitch_u + s.rows / 2), math.floor(v / s.pitch_v)
    k = out.used[0]
    if 0 <= row < s.rows and k < len(out.cell):
        out.section[k], out.cell[k], out.energy[k] = which, row * s.columns + column % s.columns, energy
        out.used[0] = k + 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def _throw(
    out: _Out, sections: tuple[_Section, _Section], which: int, rng: np.random.Generator, energy: float, u: float,
    v: float, radius: float, width: float, reach: float,
) -> None:  # fmt: skip
    """Throw spots from the profile ``2 r w^2 / (r^2 + w^2)^2`` about a place at a radius [mm]."""
    if energy <= 0.0:
        return
    number = min(int(energy / _SPOT) + 1, _MOST_SPOTS)
    most = reach * reach / (reach * reach + width * width)
    for _ in range(number):
        s = rng.random() * most
        away = width * math.sqrt(s / (1.0 - s)) / radius
        turn = 2.0 * math.pi * rng.random()
        _put(out, sections, which, u + away * math.cos(turn), v + away * math.sin(turn), energy / number)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _track(
    out: _Out, sections: tuple[_Section, _Section], which: int, rng: np.random.Generator, loss: float, u: float,
    v: float, spread: tuple[float, float],
) -> float:  # fmt: skip
    """Leave a minimum ionising track's energy along its way through a section, and return it."""
    energy = loss * max(1.0 + _STRAGGLING * rng.standard_normal(), 0.2)
    for step in range(4):
        at = (step + 0.5) / 4
        _put(out, sections, which, u + at * spread[0], v + at * spread[1], energy / 4)
    return energy


@njit(cache=True)  # type: ignore[untyped-decorator]
def _run(
    sections: tuple[_Section, _Section], depth: float, x0: float, critical: float, z: float, spread: float,
    binding: float, rng: np.random.Generator, muon: Array, charged: Array, baryon: Array, energies: Array, eta: Array,
    phi: Array, slope_u: Array, slope_v: Array, tower_depth: Array, gap: Array,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    count, room = len(energies), 1024 + 128 * len(energies)
    particle, section = np.empty(room, np.int64), np.empty(room, np.int64)
    cell, energy = np.empty(room, np.int64), np.empty(room)
    used = 0
    out = _Out(np.empty(8192, np.int64), np.empty(8192, np.int64), np.empty(8192), np.zeros(1, np.int64))
    for k in range(count):
        out.used[0] = 0
        _one(
            out, sections, depth, x0, critical, z, spread, binding, rng, muon[k], charged[k], baryon[k], energies[k],
            eta[k], phi[k], slope_u[k], slope_v[k], tower_depth[k], gap[k],
        )  # fmt: skip
        number = out.used[0]
        order = np.argsort(out.section[:number] * (1 << 40) + out.cell[:number])
        if used + number > room:
            room = 2 * room + number
            particle, section = longer(particle, room), longer(section, room)
            cell, energy = longer(cell, room), longer(energy, room)
        first = used
        for i in order:
            same = used > first and section[used - 1] == out.section[i] and cell[used - 1] == out.cell[i]
            if same:
                energy[used - 1] += out.energy[i]
            else:
                particle[used], section[used], cell[used] = k, out.section[i], out.cell[i]
                energy[used] = out.energy[i]
                used += 1
    return particle[:used].copy(), section[:used].copy(), cell[:used].copy(), energy[:used].copy()


@njit(cache=True)  # type: ignore[untyped-decorator]
def _place(u: float, slope: float, path: float, radius: float, rise: float) -> float:
    """Pseudorapidity or azimuth behind so much path from the face [mm]; ``rise`` is the cosh of eta."""
    return u + slope * path / (radius + path / rise)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _one(
    out: _Out, sections: tuple[_Section, _Section], depth: float, x0: float, critical: float, z: float, spread: float,
    binding: float, rng: np.random.Generator, muon: bool, charged: bool, baryon: bool, energy: float, eta: float,
    phi: float, slope_u: float, slope_v: float, tower_depth: float, gap: float,
) -> None:  # fmt: skip
    """One particle's way; lengths in mm along its path from the crystals' face."""
    ecal, hcal = sections
    rise = math.cosh(eta)
    front = ecal.radius
    in_crystals, in_towers = depth / ecal.length, tower_depth / hcal.length  # interaction lengths
    start = 1e9 if muon else rng.exponential(BARYON_LENGTH if baryon else 1.0)
    if charged:
        passed = min(start / in_crystals, 1.0)
        loss = ecal.mip * depth * passed
        u, v = _place(eta, 0.0, 0.0, front, rise), phi
        turned = (slope_u * depth * passed / front, slope_v * depth * passed / front)
        if energy < loss + _STOPPED:
            start = min(start, max(energy / (ecal.mip * depth), 0.0) * in_crystals)
        else:
            energy -= _track(out, sections, 0, rng, loss, u, v, turned)
        if start > in_crystals and energy > _STOPPED:
            passed = min((start - in_crystals) / in_towers, 1.0)
            loss = hcal.mip * tower_depth * passed
            u, v = _place(eta, slope_u, gap, front, rise), _place(phi, slope_v, gap, front, rise)
            turned = (
                _place(eta, slope_u, gap + tower_depth * passed, front, rise) - u,
                _place(phi, slope_v, gap + tower_depth * passed, front, rise) - v,
            )
            if energy < loss + _STOPPED:
                start = min(start, in_crystals + max(energy / (hcal.mip * tower_depth), 0.0) * in_towers)
            else:
                energy -= _track(out, sections, 1, rng, loss, u, v, turned)
    if start >= in_crystals + in_towers or energy <= 0.0:
        return
    fraction = draw_em_fraction(rng, energy, ONSET_BARYON if baryon else ONSET_PION, spread)
    whole = in_crystals + in_towers
    em_in_towers = 0.0
    if fraction > 0.0:
        number = min(1 + rng.poisson(0.6 + 0.6 * math.log(1.0 + energy)), _LONGEST)
        parts = np.empty(number)
        for i in range(number):
            parts[i] = rng.exponential(1.0)
        parts *= fraction * energy / parts.sum()
        for i in range(number):
            behind = 0.0 if i == 0 or rng.random() < _AT_START else rng.exponential(_LATER)
            at = start + behind
            if at >= whole:
                continue
            aside = _WANDER * behind * ecal.length
            du, dv = aside * rng.standard_normal(), aside * rng.standard_normal()
            if at < in_crystals:
                path = at * ecal.length
                y = max(parts[i] / critical, 1.5)
                t, alpha = mean_longitudinal(y, z)
                left = max((depth - path) / x0 - rng.exponential(9.0 / 7.0), 0.0)
                kept = gamma_fraction(alpha, (alpha - 1.0) / t * left, math.lgamma(alpha)) if left > 0.0 else 0.0
                radius = front + path / rise
                u = _place(eta, slope_u, path, front, rise) + du / radius
                v = _place(phi, slope_v, path, front, rise) + dv / radius
                _throw(out, sections, 0, rng, parts[i] * kept, u, v, radius, _EM_WIDTH * ecal.moliere, 8 * ecal.moliere)
                leaked, path = parts[i] * (1.0 - kept), gap
            else:
                leaked, path = parts[i], gap + (at - in_crystals) * hcal.length
            if leaked > 0.0:
                em_in_towers += leaked
                seen = leaked
                if hcal.sampling > 0.0:
                    shape = leaked / hcal.sampling**2
                    seen = leaked * rng.standard_gamma(shape) / shape
                radius = front + path / rise
                u = _place(eta, slope_u, path, front, rise) + du / radius
                v = _place(phi, slope_v, path, front, rise) + dv / radius
                _throw(out, sections, 1, rng, seen, u, v, radius, _EM_WIDTH * hcal.moliere, 8 * hcal.moliere)
    _cascade(
        out, sections, binding, rng, energy, (1.0 - fraction) * energy, start, in_crystals, whole, eta, phi, slope_u,
        slope_v, gap, rise,
    )  # fmt: skip


@njit(cache=True)  # type: ignore[untyped-decorator]
def _cascade(
    out: _Out, sections: tuple[_Section, _Section], binding: float, rng: np.random.Generator, energy: float,
    rest: float, start: float, in_crystals: float, whole: float, eta: float, phi: float, slope_u: float,
    slope_v: float, gap: float, rise: float,
) -> None:  # fmt: skip
    """Add what is not electromagnetic, in slices of half an interaction length."""
    if rest <= 0.0:
        return
    ecal, hcal = sections
    log_e = math.log(max(energy, 0.5))
    alpha = max((0.62 + 0.32 * log_e) * math.exp(_SHAPE_SPREAD * rng.standard_normal()), _LEAST_ALPHA)
    beta = (0.91 - 0.02 * log_e) * math.exp(_SHAPE_SPREAD * rng.standard_normal())
    log_gamma = math.lgamma(alpha)
    at, before = start, 0.0
    while at < whole and before < 0.999:
        inside = at < in_crystals
        end = min(at + 0.5, in_crystals if inside else whole)
        after = gamma_fraction(alpha, beta * (end - start), log_gamma)
        here, before = rest * (after - before), after
        middle = 0.5 * (at + end)
        s = ecal if inside else hcal
        path = middle * ecal.length if inside else gap + (middle - in_crystals) * hcal.length
        at = end
        if here <= 1e-4:
            continue
        seen = s.response * here
        if binding > 0.0:
            shape = here / (binding * binding)
            seen *= rng.standard_gamma(shape) / shape
        if s.sampling > 0.0 and seen > 0.0:
            shape = seen / s.sampling**2
            seen *= rng.standard_gamma(shape) / shape
        radius = ecal.radius + path / rise
        u, v = _place(eta, slope_u, path, ecal.radius, rise), _place(phi, slope_v, path, ecal.radius, rise)
        which = 0 if inside else 1
        reach = _REACH * s.length
        _throw(out, sections, which, rng, _CORE * seen, u, v, radius, _CORE_WIDTH * s.length, reach)
        _throw(out, sections, which, rng, (1.0 - _CORE) * seen, u, v, radius, _HALO_WIDTH * s.length, reach)
