"""What flat sensors measure of the particles that cross them: smeared positions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hitforge.acts.fatras import Crossings
from hitforge.core.arrays import Array
from hitforge.detectors import Modules

_TRIES = 10  # a smeared point that lies beside its sensor is drawn again so often, then the hit is lost


@dataclass(frozen=True)
class Digitised:
    """Measured points, in any order, and the crossings that gave each of them.

    Attributes:
        event: (N,) int64.
        row: Sensor's row in ``modules``, (N,) int64.
        u: On the sensor, from its centre, (N,) [mm].
        v: The same along the second axis, (N,) [mm].
        size: Channels of the cluster along u, along v and in all, (N, 3) int64; 0 unknown.
        charge: Energy in the channels, (N,) [GeV]; 0 unknown.
        measurement: Measurement of each link, (L,) int64.
        particle: Particle of each link, (L,) int64.
        weight: Share of the particle in the measurement, (L,).
    """

    event: Array
    row: Array
    u: Array
    v: Array
    size: Array
    charge: Array
    measurement: Array
    particle: Array
    weight: Array

    def __len__(self) -> int:
        return len(self.event)


def inside(modules: Modules, row: Array, u: Array, v: Array) -> Array:
    """Return which points lie on their sensors, (N,) bool."""
    on: Array = (np.abs(v) <= modules.half_v[row]) & (np.abs(u) <= modules.half_u(row, v))
    return on


def smeared(rng: np.random.Generator, modules: Modules, crossings: Crossings, row: Array, keep: Array) -> Digitised:
    """Measure each crossing for itself, with a Gaussian error of the pitch over the square root of 12.

    Args:
        rng: Random numbers.
        modules: Sensors.
        crossings: Of particles with sensors.
        row: Sensor of each crossing, (H,) int64.
        keep: Crossings that are read out, (H,) bool; random numbers are drawn for all, so that the others do not change
            what is measured here.
    """
    u, v, _ = np.ascontiguousarray(modules.local(row, crossings.place).T)
    measured_u, measured_v = u.copy(), v.copy()
    open_ = np.arange(len(row))
    for _ in range(_TRIES):
        step = rng.standard_normal((len(open_), 2)) / math.sqrt(12)
        measured_u[open_] = u[open_] + step[:, 0] * modules.pitch_u[row[open_]]
        measured_v[open_] = v[open_] + step[:, 1] * modules.pitch_v[row[open_]]
        open_ = open_[~inside(modules, row[open_], measured_u[open_], measured_v[open_])]
        if not len(open_):
            break
    keep = keep.copy()
    keep[open_] = False
    some = np.flatnonzero(keep)
    known = np.flatnonzero(crossings.particle[some] >= 0)
    return Digitised(
        crossings.of_event[some], row[some], measured_u[some], measured_v[some], np.zeros((len(some), 3), np.int64),
        np.zeros(len(some)), known, crossings.particle[some[known]], np.ones(len(known)),
    )  # fmt: skip
