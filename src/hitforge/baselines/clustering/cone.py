"""Cones about seeds: local maxima of the energy that points to one place."""

from __future__ import annotations

import numpy as np

from hitforge.baselines.clustering.clue import clue
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.kernels import njit

_MOVES = 3


def cones(
    u: Array, v: Array, energy: Array, event: Array, *, core: float, apart: float, radius: float, min_seed: float
) -> Array:
    """Return the cone of each hit, (N,) int64, -1 for none.

    A hit is a seed if the energy within ``core`` of it in (u, v) is ``min_seed`` or more, and no hit within ``apart``
    has more. The axis begins there and is moved three times to the energy-weighted mean of the hits within ``core``. A
    hit belongs to the nearest axis within ``radius``.

    Args:
        u: Pointing coordinates, (N,) [mm].
        v: (N,) [mm].
        energy: (N,) [GeV], 0 or more.
        event: (N,), from 0.
        core: [mm].
        apart: [mm].
        radius: [mm].
        min_seed: [GeV].

    Raises:
        ConfigError: A distance is not above 0.
        DataError: Lengths differ, or a number is not finite.
    """
    if not radius > 0:
        raise ConfigError("'radius' must be above 0", came=radius)
    far = apart / core
    seeds = clue(u, v, energy, core, min_seed, group=event, seed_factor=far, outlier_factor=far, share=1)
    seed = np.flatnonzero(seeds.seed)
    events = int(event.max(initial=-1)) + 1
    order, of_seed = np.argsort(event, kind="stable"), np.argsort(event[seed], kind="stable")
    columns = [np.ascontiguousarray(values[order], np.float64) for values in (u, v, energy)]
    axes = np.stack([u[seed[of_seed]], v[seed[of_seed]]], axis=1).astype(np.float64)
    begin = np.searchsorted(event[order], np.arange(events + 1))
    first = np.searchsorted(event[seed[of_seed]], np.arange(events + 1))
    label = np.full(len(u), -1, np.int64)
    label[order] = _assign(*columns, axes, begin, first, float(core), float(radius))
    return label


@njit(nogil=True, cache=True)
def _assign(u, v, energy, axes, begin, first, core, radius):  # type: ignore[no-untyped-def]
    label = np.full(len(u), -1, np.int64)
    for event in range(len(begin) - 1):
        for axis in range(first[event], first[event + 1]):
            for _ in range(_MOVES):
                total, mean_u, mean_v = 0.0, 0.0, 0.0
                for i in range(begin[event], begin[event + 1]):
                    if (u[i] - axes[axis, 0]) ** 2 + (v[i] - axes[axis, 1]) ** 2 <= core * core:
                        total += energy[i]
                        mean_u += energy[i] * u[i]
                        mean_v += energy[i] * v[i]
                if total > 0.0:
                    axes[axis, 0], axes[axis, 1] = mean_u / total, mean_v / total
        for i in range(begin[event], begin[event + 1]):
            best = radius * radius
            for axis in range(first[event], first[event + 1]):
                square = (u[i] - axes[axis, 0]) ** 2 + (v[i] - axes[axis, 1]) ** 2
                if square <= best:
                    best, label[i] = square, axis
    return label
