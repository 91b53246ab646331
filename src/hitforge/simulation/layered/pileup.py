"""Pile-up: minimum-bias interactions, showered once into a pool and overlaid on many events."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.core.random import integer_seed, stream
from hitforge.detectors import LayeredDetector
from hitforge.simulation._growing import longer
from hitforge.simulation.generators.minimum_bias import from_pythia, parametrised
from hitforge.simulation.layered.arrival import arrive
from hitforge.simulation.layered.readout import Cells
from hitforge.simulation.layered.sampling_shower import SamplingSettings, deposit_in_layers
from hitforge.simulation.layered.window import Windows, find_extent

_BIN = 60.0  # mm at the front face: the pool is sorted by squares of this edge
_BLOCK = 50  # interactions that are showered at a time
_FIT = 0.01  # mm: a turn is a symmetry where the centres of turned cells are centres again


class PileupSettings(config.Config):
    """Minimum-bias interactions on top of the gun's particle, all of the same bunch crossing."""

    mu: float = Field(0.0, ge=0, le=400, description="mean number of interactions an event")
    generator: Literal["parametrised", "pythia"] = Field(
        "parametrised", description="'parametrised' soft spectrum, or 'pythia' (Pythia 8; needs the extra 'gen')"
    )
    pool: int = Field(300, ge=1, le=20_000, description="interactions that are showered for each shard")
    field: float = Field(3.8, ge=0, le=20, description="along z before the calorimeter, for the pile-up alone [T]")
    vertex_spread: float = Field(50.0, ge=0, le=200, description="of the interactions along the beam, Gaussian [mm]")
    time_spread: float = Field(0.18, ge=0, le=5, description="of the interactions, Gaussian [ns]")
    renamed: ClassVar[dict[str, str]] = {
        "least_energy": "min_energy", "least_cell": "min_cell_mip", "seed": "source.seed",
    }  # fmt: skip

    min_energy: float = Field(0.1, ge=0.01, le=10, description="particles below are dropped at the face [GeV]")
    min_cell_mip: float = Field(0.02, ge=0, le=1, description="cells of an interaction below are dropped [MIP]")


@dataclass(frozen=True)
class Pool:
    """Cells with energy of minimum-bias interactions, one half a side of z.

    Half ``2 i`` is the negative side of interaction ``i``, half ``2 i + 1`` the positive one; on a calorimeter of one
    side both are there. The rows of a half are sorted by squares of the plane in which windows count distances.

    Attributes:
        begins: First row of each half and square, and the end, (halves, squares^2 + 1) int32.
        squares: Squares along x and y.
        edge: The squares cover from -edge to edge [mm].
        u: Place in that plane, (R,) float32 [mm].
        v: The same in y.
        energy: Active energy, (R,) float32 [GeV].
        time: (R,) float32 [ns].
        angles: Turns about z that bring cells onto cells, (O,) [rad]; first those that keep the side of z.
        kept: How many of them keep it; the others come with a mirror in z.
        cell: Cells after each of these turns, -1 where there is none, (O, R) int64.
        sides: Whether there is a calorimeter at negative and at positive z.
    """

    begins: Array
    squares: int
    edge: float
    u: Array
    v: Array
    energy: Array
    time: Array
    angles: Array
    kept: int
    cell: Array
    sides: tuple[bool, bool]

    @property
    def interactions(self) -> int:
        """Number of interactions."""
        return len(self.begins) // 2

    @property
    def cells_per_half(self) -> float:
        """Mean number of cells that one side of an interaction gives."""
        return len(self.u) / len(self.begins)


@dataclass(frozen=True)
class _Key:
    """What a pool depends on; the detector itself is not compared, only its name and settings."""

    name: str
    geometry: config.Config
    settings: PileupSettings
    shower: SamplingSettings
    seed: int
    pointing: bool
    detector: LayeredDetector = field(compare=False)


def pool_of(
    detector: LayeredDetector, settings: PileupSettings, shower: SamplingSettings, seed: int, pointing: bool = True
) -> Pool:
    """Return the pool of a seed, always the same one; the last two are kept.

    All events that share a pool share its fluctuation, so each shard takes a pool of its own.

    Args:
        detector: The calorimeter.
        settings: Pile-up; ``mu`` has no influence on the pool.
        shower: How showers are drawn.
        seed: Another one gives another pool.
        pointing: Whether windows follow the line from the origin.

    Raises:
        MissingExtraError: The generator is 'pythia' and pythia8mc is not installed.
    """
    settings = settings.model_copy(update={"mu": 0.0})
    return _make(_Key(detector.name, detector.config, settings, shower, seed, pointing, detector))


@lru_cache(maxsize=2)
def _make(key: _Key) -> Pool:
    settings, detector = key.settings, key.detector
    rng = stream(key.seed, "minimum_bias")
    if settings.generator == "pythia":
        interactions = from_pythia(integer_seed(key.seed, "pythia"), settings.pool)
    else:
        interactions = parametrised(rng, settings.pool)
    extent, layers = find_extent(detector), detector.layers
    ends = extent.outer > 0  # (2, L)
    sides = (bool(ends[0].any()), bool(ends[1].any()))
    radii = (0.8 * float(extent.inner[ends].min()), 1.1 * float(extent.outer[:, 0].max()))
    came = arrive(interactions, rng, detector.front, settings.field, settings.vertex_spread, radii, settings.min_energy)
    place, direction = came.position.copy(), came.direction.copy()
    half = 2 * came.event + (place[:, 2] > 0)
    if not all(sides):  # both halves go to the one side that there is
        only = 1 if sides[1] else -1
        place[:, 2], direction[:, 2] = only * np.abs(place[:, 2]), only * np.abs(direction[:, 2])
    start = settings.time_spread * rng.standard_normal(settings.pool)
    order = np.argsort(half, kind="stable")
    half, delay = half[order], (came.delay + start[came.event])[order]
    shot = (came.pdg[order], came.energy[order], place[order], direction[order])
    begin = np.searchsorted(half, np.arange(0, 2 * settings.pool + 2 * _BLOCK, 2 * _BLOCK))
    parts = []
    for low, high in pairwise(begin.tolist()):  # a block at a time, which bounds the memory
        showers = deposit_in_layers(detector, key.shower, rng, *(part[low:high] for part in shot))
        row = low + showers.particle
        cell, energy, time, of_half = _merge(half[row], showers.cell, showers.energy, showers.time + delay[row])
        keep = energy > settings.min_cell_mip * layers.mip[detector.layer(cell)]
        parts.append(tuple(part[keep] for part in (cell, energy, time, of_half)))
    cell, energy, time, of_half = (np.concatenate(part) for part in zip(*parts, strict=True))
    place = detector.position(cell)
    scale = np.abs(place[:, 2]) / detector.front if key.pointing else np.ones(len(cell))
    u, v = place[:, 0] / scale, place[:, 1] / scale
    del place, scale
    edge = float(max(np.abs(u).max(initial=0), np.abs(v).max(initial=0))) + 1.0
    squares = math.ceil(2 * edge / _BIN)
    column, row = (np.floor((part + edge) * (squares / (2 * edge))).astype(np.int64) for part in (u, v))
    square = (of_half * squares + row) * squares + column
    order = np.argsort(square, kind="stable")
    bounds = np.searchsorted(square[order], np.arange(2 * settings.pool * squares**2 + 1)).astype(np.int32)
    first = squares**2 * np.arange(2 * settings.pool)[:, None]
    begins = bounds[first + np.arange(squares**2 + 1)]  # (halves, squares^2 + 1)
    angles, kept, cells = _turned(detector, cell[order], all(sides))

    def single(part: Array) -> Array:
        values: Array = part[order].astype(np.float32, copy=False)
        return values

    return Pool(
        begins, squares, edge, single(u), single(v), single(energy), single(time), angles, kept, cells, sides
    )  # fmt: skip


def _merge(half: Array, cell: Array, energy: Array, time: Array) -> tuple[Array, Array, Array, Array]:
    """Add up the particles of each half in each cell: cell, energy, mean time, half; sorted by half."""
    order = np.lexsort((cell, half))
    half, cell, energy, time = half[order], cell[order], energy[order].astype(np.float64), time[order]
    new = np.ones(len(cell), bool)
    new[1:] = (cell[1:] != cell[:-1]) | (half[1:] != half[:-1])
    if not len(cell):
        return cell, energy, time, half
    first = np.flatnonzero(new)
    total, late = np.add.reduceat(energy, first), np.add.reduceat(energy * time, first)
    late /= np.maximum(total, 1e-30)
    return cell[first], total.astype(np.float32), late.astype(np.float32), half[first]


def _turned(detector: LayeredDetector, cell: Array, mirror: bool) -> tuple[Array, int, Array]:
    """Find the turns by multiples of 30 degrees, with and without a mirror in z, that bring cells onto cells.

    Returns:
        Angles (O,) [rad], how many of them come without a mirror, and all cells after each, (O, R).
    """
    x, y, z = detector.position(cell).T
    layer, some = detector.layer(cell), slice(None, None, max(len(cell) // 2000, 1))

    def turned(flip: int, angle: float, part: slice) -> tuple[Array, Array, Array]:
        cosine, sine = math.cos(angle), math.sin(angle)
        to_x, to_y = cosine * x[part] - sine * y[part], sine * x[part] + cosine * y[part]
        return detector.cell_in(layer[part], to_x, to_y, flip * np.sign(z[part]).astype(np.int64)), to_x, to_y

    found = [(1, 0.0)]
    for flip in (1, -1) if mirror else (1,):
        for angle in (np.arange(12) * (math.pi / 6)).tolist():
            probe, to_x, to_y = turned(flip, angle, some)
            there = detector.position(np.where(probe >= 0, probe, cell[some]))
            off = np.hypot(there[:, 0] - to_x, there[:, 1] - to_y)
            fitting = np.count_nonzero((probe >= 0) & (off < _FIT))
            if (flip, angle) != found[0] and fitting > 0.95 * len(off):
                found.append((flip, angle))
    cells = np.empty((len(found), len(cell)), np.int64)
    cells[0] = cell
    for row in range(1, len(found)):
        cells[row] = turned(*found[row], slice(None))[0]
    return np.array([angle for _, angle in found]), sum(flip == 1 for flip, _ in found), cells


def overlay(pool: Pool, rng: np.random.Generator, interactions: Array, windows: Windows) -> Cells:
    """Put interactions of the pool on events.

    Each is drawn from the pool, and turned and perhaps mirrored in z by one of the detector's symmetries at random.

    Args:
        pool: The pool.
        rng: Random numbers.
        interactions: Number for each event, (E,).
        windows: What is read out of each event.
    """
    event, cell, energy, time = _overlay(
        rng, np.asarray(interactions, np.int64), windows.side, windows.x, windows.y, windows.radius, pool.begins,
        pool.squares, pool.edge, pool.u, pool.v, pool.energy, pool.time, pool.angles, pool.kept, pool.cell,
        np.array(pool.sides),
    )  # fmt: skip
    return Cells(event, cell, energy, time)


@njit(cache=True)
def _overlay(  # type: ignore[no-untyped-def]
    rng, interactions, side, centre_x, centre_y, radius, begins, squares, edge, u, v, energy, time, angles, kept, cell,
    sides,
):  # fmt: skip
    halves, mirrors = begins.shape[0], len(angles) - kept
    one_sided = not (sides[0] and sides[1])
    room = 4096
    out_event, out_cell = np.empty(room, np.int64), np.empty(room, np.int64)
    out_energy, out_time = np.empty(room, np.float32), np.empty(room, np.float32)
    used = 0
    per_mm = squares / (2.0 * edge)
    for event in range(len(interactions)):
        for _ in range(interactions[event]):
            drawn, swapped = rng.integers(0, halves // 2), rng.integers(0, 2)
            if mirrors == 0 and not one_sided:
                swapped = 0
            turn = kept + rng.integers(0, mirrors) if swapped == 1 and mirrors > 0 else rng.integers(0, kept)
            for end in range(2):
                if not sides[end] or (radius > 0.0 and (side[event] > 0) != (end == 1)):
                    continue
                half = 2 * drawn + (end ^ swapped)
                cells = cell[turn]
                x, y, low, high = 0.0, 0.0, 0, squares - 1
                left, right = 0, squares - 1
                if radius > 0.0:  # turn the window back instead of the interaction
                    cosine, sine = np.cos(angles[turn]), np.sin(angles[turn])
                    x = cosine * centre_x[event] + sine * centre_y[event]
                    y = cosine * centre_y[event] - sine * centre_x[event]
                    left, right = int((x - radius + edge) * per_mm), int((x + radius + edge) * per_mm)
                    low, high = int((y - radius + edge) * per_mm), int((y + radius + edge) * per_mm)
                    left, right = max(left, 0), min(right, squares - 1)
                    low, high = max(low, 0), min(high, squares - 1)
                    if left > right:
                        continue
                for row in range(low, high + 1):
                    first, last = begins[half, row * squares + left], begins[half, row * squares + right + 1]
                    if used + last - first > room:
                        room = 2 * room + last - first
                        out_event, out_cell = longer(out_event, room), longer(out_cell, room)
                        out_energy, out_time = longer(out_energy, room), longer(out_time, room)
                    for k in range(first, last):
                        if cells[k] < 0:
                            continue
                        if radius > 0.0 and (u[k] - x) ** 2 + (v[k] - y) ** 2 >= radius * radius:
                            continue
                        out_event[used], out_cell[used] = event, cells[k]
                        out_energy[used], out_time[used] = energy[k], time[k]
                        used += 1
    return out_event[:used].copy(), out_cell[:used].copy(), out_energy[:used].copy(), out_time[:used].copy()
