"""Showers and tracks in a sampling calorimeter of layers: what particles leave in its cells.

There is no magnetic field: particles and showers go straight. Nothing comes back out of the front face, and a particle
meets no material before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.kernels import njit
from hitforge.core.particles import PION_ZERO_MASS
from hitforge.core.units import C_LIGHT
from hitforge.detectors import LayeredDetector
from hitforge.simulation.layered.hadron_shower import HadronSettings, hadron
from hitforge.simulation.layered.muon import muon
from hitforge.simulation.layered.sampling_em import EmSettings, em_shower
from hitforge.simulation.layered.sampling_spots import Spots, Stack, TrackLine, build_stack, empty_spots

_ROOM = 1 << 18  # spots in a chunk
_ELECTRON, _PHOTON, _PION_ZERO, _MUON, _HADRON = 0, 1, 2, 3, 4
_CHARGED, _BARYON = 8, 16  # flags of a hadron's kind
_CHARGES = np.array([0, -1, 2, -1, 2, -1, 2])  # of quarks by flavour, in thirds


class SamplingSettings(config.Config):
    """How showers in a calorimeter of layers are drawn. Defaults follow beam tests and Geant4 where these say."""

    sampling: float = Field(
        0.21, gt=0, le=1, description="stochastic term of electrons in the first section; grain adds 5 % [sqrt(GeV)]"
    )
    uniformity: float = Field(0.004, ge=0, le=0.2, description="spread of the response from shower to shower")
    odd_even: float = Field(
        1.0, gt=0.2, le=5, description="signal of odd layers (from 0) over even ones, beyond what their materials make"
    )
    spot_density: float = Field(0.75, gt=0, le=10, description="spots in cores relative to 10.3 / c E^0.959")
    halo_spot: float = Field(1.2, gt=0.1, le=20, description="energy of a spot in the halo [MIP]")
    clump: float = Field(3.3, ge=1, le=20, description="mean number of the halo's spots that lie together in a layer")
    clump_width: float = Field(2.0, ge=0, le=50, description="median distance of such a spot from the one before [mm]")
    core_width: float = Field(1.1, gt=0.2, le=5, description="factor on the published radius of the core")
    tail_width: float = Field(1.12, gt=0.2, le=5, description="factor on the published radius of the tail")
    reach: float = Field(12.0, gt=1, le=30, description="largest radius of electromagnetic showers [Moliere radii]")
    hadron_response: float = Field(
        0.35, gt=0, le=1.5, description="h/e: signal of hadronic energy over electromagnetic"
    )
    fraction_spread: float = Field(
        1.0, ge=0.05, le=1.6, description="factor on the fluctuation of the electromagnetic fraction of hadrons"
    )
    binding: float = Field(0.45, gt=0, le=2, description="fluctuation of invisible hadronic energy [sqrt(GeV)]")
    graininess: float = Field(
        1.5, gt=0, le=10, description="sampling fluctuation of hadronic energy over that of electrons in a layer"
    )
    late_share: float = Field(0.12, ge=0, le=0.9, description="share of hadronic energy that slow neutrons carry")
    late_time: float = Field(10.0, gt=0, le=1000, description="mean delay of the late share [ns]")


@dataclass(frozen=True)
class LayerDeposits:
    """Energy that particles leave in active layers, in order of particle."""

    particle: Array  # (K,) int64, row of the incoming particle
    cell: Array  # (K,) int64, one entry a particle and cell
    energy: Array  # (K,) float32, active energy [GeV]
    time: Array  # (K,) float32, mean time of arrival, energy-weighted [ns]
    barycentre: Array  # (N, 3) mean place of each particle's deposits, weighted by energy times layers.weight [mm]
    total: Array  # (N,) sum of energy times layers.weight [GeV]


def deposit_in_layers(
    detector: LayeredDetector, settings: SamplingSettings, rng: np.random.Generator, pdg: Array, energy: Array,
    position: Array, direction: Array,
) -> LayerDeposits:  # fmt: skip
    """Let particles shower in a calorimeter of layers, or cross it.

    Electrons shower at once. A photon first travels 9/7 radiation lengths on average. A neutral pion decays as far
    before the face as the origin is, into two photons. Hadrons interact after an interaction length on average.

    Args:
        detector: The calorimeter.
        settings: How to draw.
        rng: Random numbers.
        pdg: 11 electron, 22 photon, 111 neutral pion, 13 muon, and hadrons; either sign, (N,).
        energy: (N,) [GeV].
        position: On the front face of either side, (N, 3) [mm].
        direction: Unit vectors, away from the origin in z, (N, 3).

    Returns:
        Deposits in cells. ``barycentre`` is the entry point for a particle that leaves nothing.

    Raises:
        ConfigError: A particle is of none of these kinds, has no positive energy, or flies towards the middle.
    """
    pdg = np.asarray(pdg, np.int64)
    energy = np.asarray(energy, np.float64)
    position, direction = np.asarray(position, np.float64), np.asarray(direction, np.float64)
    kind = _kinds(pdg)
    side = np.where(position[:, 2] < 0, -1, 1) if len(pdg) else np.zeros(0, np.int64)
    cosine = direction[:, 2] * side
    if not np.all(cosine > 0):
        raise ConfigError("a particle must fly away from the origin in z", came=direction[~(cosine > 0)][0].tolist())
    if not np.all((energy > 0) & np.isfinite(energy)):
        raise ConfigError("a particle's energy must be positive", came=float(energy[~(energy > 0)][0]))
    stack = build_stack(detector, settings.sampling, settings.odd_even)
    em = EmSettings(
        settings.sampling, settings.spot_density, settings.halo_spot, settings.core_width, settings.tail_width,
        settings.reach, 1.0 - 1.0 / settings.clump, settings.clump_width,
    )  # fmt: skip
    hadronic = HadronSettings(
        settings.hadron_response, settings.fraction_spread, settings.binding, settings.graininess, settings.late_share,
        settings.late_time,
    )  # fmt: skip
    flight = np.linalg.norm(position, axis=1)
    lines = np.column_stack(
        [position[:, :2], direction[:, :2] / np.maximum(cosine, 1e-9)[:, None], cosine, flight / C_LIGHT]
    )  # (N, 6)
    # Spots for a GeV, twice over: those of cores, and single tracks wherever they cost least.
    least = float(np.min(stack.weight * stack.mip)) * min(settings.halo_spot, 1.0)
    per_gev = 2.0 * (settings.spot_density * 20.0 / settings.sampling + 1.0 / least)
    room = max(_ROOM, int(per_gev * float(energy.max(initial=0.0))) + 2000)
    spots = empty_spots(room)
    total, moments = np.zeros(len(pdg)), np.zeros((len(pdg), 3))
    parts: list[tuple[Array, ...]] = []
    first = 0
    while first < len(pdg):
        first = _fill(
            stack, em, hadronic, settings.uniformity, rng, spots, first, kind, energy, lines, flight, side, per_gev
        )
        used = int(spots.used[0])
        cell = detector.cell_in(spots.layer[:used], spots.x[:used], spots.y[:used], side[spots.particle[:used]])
        parts.append(_merge(spots, np.asarray(cell, np.int64), stack.weight, stack.height, total, moments))
        spots.used[0] = 0
    empty: tuple[Array, ...] = (np.zeros(0, np.int64), np.zeros(0, np.int64), *[np.zeros(0, np.float32)] * 2)
    columns = [np.concatenate(column) for column in zip(*(parts or [empty]), strict=True)]
    barycentre = position.copy()
    some = total > 0
    barycentre[some] = moments[some] / total[some, None]
    barycentre[some, 2] = side[some] * (detector.front + barycentre[some, 2])
    particle, cells, active, time = columns
    return LayerDeposits(particle, cells, active, time, barycentre, total)


def _kinds(pdg: Array) -> Array:
    """Kind of each particle, (N,) int64: a number below 4, or 4 and flags for hadrons."""
    code = np.abs(pdg)
    kind = np.full(len(code), -1, np.int64)
    ones, tens, hundreds, thousands = (code // 10**k % 10 for k in range(4))
    quarks = (tens > 0) & (tens < 6) & (hundreds > 0) & (hundreds < 6) & (thousands < 6) & (code < 10**7)
    baryon = quarks & (thousands > 0) & (ones > 0)
    charge = np.where(
        baryon,
        _CHARGES[np.where(quarks, thousands, 0)] + _CHARGES[np.where(quarks, hundreds, 0)]
        + _CHARGES[np.where(quarks, tens, 0)],
        _CHARGES[np.where(quarks, hundreds, 0)] - _CHARGES[np.where(quarks, tens, 0)],
    )  # fmt: skip
    kind[quarks] = (_HADRON + _CHARGED * (charge != 0) + _BARYON * baryon)[quarks]
    for number, name in ((11, _ELECTRON), (22, _PHOTON), (111, _PION_ZERO), (13, _MUON)):
        kind[code == number] = name
    if np.any(kind < 0):
        raise ConfigError(
            "a particle must be an electron (11), photon (22), muon (13) or hadron", came=int(pdg[kind < 0][0])
        )
    return kind


@njit(cache=True)  # type: ignore[untyped-decorator]
def _fill(
    stack: Stack, em: EmSettings, hadronic: HadronSettings, uniformity: float, rng: np.random.Generator, spots: Spots,
    first: int, kind: Array, energy: Array, lines: Array, flight: Array, side: Array, per_gev: float,
) -> int:  # fmt: skip
    """Draw particles until the buffer might not hold another one; return the row of that one."""
    for k in range(first, len(kind)):
        if k > first and len(spots.energy) - spots.used[0] < per_gev * energy[k] + 2000:
            return k
        track = TrackLine(lines[k, 0], lines[k, 1], lines[k, 2], lines[k, 3], lines[k, 4], lines[k, 5])
        begin = spots.used[0]
        if kind[k] == _ELECTRON:
            em_shower(stack, em, rng, spots, k, energy[k], 0.0, track)
        elif kind[k] == _PHOTON:
            em_shower(stack, em, rng, spots, k, energy[k], rng.exponential(9.0 / 7.0), track)
        elif kind[k] == _PION_ZERO:
            _decay(stack, em, rng, spots, k, energy[k], flight[k], track)
        elif kind[k] == _MUON:
            muon(stack, em, rng, spots, k, energy[k], track)
        else:
            charged, baryon = (kind[k] & _CHARGED) > 0, (kind[k] & _BARYON) > 0
            hadron(stack, em, hadronic, rng, spots, k, energy[k], charged, baryon, track)
        if uniformity > 0.0 and kind[k] != _MUON:
            factor = max(1.0 + uniformity * rng.standard_normal(), 0.0)
            for i in range(begin, spots.used[0]):
                spots.energy[i] *= factor
    return len(kind)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _decay(
    stack: Stack, em: EmSettings, rng: np.random.Generator, spots: Spots, particle: int, energy: float, flight: float,
    track: TrackLine,
) -> None:  # fmt: skip
    """Let a neutral pion decay at a distance before the face, and both photons shower where they hit it."""
    momentum = math.sqrt(max(energy * energy - PION_ZERO_MASS * PION_ZERO_MASS, 1e-8))
    boosted = max(energy, 1.001 * PION_ZERO_MASS)
    polar, turn = 2.0 * rng.random() - 1.0, 2.0 * math.pi * rng.random()
    across = 0.5 * PION_ZERO_MASS * math.sqrt(1.0 - polar * polar)  # transverse momentum, the same for both
    axis = np.array([track.slope_x * track.cosine, track.slope_y * track.cosine, track.cosine])
    tangent = math.hypot(axis[0], axis[1])
    u = np.array([-axis[1], axis[0], 0.0]) / tangent if tangent > 1e-9 else np.array([1.0, 0.0, 0.0])
    v = np.array([axis[1] * u[2] - axis[2] * u[1], axis[2] * u[0] - axis[0] * u[2], axis[0] * u[1] - axis[1] * u[0]])
    aside = math.cos(turn) * u + math.sin(turn) * v
    for sign in (1.0, -1.0):
        part = 0.5 * (boosted + sign * momentum * polar)
        along = 0.5 * (momentum + sign * boosted * polar)
        towards = (along * axis + sign * across * aside) / part
        if towards[2] < 0.05:
            continue  # a soft pion's photon that flies off sideways or back
        path = flight * axis[2] / towards[2]
        line = TrackLine(
            track.x - flight * axis[0] + path * towards[0], track.y - flight * axis[1] + path * towards[1],
            towards[0] / towards[2], towards[1] / towards[2], towards[2], track.time + (path - flight) / C_LIGHT,
        )  # fmt: skip
        em_shower(stack, em, rng, spots, particle, part, rng.exponential(9.0 / 7.0), line)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _merge(
    spots: Spots, cell: Array, weight: Array, height: Array, total: Array, moments: Array
) -> tuple[Array, Array, Array, Array]:
    """Add up spots of the same particle and cell; spots come in order of particle, those outside have cell -1.

    A table of hashes finds a particle's cells again: it forgets the particle before by the stamp of its entries.
    """
    used = len(cell)
    most, run = 1, 0
    for i in range(used):
        run = run + 1 if i > 0 and spots.particle[i] == spots.particle[i - 1] else 1
        most = max(most, run)
    size = 2
    while size < 2 * most:
        size *= 2
    entry, stamp = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    particle, cells = np.empty(used, np.int64), np.empty(used, np.int64)
    energy, time = np.empty(used, np.float64), np.empty(used, np.float64)
    found = 0
    for i in range(used):
        if cell[i] < 0:
            continue
        row, layer = spots.particle[i], spots.layer[i]
        value = float(spots.energy[i])
        weighted = value * weight[layer]
        total[row] += weighted
        moments[row, 0] += weighted * spots.x[i]
        moments[row, 1] += weighted * spots.y[i]
        moments[row, 2] += weighted * height[layer]
        mixed = cell[i] ^ (cell[i] >> 15) ^ (cell[i] >> 31)
        at = (mixed * 40503 + (mixed >> 9)) & (size - 1)
        while stamp[at] == row and cells[entry[at]] != cell[i]:
            at = (at + 1) & (size - 1)
        if stamp[at] != row:
            stamp[at], entry[at] = row, found
            particle[found], cells[found], energy[found], time[found] = row, cell[i], 0.0, 0.0
            found += 1
        energy[entry[at]] += value
        time[entry[at]] += value * spots.time[i]
    for i in range(found):
        time[i] = time[i] / energy[i] if energy[i] > 0.0 else 0.0
    return (
        particle[:found].copy(), cells[:found].copy(), energy[:found].astype(np.float32),
        time[:found].astype(np.float32),
    )  # fmt: skip
