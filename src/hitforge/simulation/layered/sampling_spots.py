"""What the kernels of a sampling calorimeter share: the stack as arrays, the line of a particle, a buffer of spots."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.core.units import C_LIGHT
from hitforge.detectors import LayeredDetector
from hitforge.simulation.layered.sampling_profile import signal_ratio

_ACTIVE_Z = 14.0  # silicon
_DIRECTIONS = 1024
_COSINE: Array = np.cos(2 * np.pi * (np.arange(_DIRECTIONS) + 0.5) / _DIRECTIONS)
_SINE: Array = np.sin(2 * np.pi * (np.arange(_DIRECTIONS) + 0.5) / _DIRECTIONS)


class Stack(NamedTuple):
    """A calorimeter's layers, (L,) each; depths are counted from the front face along z."""

    height: Array  # abs(z) behind the front face [mm]
    depth: Array  # radiation lengths up to the plane
    stretch: Array  # radiation lengths since the plane before
    hadronic_depth: Array  # interaction lengths up to the plane
    interaction_length: Array  # of the stretch [mm]
    moliere_radius: Array  # [mm]
    critical_energy: Array  # [GeV]
    z: Array  # effective atomic number
    frequency: Array  # F_S
    ratio: Array  # e-hat
    weight: Array  # energy of the shower over active energy
    mip: Array  # active energy of a minimum ionising particle [GeV]
    gain: Array  # factor on the active energy: odd against even layers
    noise: Array  # squared sampling fluctuation of electromagnetic showers [GeV]


class TrackLine(NamedTuple):
    """A straight line through the stack."""

    x: float  # at the front face [mm]
    y: float
    slope_x: float  # dx over d abs(z)
    slope_y: float
    cosine: float  # of the angle with the z axis
    time: float  # at the front face [ns]


class Spots(NamedTuple):
    """A buffer of energy spots, (room,) each."""

    particle: Array  # int64
    layer: Array  # int64
    x: Array  # float64 [mm]
    y: Array
    energy: Array  # float32, active energy [GeV]
    time: Array  # float32 [ns]
    used: Array  # (1,) int64


def build_stack(detector: LayeredDetector, sampling: float, odd_even: float) -> Stack:
    """Return what the kernels must know of a detector.

    Sampling fluctuations count minimum ionising tracks, so their square goes with the shower's energy for one such
    track: ``weight * mip``.

    Args:
        detector: The calorimeter.
        sampling: Stochastic term c of the median layer of the first section [sqrt(GeV)].
        odd_even: Active energy of odd layers (counted from 0) over even ones.
    """
    layers = detector.layers
    step = (odd_even - 1.0) / (odd_even + 1.0)
    per_track = np.asarray(layers.weight * layers.mip, np.float64)
    noise = sampling**2 * per_track / np.median(per_track[np.asarray(layers.section) == np.min(layers.section)])
    height = np.asarray(layers.z, np.float64) - detector.front
    thickness = np.diff(height, prepend=0.0)
    active = np.full(len(layers), _ACTIVE_Z)
    ratio = np.array([signal_ratio(a, b) for a, b in zip(layers.absorber_z.tolist(), active.tolist(), strict=True)])
    columns = (
        height, np.cumsum(layers.radiation_lengths), layers.radiation_lengths, np.cumsum(layers.interaction_lengths),
        thickness / layers.interaction_lengths, layers.moliere_radius, layers.critical_energy, layers.effective_z,
        layers.sampling_frequency, ratio, layers.weight, layers.mip,
        np.where(np.arange(len(layers)) % 2 == 1, 1.0 + step, 1.0 - step), noise,
    )  # fmt: skip
    return Stack(*(np.ascontiguousarray(column, np.float64) for column in columns))


def empty_spots(room: int) -> Spots:
    """Return a buffer for ``room`` spots."""
    return Spots(
        np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros(room), np.zeros(room),
        np.zeros(room, np.float32), np.zeros(room, np.float32), np.zeros(1, np.int64),
    )  # fmt: skip


@njit(cache=True)  # type: ignore[untyped-decorator]
def add_spot(spots: Spots, particle: int, layer: int, x: float, y: float, energy: float, time: float) -> None:
    """Append a spot; its caller sees to the room."""
    k = spots.used[0]
    if k >= len(spots.energy):  # never a write beside the buffer, whatever a caller promised
        spots.energy[k - 1] += energy
        return
    spots.particle[k], spots.layer[k], spots.x[k], spots.y[k] = particle, layer, x, y
    spots.energy[k], spots.time[k] = energy, time
    spots.used[0] = k + 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def scatter(
    spots: Spots, rng: np.random.Generator, particle: int, layer: int, number: int, energy: float, grain: float,
    width: float, reach: float, height: float, track: TrackLine, late: float, together: float, clump_width: float,
) -> None:  # fmt: skip
    """Throw spots around a track from the radial profile ``2 r w^2 / (r^2 + w^2)^2``.

    The circle lies across the track, so in the layer's plane it is an ellipse.

    Args:
        spots: Buffer.
        rng: Random numbers.
        particle: Row of the particle.
        layer: Of the spots.
        number: How many.
        energy: Mean active energy of one [GeV].
        grain: Shape of the gamma distribution of a spot's energy; 0 for equal spots.
        width: w [mm].
        reach: Largest radius [mm].
        height: Of the layer behind the front face [mm].
        track: The line they are around.
        late: Mean delay [ns].
        together: Share of spots that belong to the clump of the one before and lie near it.
        clump_width: Median distance from it [mm]; the profile is the same.
    """
    centre_x, centre_y = track.x + track.slope_x * height, track.y + track.slope_y * height
    tangent = math.sqrt(track.slope_x**2 + track.slope_y**2)
    along_x, along_y = (track.slope_x / tangent, track.slope_y / tangent) if tangent > 0.0 else (1.0, 0.0)
    time = track.time + height / track.cosine / C_LIGHT
    most = reach * reach / (reach * reach + width * width)
    x, y, radius = centre_x, centre_y, 0.0
    for n in range(number):
        near = n > 0 and together > 0.0 and rng.random() < together
        bits = rng.random() * _DIRECTIONS  # the first bits choose a direction, the others a radius
        k = int(bits)
        share = (bits - k) * most
        distance = (clump_width if near else width) * math.sqrt(share / (1.0 - share))
        a, b = distance * _COSINE[k] / track.cosine, distance * _SINE[k]
        if not near:
            x, y, radius = centre_x, centre_y, distance
        x, y = x + a * along_x - b * along_y, y + a * along_y + b * along_x
        value = energy * rng.standard_gamma(grain) / grain if grain > 0.0 else energy
        delay = 0.5 * radius / C_LIGHT + (rng.exponential(late) if late > 0.0 else 0.0)
        add_spot(spots, particle, layer, x, y, value, time + delay)


@njit(cache=True)  # type: ignore[untyped-decorator]
def carry_depth(values: Array, at: float, other: Array) -> float:
    """Carry a depth from one scale to another: piecewise linear through (0, 0) and the planes, straight on beyond."""
    k = min(int(np.searchsorted(values, at)), len(values) - 1)
    low = values[k - 1] if k > 0 else 0.0
    start = other[k - 1] if k > 0 else 0.0
    return float(start + (other[k] - start) * (at - low) / (values[k] - low))
