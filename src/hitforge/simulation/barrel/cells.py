"""From energy in the cells of a barrel to what is read out about an axis."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field
from scipy.special import ndtr, ndtri

from hitforge.core import config, kinematics
from hitforge.core.arrays import Array
from hitforge.detectors import GridDetector


class CellReadout(config.Config):
    """Electronics of a calorimeter: a cell with energy E measures E (1 + c g1) + s sqrt(E) g2 + n g3."""

    noise: float = Field(ge=0, le=10, description="electronic noise of a cell, n [GeV]")
    stochastic: float = Field(0.0, ge=0, le=2, description="statistics of the signal, s [sqrt(GeV)]")
    constant: float = Field(0.0, ge=0, le=0.5, description="spread of the calibration, c")
    threshold: float = Field(ge=0, le=20, description="cells up to it are not read out [GeV]")


def read_out(
    grid: GridDetector, settings: CellReadout, rng: np.random.Generator, event: Array, cell: Array, energy: Array,
    axis: Array, reach: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Return event, cell and energy [GeV] of the cells that are read out, (K,) each, in order of event and cell.

    Noise alone makes hits within ``reach`` of each event's axis.

    Args:
        grid: The cells.
        settings: Electronics.
        rng: Random numbers.
        event: Of each deposit, (D,) int64.
        cell: (D,) int64.
        energy: (D,) [GeV].
        axis: px, py, pz of each event's axis, (N, 3).
        reach: In pseudorapidity and in azimuth.
    """
    s = settings
    key = np.asarray(event, np.int64) * grid.cells + cell
    lit, back = np.unique(key, return_inverse=True)
    true = np.bincount(back, energy, len(lit))
    g = rng.standard_normal((3, len(lit)))
    signal = true * (1 + s.constant * g[0]) + s.stochastic * np.sqrt(true) * g[1] + s.noise * g[2]
    dark = _noise(grid, s, rng, axis, reach)
    new = ~np.isin(dark[0], lit)
    key = np.concatenate([lit, dark[0][new]])
    signal = np.concatenate([signal, dark[1][new]])
    keep = np.flatnonzero(signal > s.threshold)
    keep = keep[np.argsort(key[keep])]
    number, of = np.divmod(key[keep], grid.cells)
    return number, of, signal[keep]


def _noise(
    grid: GridDetector, s: CellReadout, rng: np.random.Generator, axis: Array, reach: float
) -> tuple[Array, Array]:
    """Keys (event times cells plus cell) and energies of hits that noise makes."""
    if s.noise == 0:
        return np.zeros(0, np.int64), np.zeros(0)
    rows, columns = grid.grid_shape
    pitch = 2 * math.pi / columns
    place = grid.position(np.arange(rows) * columns)
    eta = kinematics.eta(*place.T)  # of each row
    centre, turn = kinematics.eta(*axis.T), kinematics.phi(axis[:, 0], axis[:, 1])
    low, high = np.searchsorted(eta, centre - reach), np.searchsorted(eta, centre + reach)
    first = np.floor((turn - reach) / pitch).astype(np.int64)
    wide = min(math.ceil(2 * reach / pitch), columns)
    chance = float(ndtr(-s.threshold / s.noise))
    number = rng.binomial((high - low) * wide, chance)
    event = np.repeat(np.arange(len(axis)), number)
    row = low[event] + (rng.random(len(event)) * (high - low)[event]).astype(np.int64)
    column = (first[event] + (rng.random(len(event)) * wide).astype(np.int64)) % columns
    size = -s.noise * ndtri(chance * (1 - rng.random(len(event))))
    key, once = np.unique(event * grid.cells + row * columns + column, return_index=True)
    return key, size[once]
