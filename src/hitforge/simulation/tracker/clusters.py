"""Clusters of channels: the energy that particles leave along their paths through sensors, read out by channel."""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hitforge.acts.fatras import Crossings
from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.core.particles import ELECTRON_MASS
from hitforge.detectors import Modules
from hitforge.simulation.tracker.digitisation import Digitised

_STEEPEST = 20.0  # a path along the sensor's plane is cut at this many times its thickness on either axis
_UNKNOWN = 0.13957  # mass of a particle that is not known, a charged pion's [GeV]
_EXCITATION, _PLASMA, _XI = 173e-9, 31.05e-9, 1.782e-5  # silicon: I and plasma energy [GeV], xi at beta 1 [GeV / mm]
_BITS = 12  # of a channel's index along one axis; no sensor has 4096 channels
_AROUND = ((1, 0), (-1, 1), (0, 1), (1, 1))  # half of the eight channels that touch one; the others see it in turn


def clustered(
    rng: np.random.Generator, modules: Modules, crossings: Crossings, row: Array, keep: Array, threshold: float,
    noise: float,
) -> Digitised:  # fmt: skip
    """Share deposits among channels, and join touching channels above threshold.

    The energy of a crossing is that of ``deposits``, even along the straight path; charges do not diffuse, nor does the
    field turn them. A cluster's place is the mean of its channels by energy.

    Args:
        rng: Random numbers.
        modules: Sensors.
        crossings: Of particles with sensors.
        row: Sensor of each crossing, (H,) int64.
        keep: Crossings that are read out, (H,) bool.
        threshold: Least energy of a channel that is read out [GeV].
        noise: Gaussian spread of a channel's energy [GeV].
    """
    some = np.flatnonzero(keep)
    rows = row[some]
    u, v, _ = np.ascontiguousarray(modules.local(rows, crossings.place[some]).T)
    flight = np.einsum("nij,nj->ni", modules.axes[rows], crossings.flight[some])  # (N, 3) along u, v, w
    across = np.maximum(np.abs(flight[:, 2]), 1e-12)
    half = modules.thickness[rows, None] / 2 * np.clip(flight[:, :2] / across[:, None], -_STEEPEST, _STEEPEST)
    width = np.stack([np.maximum(modules.half_u_low, modules.half_u_high), modules.half_v], 1)[rows]  # (N, 2)
    pitch = np.stack([modules.pitch_u, modules.pitch_v], 1)[rows]
    channels = np.round(2 * width / pitch).astype(np.int64)
    middle = np.stack([u, v], 1)
    first, last = ((middle + side * half + width) / pitch for side in (-1, 1))  # ends of the path in channels
    source, index, share = _walk(first, last, channels)
    place = crossings.of_event[some] * len(modules) + rows  # one number for a module in an event
    key = (place[source] << 2 * _BITS) + (index[:, 1] << _BITS) + index[:, 0]
    path = modules.thickness[rows] * np.sqrt(1 + ((2 * half / modules.thickness[rows, None]) ** 2).sum(axis=1))
    mass = np.where(crossings.particle[some] >= 0, crossings.mass[crossings.particle[some]], _UNKNOWN)
    energy = deposits(rng, path, np.linalg.norm(flight, axis=1) / np.maximum(mass, 1e-6))[source] * share
    lit, cell = np.unique(key, return_inverse=True)
    read = np.bincount(cell, energy, len(lit))
    noisy = np.maximum(read + noise * rng.standard_normal(len(lit)), 0.0)
    alive = noisy >= max(threshold, 1e-12)
    lit, noisy = lit[alive], noisy[alive]
    number = np.cumsum(alive) - 1
    part = alive[cell]
    return _measure(modules, crossings, some, lit, noisy, source[part], number[cell[part]], energy[part])


def deposits(rng: np.random.Generator, path: Array, beta_gamma: Array) -> Array:
    """Draw the energy that particles of charge 1 leave in silicon.

    The most probable energy is that of Landau, Vavilov and Bichsel (PDG 2024, Passage of particles through matter, the
    formula for Delta_p, with the density effect of high energies); fluctuations about it follow Moyal's function.

    Args:
        rng: Random numbers.
        path: Length in silicon, (N,) [mm].
        beta_gamma: Momentum over mass, (N,).

    Returns:
        (N,) [GeV].
    """
    beta_squared = beta_gamma**2 / (1 + beta_gamma**2)
    scale = _XI * path / np.maximum(beta_squared, 1e-3)  # xi
    density = np.maximum(2 * np.log(_PLASMA / _EXCITATION * np.maximum(beta_gamma, 1e-3)) - 1, 0.0)
    logarithm = np.log(2 * ELECTRON_MASS * np.maximum(beta_gamma, 1e-3) ** 2 * scale / _EXCITATION**2)
    likely = scale * (logarithm + 0.2 - beta_squared - density)
    fluctuation = -np.log(np.maximum(rng.standard_normal(len(path)) ** 2, 1e-12))
    energy: Array = np.maximum(likely + scale * fluctuation, 0.0)
    return energy


def _measure(
    modules: Modules, crossings: Crossings, some: Array, lit: Array, energy: Array, source: Array, cell: Array,
    given: Array,
) -> Digitised:  # fmt: skip
    """Clusters of lit channels, and what each particle gave to them."""
    count, cluster = _clusters(lit)
    total = np.bincount(cluster, energy, count)
    place = np.zeros(count, np.int64)
    place[cluster] = lit >> 2 * _BITS
    event, row = np.divmod(place, len(modules))
    centre, size = [], []
    for axis, half, pitch in (
        (0, np.maximum(modules.half_u_low, modules.half_u_high), modules.pitch_u), (1, modules.half_v, modules.pitch_v),
    ):  # fmt: skip
        index = lit >> axis * _BITS & (1 << _BITS) - 1
        mean = np.bincount(cluster, energy * (index + 0.5), count) / total
        centre.append(mean * pitch[row] - half[row])
        least, most = np.full(count, 1 << _BITS), np.full(count, -1)
        np.minimum.at(least, cluster, index)
        np.maximum.at(most, cluster, index)
        size.append(most - least + 1)
    size.append(np.bincount(cluster, minlength=count))
    known = crossings.particle[some[source]] >= 0
    particle, to = crossings.particle[some[source]][known], cluster[cell[known]]
    pair, link = np.unique(to * (len(crossings.event) + 1) + particle, return_inverse=True)
    measurement, particle = np.divmod(pair, len(crossings.event) + 1)
    weight = np.bincount(link, given[known], len(pair)) / np.bincount(to, given[known], count)[measurement]
    return Digitised(event, row, centre[0], centre[1], np.stack(size, 1), total, measurement, particle, weight)


def _clusters(lit: Array) -> tuple[int, Array]:
    """Number of clusters, and the cluster of each channel; ``lit`` rises."""
    pairs = []
    mask = (1 << _BITS) - 1
    u, v = lit & mask, lit >> _BITS & mask
    for along_u, along_v in _AROUND:
        inside = (u + along_u >= 0) & (u + along_u <= mask) & (v + along_v <= mask)
        here = np.flatnonzero(inside)
        asked = lit[here] + along_u + (along_v << _BITS)
        there = np.minimum(np.searchsorted(lit, asked), max(len(lit) - 1, 0))
        touch = lit[there] == asked if len(lit) else np.zeros(0, bool)
        pairs.append(np.stack([here[touch], there[touch]]))
    first, second = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(len(lit), len(lit)))
    count, label = connected_components(graph, directed=False)
    return int(count), label.astype(np.int64)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _walk(first: Array, last: Array, channels: Array) -> tuple[Array, Array, Array]:
    """Channels along straight paths, and the share of the path in each; what lies beside the sensor is lost."""
    total = 0
    for i in range(len(first)):
        total += 3
        for axis in range(2):
            total += int(abs(math.floor(last[i, axis]) - math.floor(first[i, axis])))
    source, index, share = np.empty(total, np.int64), np.empty((total, 2), np.int64), np.empty(total)
    count = 0
    for i in range(len(first)):
        du, dv = last[i, 0] - first[i, 0], last[i, 1] - first[i, 1]
        at = 0.0
        while at < 1.0:
            # The next border on either axis behind the point; a hair further on decides the channel.
            hair = min(at + 1e-9, 1.0)
            cu, cv = math.floor(first[i, 0] + hair * du), math.floor(first[i, 1] + hair * dv)
            next_u = ((cu + (du > 0)) - first[i, 0]) / du if du != 0.0 else 2.0
            next_v = ((cv + (dv > 0)) - first[i, 1]) / dv if dv != 0.0 else 2.0
            to = min(1.0, max(min(next_u, next_v), hair))
            if 0 <= cu < channels[i, 0] and 0 <= cv < channels[i, 1] and count < total:
                source[count], index[count, 0], index[count, 1], share[count] = i, int(cu), int(cv), to - at
                count += 1
            at = to
    return source[:count], index[:count], share[:count]
