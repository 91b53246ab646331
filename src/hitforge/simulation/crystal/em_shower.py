"""Electromagnetic showers into crystals: energy spots from the profiles of Grindhammer and Peters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pydantic import Field

from hitforge.core import config, kinematics
from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.core.units import CURVATURE
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.simulation._growing import longer
from hitforge.simulation.crystal.em_profile import draw_longitudinal, gamma_fraction, mean_longitudinal, radial, spots

_HALF = 24  # crystals on each side of the impact in a particle's own canvas
_SIZE = 2 * _HALF + 1
_STEP = 0.5  # radiation lengths
_SOFT = 1.0  # GeV; showers below it, which are many, are drawn in steps twice as long
_ENOUGH = 1.0 - 1e-5  # of a shower's energy
_END = 45.0  # radiation lengths after the start; less than 1e-6 of any shower of 1 TeV comes later
_DIRECTIONS = 1024
_COSINE: Array = np.cos(2 * np.pi * (np.arange(_DIRECTIONS) + 0.5) / _DIRECTIONS)
_SINE: Array = np.sin(2 * np.pi * (np.arange(_DIRECTIONS) + 0.5) / _DIRECTIONS)
_SCATTERING = 13.6e-3  # GeV
_STEEPEST = math.radians(80.0)


class CrystalShowerSettings(config.Config):
    """How showers are drawn."""

    spot_density: float = Field(0.5, gt=0, le=10, description="energy spots relative to 93 ln Z E^0.876")
    reach: float = Field(8.0, gt=1, le=15, description="radius at which the radial profile is cut off [Moliere radii]")
    field_spreads: bool = Field(True, description="let the field widen showers in azimuth inside the crystals")


@dataclass(frozen=True)
class Deposits:
    """Energy that particles leave in crystals, in order of particle."""

    particle: Array  # (K,) int64, row of the incoming particle
    cell: Array  # (K,) int64
    energy: Array  # (K,) float32 GeV
    leaked: Array  # (N,) GeV, of each particle: out of the rear, or beside the barrel


class _Barrel(NamedTuple):
    """What the kernel must know of the detector."""

    rows: int
    columns: int
    pitch_u: float  # height of a row over the radius
    pitch_v: float
    radius: float
    depth: float
    tilt: float
    radiation_length: float
    moliere_radius: float
    critical_energy: float
    z: float
    spot_density: float
    reach: float
    field_spread: float


def deposit_in_crystals(
    detector: CrystalBarrel, settings: CrystalShowerSettings, rng: np.random.Generator, pdg: Array, energy: Array,
    position: Array, direction: Array,
) -> Deposits:  # fmt: skip
    """Let electrons and photons shower in the crystals.

    A photon first travels 9/7 radiation lengths on average and then gives an electron and a positron, which share its
    energy as ``1 - 4/3 x (1 - x)``; each of the two showers, as does every electron, with a longitudinal profile of its
    own. In each slice of half a radiation length the energy is cut into a Poisson number of equal spots, whose radii
    follow the two-component radial profile. Cells are those of the front faces, carried inward: they widen with depth,
    and the shower drifts through them by its angle with the crystals' axes.

    Args:
        detector: The barrel.
        settings: How to draw.
        rng: Random numbers.
        pdg: 22 or +-11, (N,).
        energy: (N,) [GeV].
        position: On the front faces' cylinder, (N, 3) [mm].
        direction: Unit vectors, (N, 3).
    """
    settings_of = detector.config
    rows, columns = detector.grid_shape
    barrel = _Barrel(
        rows, columns, settings_of.eta_pitch, 2 * math.pi / columns, settings_of.radius, settings_of.depth,
        settings_of.tilt, settings_of.radiation_length, settings_of.moliere_radius, settings_of.critical_energy,
        settings_of.effective_z, settings.spot_density, settings.reach,
        _field_spread(settings_of) if settings.field_spreads else 0.0,
    )  # fmt: skip
    u, v, drift_u, drift_v, far = _in_crystals(barrel, position, direction)
    particle, cell, share, leaked = _run(
        barrel, rng, np.asarray(pdg) == 22, np.asarray(energy, np.float64), u, v, drift_u, drift_v, far
    )
    return Deposits(particle, cell, share, leaked)


def _field_spread(settings: CrystalBarrel.Config) -> float:
    """How much the field bends a shower's slow electrons, over how much they scatter, both a radiation length long.

    The published profiles hold without field. An electron of momentum p turns by ``0.3 B X0 / p`` and scatters by
    ``13.6 MeV / p``, so the ratio is the same for all; the bend is in azimuth and goes with the sine of the polar
    angle. Added in quadrature it widens showers by a quarter at 3.8 T.
    """
    return float(CURVATURE * settings.field * settings.radiation_length / _SCATTERING)


def _in_crystals(barrel: _Barrel, position: Array, direction: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Impact in units of crystals, slopes against the crystals' axes, and distance from the origin [mm]."""
    x, y, z = position.T
    far = np.linalg.norm(position, axis=1)
    phi, eta = kinematics.phi(x, y), kinematics.eta(x, y, z)
    inward = position / far[:, None]  # (N, 3) unit vector away from the origin
    around = np.stack([-np.sin(phi), np.cos(phi), np.zeros_like(phi)], axis=1)
    upward = np.cross(inward, around)  # towards higher eta
    ahead = (direction * inward).sum(1)
    # Mirror images in z must behave alike, hence the sign of the tilt in eta.
    side = np.where(eta < 0, -1.0, 1.0)
    angle_u = np.arctan2((direction * upward).sum(1), ahead) + side * barrel.tilt
    angle_v = np.arctan2((direction * around).sum(1), ahead) + barrel.tilt
    slopes = [np.tan(np.clip(angle, -_STEEPEST, _STEEPEST)) for angle in (angle_u, angle_v)]
    return eta / barrel.pitch_u + barrel.rows / 2, phi / barrel.pitch_v, slopes[0], slopes[1], far


@njit(cache=True)  # type: ignore[untyped-decorator]
def _run(
    barrel: _Barrel, rng: np.random.Generator, photon: Array, energy: Array, u: Array, v: Array, drift_u: Array,
    drift_v: Array, far: Array,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    count = len(energy)
    room = 256 + 200 * count
    particle, cell = np.empty(room, np.int64), np.empty(room, np.int64)
    share, leaked = np.empty(room, np.float32), np.zeros(count)
    canvas = np.zeros((_SIZE, _SIZE))
    used = 0
    for k in range(count):
        row, column = math.floor(u[k]), math.floor(v[k])
        at = (u[k] - row + _HALF, v[k] - column + _HALF)
        slope, distance = (drift_u[k], drift_v[k]), far[k]
        box = np.array([_SIZE, -1, _SIZE, -1])
        if photon[k]:
            start = rng.exponential(9.0 / 7.0)
            x = rng.random()
            while rng.random() > 1.0 - 4.0 / 3.0 * x * (1.0 - x):
                x = rng.random()
            _shower(barrel, rng, canvas, box, x * energy[k], start, at, slope, distance)
            _shower(barrel, rng, canvas, box, (1.0 - x) * energy[k], start, at, slope, distance)
        else:
            _shower(barrel, rng, canvas, box, energy[k], 0.0, at, slope, distance)
        leaked[k] = energy[k]
        if used + _SIZE * _SIZE > room:
            room = 2 * room + _SIZE * _SIZE
            particle, cell = longer(particle, room), longer(cell, room)
            larger = np.empty(room, np.float32)
            larger[:used] = share[:used]
            share = larger
        for i in range(box[0], box[1] + 1):
            at_row = row + i - _HALF
            for j in range(box[2], box[3] + 1):
                value = canvas[i, j]
                canvas[i, j] = 0.0
                if value > 0.0 and 0 <= at_row < barrel.rows:
                    particle[used], share[used] = k, value
                    cell[used] = at_row * barrel.columns + (column + j - _HALF) % barrel.columns
                    leaked[k] -= value
                    used += 1
    return particle[:used].copy(), cell[:used].copy(), share[:used].copy(), leaked


@njit(cache=True)  # type: ignore[untyped-decorator]
def _shower(
    barrel: _Barrel, rng: np.random.Generator, canvas: Array, box: Array, energy: float, start: float,
    at: tuple[float, float], slope: tuple[float, float], distance: float,
) -> None:  # fmt: skip
    """Add one electron's shower that begins at depth ``start`` along its path; ``box`` grows to hold it."""
    if energy <= 0.0:
        return
    y = max(energy / barrel.critical_energy, 1.5)
    t, alpha = draw_longitudinal(y, barrel.z, rng.standard_normal(), rng.standard_normal())
    beta = (alpha - 1.0) / t
    # The radial profile goes with depth over the mean shower's centre of gravity, scaled to this shower's length.
    _, mean_alpha = mean_longitudinal(y, barrel.z)
    per_tau = (alpha - 1.0) / alpha * mean_alpha / (mean_alpha - 1.0) / t
    # Spots have a profile of their own, a little shorter than that of the energy.
    spot_t = t * (0.698 + 0.00212 * barrel.z)
    spot_alpha = max(alpha * (0.639 + 0.00334 * barrel.z), 1.05)
    spot_beta = (spot_alpha - 1.0) / spot_t
    number = max(barrel.spot_density * spots(energy, barrel.z), 20.0)
    stretch = math.sqrt(1.0 + (barrel.field_spread * barrel.radius / distance) ** 2)  # radius / distance: polar sine
    along = 1.0 / math.sqrt(1.0 + slope[0] ** 2 + slope[1] ** 2)  # depth gained per path
    log_gamma, spot_log_gamma = math.lgamma(alpha), math.lgamma(spot_alpha)
    before, spots_before, path = 0.0, 0.0, 0.0
    step = _STEP if energy > _SOFT else 2.0 * _STEP
    while path < _END and (start + path + 0.5 * step) * along < barrel.depth:
        after = gamma_fraction(alpha, beta * (path + step), log_gamma)
        spots_after = gamma_fraction(spot_alpha, spot_beta * (path + step), spot_log_gamma)
        slice_energy = energy * (after - before)
        if slice_energy > 1e-9 * energy:
            tau = (path + 0.5 * step) * per_tau
            core, tail, weight = radial(tau, energy, barrel.z)
            expected = number * (spots_after - spots_before)
            inner, outer = rng.poisson(expected * weight), rng.poisson(expected * (1.0 - weight))
            if inner + outer == 0:
                if rng.random() < weight:
                    inner = 1
                else:
                    outer = 1
            spot = slice_energy / (inner + outer)
            depth = (start + path + 0.5 * step) * along * barrel.radiation_length
            widen = 1.0 / (1.0 + depth / distance)
            scale_u = barrel.moliere_radius / (barrel.radius * barrel.pitch_u) * widen
            scale_v = barrel.moliere_radius / (barrel.radius * barrel.pitch_v) * widen
            centre_u = at[0] + slope[0] * depth / barrel.moliere_radius * scale_u
            centre_v = at[1] + slope[1] * depth / barrel.moliere_radius * scale_v
            scale_v *= stretch
            _widen(box, centre_u, centre_v, barrel.reach * scale_u, barrel.reach * scale_v)
            _scatter(rng, canvas, inner, spot, core, barrel.reach, centre_u, centre_v, scale_u, scale_v)
            _scatter(rng, canvas, outer, spot, tail, barrel.reach, centre_u, centre_v, scale_u, scale_v)
        if after > _ENOUGH:
            break
        before, spots_before = after, spots_after
        path += step


@njit(cache=True)  # type: ignore[untyped-decorator]
def _widen(box: Array, u: float, v: float, reach_u: float, reach_v: float) -> None:
    """Let the box hold the ellipse around (u, v), within the canvas."""
    box[0], box[1] = max(min(box[0], math.floor(u - reach_u)), 0), min(max(box[1], math.floor(u + reach_u)), _SIZE - 1)
    box[2], box[3] = max(min(box[2], math.floor(v - reach_v)), 0), min(max(box[3], math.floor(v + reach_v)), _SIZE - 1)


@njit(cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def _scatter(
    rng: np.random.Generator, canvas: Array, number: int, spot: float, width: float, reach: float, u: float, v: float,
    scale_u: float, scale_v: float,
) -> None:  # fmt: skip
    """Throw spots from the profile ``2 r w^2 / (r^2 + w^2)^2``, cut at ``reach``.

    The radius is ``w sqrt(s / (1 - s))`` with uniform s. One random number gives both coordinates: the first bits
    choose one of the directions, the others are s.
    """
    most = reach * reach / (reach * reach + width * width)
    along_u, along_v = scale_u * width, scale_v * width
    for _ in range(number):
        bits = rng.random() * _DIRECTIONS
        k = int(bits)
        s = (bits - k) * most
        radius = math.sqrt(s / (1.0 - s))
        x, y = u + _COSINE[k] * radius * along_u, v + _SINE[k] * radius * along_v
        if 0.0 <= x < _SIZE and 0.0 <= y < _SIZE:
            canvas[int(x), int(y)] += spot
