"""From active energy to hits of a sampling calorimeter: calibration, noise, saturation, time, dead cells, threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from pydantic import Field, field_validator
from scipy.special import ndtr, ndtri

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.kernels import njit
from hitforge.core.units import C_LIGHT
from hitforge.detectors import LayeredDetector
from hitforge.simulation._growing import longer
from hitforge.simulation.layered.window import Extent, Windows, areas, find_extent


class CalorimeterReadout(config.Config):
    """Electronics of the cells; energies in units of a minimum ionising particle's most probable energy (MIP)."""

    noise: float = Field(0.2, ge=0, le=10, description="Gaussian noise of a cell [MIP]")
    threshold: float = Field(0.5, gt=0, le=100, description="least energy of a hit [MIP]")
    calibration: float = Field(0.03, ge=0, le=0.5, description="spread of the cells' calibration, fixed for each cell")
    saturation: float = Field(0.0, ge=0, le=1e7, description="largest energy of a cell [MIP]; 0 for none")
    dead_layers: tuple[int, ...] = Field((), description="layers that give no hits, counted from 0")
    dead_cells: float = Field(0.0, ge=0, le=0.9, description="share of cells that give no hits, always the same ones")
    time_noise: float = Field(
        0.6, ge=0, le=100, description="time resolution: this over the energy in MIP, and ... [ns]"
    )
    time_constant: float = Field(0.025, ge=0, le=5, description="... this in quadrature [ns]")
    time_range: float = Field(
        12.5, gt=0, le=1000, description="hits of noise alone lie evenly this far about the arrival of light [ns]"
    )
    cell_seed: int = Field(1, ge=0, lt=2**32, description="seed of calibration and dead cells")

    @field_validator("dead_layers")
    @classmethod
    def _layers(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if any(value < 0 for value in values) or len(set(values)) < len(values):
            raise ValueError("layers count from 0 and each may stand once")
        return values


@dataclass(frozen=True)
class Cells:
    """Cells with energy, in order of event.

    Attributes:
        event: Rising, (K,) int64.
        cell: A cell may stand more than once in an event, (K,) int64.
        energy: In the active medium, (K,) [GeV].
        time: (K,) [ns].
    """

    event: Array
    cell: Array
    energy: Array
    time: Array

    def select(self, keep: Array) -> Cells:
        """Return the rows where ``keep``, (K,) bool."""
        return Cells(self.event[keep], self.cell[keep], self.energy[keep], self.time[keep])


@dataclass(frozen=True)
class CalorimeterHits:
    """Hits of all events, in order of event, and of cell within an event.

    Attributes:
        counts: Hits of each event, (E,) int64.
        cell: (H,) int64.
        layer: (H,) int64.
        energy: Active energy times the layer's weight, (H,) [GeV].
        time: (H,) [ns].
        share: Part of the hit's energy that the signal gave, (H,), from 0 to 1.
        dropped_cells: Cells with energy of the signal that gave no hit, (E,) int64.
        dropped_energy: Energy of the signal in them, times the layers' weight, (E,) [GeV].
        background_energy: Energy of the background in the windows, times the layers' weight, (E,) [GeV].
    """

    counts: Array
    cell: Array
    layer: Array
    energy: Array
    time: Array
    share: Array
    dropped_cells: Array
    dropped_energy: Array
    background_energy: Array

    @staticmethod
    def concatenate(parts: Sequence[CalorimeterHits]) -> CalorimeterHits:
        """Append the events of several parts."""
        names = [item.name for item in fields(CalorimeterHits)]
        return CalorimeterHits(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class Digitiser:
    """Turns energies in cells into hits.

    A cell with active energy E measures ``gain E + noise``, at most the saturation; it is a hit if that exceeds the
    threshold. The gain is Gaussian and fixed for each cell, as is whether it is dead: both come from a hash of its
    number. Cells without energy become hits where their noise exceeds the threshold; only these are drawn.

    Args:
        detector: Calorimeter of layers.
        settings: Electronics.

    Raises:
        ConfigError: A dead layer does not exist.
    """

    def __init__(self, detector: LayeredDetector, settings: CalorimeterReadout) -> None:
        self.detector, self.settings = detector, settings
        layers = len(detector.layers)
        if settings.dead_layers and max(settings.dead_layers) >= layers:
            raise ConfigError(
                f"dead layers must lie between 0 and {layers - 1}", came=settings.dead_layers, where="readout"
            )
        self._alive = np.ones(layers, bool)
        self._alive[list(settings.dead_layers)] = False

    @cached_property
    def extent(self) -> Extent:
        """Where the detector has cells."""
        return find_extent(self.detector)

    @property
    def noise_rate(self) -> float:
        """Probability that the noise of a cell exceeds the threshold."""
        settings = self.settings
        return float(ndtr(-settings.threshold / settings.noise)) if settings.noise > 0 else 0.0

    def noise_hits(self, windows: Windows) -> Array:
        """Return the mean number of cells of each event that have noise above the threshold, (E,)."""
        if windows.whole:
            return np.full(len(windows.side), self.extent.cells[:, self._alive].sum() * self.noise_rate)
        row = (windows.side > 0).astype(np.int64)
        area = np.pi * (windows.radius * windows.scale(self.detector.layers.z)) ** 2  # (L,)
        smallest = self.extent.smallest[:, self._alive]
        per_side = np.where(smallest > 0, area[self._alive] / np.maximum(smallest, 1e-9), 0).sum(axis=1)
        bound: Array = per_side[row] * self.noise_rate
        return bound

    def read(
        self, rng: np.random.Generator, windows: Windows, signal: Cells, background: Cells | None = None
    ) -> CalorimeterHits:
        """Return the hits in the windows.

        Args:
            rng: Random numbers.
            windows: One an event.
            signal: Energies whose share of each hit is returned; those outside the windows count as dropped.
            background: Other energies, which must lie inside the windows.
        """
        events, settings, layers = len(windows.side), self.settings, self.detector.layers
        empty = np.zeros(0)
        if background is None:
            background = Cells(empty.astype(np.int64), empty.astype(np.int64), empty, empty)
        noise = self._noise(rng, windows)
        inside = windows.contains(signal.event, self.detector.position(signal.cell))
        outside, signal = signal.select(~inside), signal.select(inside)
        offsets = [np.searchsorted(part.event, np.arange(events + 1)) for part in (signal, background, noise)]
        number = [self.detector.layer(part.cell) for part in (signal, background, noise)]
        counts, cell, layer, energy, time, share, cells, lost = _digitise(
            rng, settings.noise, settings.threshold, settings.calibration, settings.saturation, settings.dead_cells,
            settings.time_noise, settings.time_constant, settings.cell_seed, layers.mip, layers.weight, self._alive,
            offsets[0], signal.cell, number[0], signal.energy.astype(np.float64), signal.time.astype(np.float64),
            offsets[1], background.cell, number[1], background.energy.astype(np.float64),
            background.time.astype(np.float64),
            offsets[2], noise.cell, number[2], noise.energy, noise.time,
        )  # fmt: skip
        weight = outside.energy * layers.weight[self.detector.layer(outside.cell)]
        cells += np.bincount(outside.event, minlength=events)
        lost += np.bincount(outside.event, weight, minlength=events)
        under = np.bincount(background.event, background.energy * layers.weight[number[1]], minlength=events)
        return CalorimeterHits(counts, cell, layer, energy, time, share, cells, lost, under)

    def _noise(self, rng: np.random.Generator, windows: Windows) -> Cells:
        """Draw the cells whose noise alone exceeds the threshold; some may stand twice or have energy besides.

        Points fall evenly with a density of -log(1 - p) / area of the cell, so that a cell is hit with probability p.
        """
        whole = np.zeros(0, np.int64)
        if self.noise_rate == 0:
            return Cells(whole, whole, np.zeros(0), np.zeros(0))
        settings, layers, extent = self.settings, self.detector.layers, self.extent
        event, layer, side, x, y = [], [], [], [], []
        density = -np.log1p(-self.noise_rate)
        for row, sign in enumerate((-1, 1)):
            chosen = np.flatnonzero((windows.side == sign) | windows.whole)
            used = np.flatnonzero(self._alive & (extent.smallest[row] > 0))
            scale = windows.scale(layers.z[used])
            inner = extent.inner[row, used] if windows.whole else np.zeros(len(used))
            outer = extent.outer[row, used] if windows.whole else windows.radius * scale + extent.margin[row, used]
            expected = density * np.pi * (outer**2 - inner**2) / extent.smallest[row, used]  # (U,)
            counts = rng.poisson(expected, (len(chosen), len(used)))  # (C, U)
            total = int(counts.sum())
            at = np.repeat(np.tile(np.arange(len(used)), len(chosen)), counts.ravel())  # (T,)
            of_event = np.repeat(chosen, counts.sum(axis=1))
            radius = np.sqrt(rng.uniform(inner[at] ** 2, outer[at] ** 2))
            phi = rng.uniform(0, 2 * np.pi, total)
            middle = (0.0, 0.0) if windows.whole else (windows.x[of_event], windows.y[of_event])
            event.append(of_event)
            layer.append(used[at])
            side.append(np.full(total, sign))
            x.append(middle[0] * scale[at] + radius * np.cos(phi))
            y.append(middle[1] * scale[at] + radius * np.sin(phi))
        of_event, of_layer, of_side = (np.concatenate(part) for part in (event, layer, side))
        cell = self.detector.cell_in(of_layer, np.concatenate(x), np.concatenate(y), of_side)
        found = np.flatnonzero(cell >= 0)
        cell, of_event, of_layer, of_side = (part[found] for part in (cell, of_event, of_layer, of_side))
        smallest = extent.smallest[(of_side > 0).astype(np.int64), of_layer]
        place = self.detector.position(cell)
        keep = rng.random(len(cell)) * areas(self.detector.corners(cell)) < smallest
        keep &= windows.contains(of_event, place)
        cell, of_event, of_layer, place = cell[keep], of_event[keep], of_layer[keep], place[keep]
        order = np.argsort(of_event, kind="stable")  # the two sides were drawn one behind the other
        cell, of_event, of_layer, place = cell[order], of_event[order], of_layer[order], place[order]
        # The tail of a Gaussian beyond the threshold: the quantile of an even share of its probability.
        energy = -ndtri(np.maximum(rng.random(len(cell)), 1e-12) * self.noise_rate) * settings.noise
        light = np.linalg.norm(place, axis=1) / C_LIGHT
        time = light + rng.uniform(-settings.time_range, settings.time_range, len(cell))
        return Cells(of_event, cell, energy * layers.mip[of_layer], time)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _uniform(cell: int, seed: int, salt: int) -> float:
    """Even number in (0, 1) that belongs to a cell: the finaliser of SplitMix64 (Steele et al., OOPSLA 2014)."""
    state = np.uint64(cell) + np.uint64(0x9E3779B97F4A7C15) * (np.uint64(seed) * np.uint64(4) + np.uint64(salt + 1))
    for _ in range(2):
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return float((np.float64(state >> np.uint64(11)) + 0.5) / 9007199254740992.0)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _gain(cell: int, seed: int, spread: float) -> float:
    """Calibration of a cell: 1 with a Gaussian spread (Box and Muller), never negative."""
    if spread == 0.0:
        return 1.0
    radius = np.sqrt(-2.0 * np.log(_uniform(cell, seed, 0)))
    return float(max(1.0 + spread * radius * np.cos(2.0 * np.pi * _uniform(cell, seed, 1)), 0.0))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _slot(table: Array, stamp: Array, event: int, cell: int) -> int:
    """Place of a cell in a table of this event, or the free place that it may take (open addressing)."""
    mask = len(table) - 1
    at = int((np.uint64(cell) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & mask
    while stamp[at] == event and table[at] != cell:
        at = (at + 1) & mask
    return at


@njit(cache=True)
def _digitise(  # type: ignore[no-untyped-def]
    rng, noise, threshold, calibration, saturation, dead_share, time_noise, time_constant, seed, mip, weight, alive,
    signal_offsets, signal_cell, signal_layer, signal_energy, signal_time,
    other_offsets, other_cell, other_layer, other_energy, other_time,
    noise_offsets, noise_cell, noise_layer, noise_energy, noise_time,
):  # fmt: skip
    events = len(signal_offsets) - 1
    most = 1
    for event in range(events):
        most = max(
            most,
            signal_offsets[event + 1] - signal_offsets[event] + other_offsets[event + 1] - other_offsets[event]
            + noise_offsets[event + 1] - noise_offsets[event],
        )  # fmt: skip
    size = 16
    while size < 2 * most:
        size *= 2
    table, stamp, index = np.zeros(size, np.int64), np.full(size, -1), np.zeros(size, np.int64)
    cells, number = np.zeros(most, np.int64), np.zeros(most, np.int64)
    own, other, late, alone = np.zeros(most), np.zeros(most), np.zeros(most), np.zeros(most)
    measured, when = np.zeros(most), np.zeros(most)
    # The output holds every cell that is touched at most; its true length is cut at the end.
    room = min(len(signal_cell) + len(other_cell) + len(noise_cell), 64 * events + most)
    out_cell, out_layer = np.empty(room, np.int64), np.empty(room, np.int64)
    out_energy, out_time, out_share = np.empty(room, np.float32), np.empty(room, np.float32), np.empty(room, np.float32)
    counts, dropped, lost = np.zeros(events, np.int64), np.zeros(events, np.int64), np.zeros(events)
    used = 0
    for event in range(events):
        count = 0
        for kind in range(3):
            if kind == 0:
                offsets, cell, layer, energy, time = (
                    signal_offsets, signal_cell, signal_layer, signal_energy, signal_time,
                )  # fmt: skip
            elif kind == 1:
                offsets, cell, layer, energy, time = other_offsets, other_cell, other_layer, other_energy, other_time
            else:
                offsets, cell, layer, energy, time = noise_offsets, noise_cell, noise_layer, noise_energy, noise_time
            for k in range(offsets[event], offsets[event + 1]):
                at = _slot(table, stamp, event, cell[k])
                if stamp[at] != event:
                    stamp[at], table[at], index[at] = event, cell[k], count
                    cells[count], number[count] = cell[k], layer[k]
                    own[count], other[count], late[count], alone[count] = 0.0, 0.0, 0.0, 0.0
                    if kind == 2:
                        alone[count], late[count] = energy[k], time[k]
                    count += 1
                if kind < 2:
                    i = index[at]
                    late[i] += energy[k] * time[k]
                    if kind == 0:
                        own[i] += energy[k]
                    else:
                        other[i] += energy[k]
        hits = 0
        for i in range(count):
            scale = mip[number[i]]
            energy_here = own[i] + other[i]
            measured[i] = 0.0
            if alive[number[i]] and (dead_share == 0.0 or _uniform(cells[i], seed, 2) >= dead_share):
                value = alone[i]
                if alone[i] == 0.0:
                    value = _gain(cells[i], seed, calibration) * energy_here + noise * scale * rng.standard_normal()
                if saturation > 0.0:
                    value = min(value, saturation * scale)
                if value > threshold * scale:
                    measured[i] = value
                    mean = late[i] if alone[i] > 0.0 else late[i] / energy_here
                    spread = np.sqrt((time_noise * scale / value) ** 2 + time_constant**2)
                    when[i] = mean if alone[i] > 0.0 else mean + spread * rng.standard_normal()
                    hits += 1
            if measured[i] == 0.0 and own[i] > 0.0:
                dropped[event] += 1
                lost[event] += own[i] * weight[number[i]]
        if used + hits > room:
            room = max(2 * room, used + hits)
            out_cell, out_layer = longer(out_cell, room), longer(out_layer, room)
            out_energy, out_time = longer(out_energy, room), longer(out_time, room)
            out_share = longer(out_share, room)
        order = np.argsort(cells[:count])  # the order of the hits must not tell who made them
        for i in order:
            if measured[i] > 0.0:
                gain = _gain(cells[i], seed, calibration)
                out_cell[used], out_layer[used] = cells[i], number[i]
                out_energy[used], out_time[used] = measured[i] * weight[number[i]], when[i]
                true = own[i] + other[i]
                out_share[used] = own[i] * gain / max(measured[i], true * gain) if own[i] > 0.0 else 0.0
                used += 1
        counts[event] = hits
    return (
        counts, out_cell[:used].copy(), out_layer[:used].copy(), out_energy[:used].copy(), out_time[:used].copy(),
        out_share[:used].copy(), dropped, lost,
    )  # fmt: skip
