"""From deposited energy to hits: photostatistics, calibration, noise, time, read-out, and who gave what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.simulation._growing import longer
from hitforge.simulation.crystal.em_shower import Deposits
from hitforge.simulation.crystal.readout import TOWER, Choice, ReadoutSettings, select


@dataclass(frozen=True)
class CrystalHits:
    """Hits and links of all events, in order of event."""

    counts: Array  # (E,) int64, hits of each event
    cell: Array  # (H,) int64
    energy: Array  # (H,) GeV, > 0
    time: Array  # (H,) ns
    link_counts: Array  # (E,) int64
    hit: Array  # (L,) int64, within the event
    particle: Array  # (L,) int64, row of the incoming particle
    weight: Array  # (L,) share of the hit's energy
    seed: Array  # (E,) int64, hottest crystal, -1 for an event without energy


def respond(
    detector: CrystalBarrel, settings: ReadoutSettings, rng: np.random.Generator, deposits: Deposits, event: Array,
    delay: Array, events: int,
) -> CrystalHits:  # fmt: skip
    """Turn deposits into hits.

    A crystal with energy E measures ``E (1 + c g1) + s sqrt(E) g2 + n g3``: constant and stochastic term and noise.
    Noise is drawn for the window around the hottest crystal and for each crystal with energy outside it. Time is the
    energy-weighted delay of the particles behind light from the origin, smeared with ``N n / E`` and a constant in
    quadrature. The share of a particle is its deposit over the greater of measured and deposited energy, so that
    shares never sum to more than 1.

    Args:
        detector: The barrel.
        settings: Electronics and read-out.
        rng: Random numbers.
        deposits: Of all particles; particles in order of event.
        event: Event of each incoming particle, rising, (N,) int64.
        delay: Arrival behind light from the origin to the same point, (N,) [ns].
        events: Number of events E; events without deposits have no hits.
    """
    rows, columns = detector.grid_shape
    choice = Choice(
        settings.kind == "supercluster", settings.threshold, settings.phi_road, settings.domino_rows,
        settings.domino_threshold, settings.domino_seed, settings.tower_threshold, rows, columns,
        detector.config.rows_per_side, detector.config.eta_pitch,
    )  # fmt: skip
    of_event = np.asarray(event, np.int64)[deposits.particle]
    offsets = np.searchsorted(of_event, np.arange(events + 1))
    return CrystalHits(
        *_run(
            choice, settings.window, settings.noise, settings.stochastic, settings.constant, settings.time_noise,
            settings.time_constant, settings.time_range, rng, offsets, deposits.particle, deposits.cell,
            deposits.energy, np.asarray(delay, np.float64),
        )
    )  # fmt: skip


@njit(cache=True)  # type: ignore[untyped-decorator]
def _run(
    choice: Choice, window: int, noise: float, stochastic: float, constant: float, time_noise: float,
    time_constant: float, time_range: float, rng: np.random.Generator, offsets: Array, particle: Array, cell: Array,
    energy: Array, delay: Array,
) -> tuple[Array, Array, Array, Array, Array, Array, Array, Array, Array]:  # fmt: skip
    events, cells = len(offsets) - 1, choice.rows * choice.columns
    true, late, signal = np.zeros(cells), np.zeros(cells), np.zeros(cells)
    seen, kept, hit_of = np.zeros(cells, np.uint8), np.zeros(cells, np.uint8), np.full(cells, -1)
    active = np.empty(cells, np.int64)
    towers = np.zeros(((choice.rows + TOWER - 1) // TOWER, (choice.columns + TOWER - 1) // TOWER))
    counts, link_counts, seeds = np.zeros(events, np.int64), np.zeros(events, np.int64), np.full(events, -1)
    # At most: the window and each deposit make a hit, and each deposit a link. The arrays grow as events need it.
    reserve = (2 * window + 1) ** 2
    room = 64 * events + reserve
    out_cell, out_energy, out_time = np.empty(room, np.int64), np.empty(room), np.empty(room)
    link_room = 256 * events + 1024
    hit, source, weight = np.empty(link_room, np.int64), np.empty(link_room, np.int64), np.empty(link_room)
    used, links = 0, 0
    for event in range(events):
        first, last = offsets[event], offsets[event + 1]
        if first == last:
            continue
        count, hottest = 0, cell[first]
        for k in range(first, last):
            c = cell[k]
            if seen[c] == 0:
                seen[c] = 1
                active[count] = c
                count += 1
            true[c] += energy[k]
            late[c] += energy[k] * delay[particle[k]]
        for k in range(count):
            if true[active[k]] > true[hottest]:
                hottest = active[k]
        count = _open_window(choice, window, hottest, seen, active, count)
        seed = hottest
        for k in range(count):
            c = active[k]
            e = true[c]
            signal[c] = noise * rng.standard_normal()
            if e > 0.0:
                signal[c] += e + constant * e * rng.standard_normal() + stochastic * np.sqrt(e) * rng.standard_normal()
            if signal[c] > signal[seed]:
                seed = c
        seeds[event] = seed
        select(choice, signal, active, count, seed, kept, towers)
        if used + count > room:
            room = 2 * room + count
            out_cell, out_energy, out_time = longer(out_cell, room), longer(out_energy, room), longer(out_time, room)
        begin = used
        for k in range(count):
            c = active[k]
            if kept[c] and signal[c] > 0.0:
                spread = np.sqrt((time_noise * noise / signal[c]) ** 2 + time_constant**2)
                mean = late[c] / true[c] if true[c] > 0.0 else 0.0
                out_cell[used], out_energy[used] = c, signal[c]
                out_time[used] = min(max(mean + spread * rng.standard_normal(), -time_range), time_range)
                hit_of[c] = used - begin
                used += 1
        if links + last - first > link_room:
            link_room = 2 * link_room + last - first
            hit, source, weight = longer(hit, link_room), longer(source, link_room), longer(weight, link_room)
        before = links
        for k in range(first, last):
            c = cell[k]
            if hit_of[c] >= 0:
                hit[links], source[links] = hit_of[c], particle[k]
                weight[links] = energy[k] / max(signal[c], true[c])
                links += 1
        counts[event], link_counts[event] = used - begin, links - before
        for k in range(count):
            c = active[k]
            true[c], late[c], signal[c], seen[c], kept[c], hit_of[c] = 0.0, 0.0, 0.0, 0, 0, -1
    return (
        counts, out_cell[:used].copy(), out_energy[:used].copy(), out_time[:used].copy(), link_counts,
        hit[:links].copy(), source[:links].copy(), weight[:links].copy(), seeds,
    )  # fmt: skip


@njit(cache=True)  # type: ignore[untyped-decorator]
def _open_window(choice: Choice, window: int, centre: int, seen: Array, active: Array, count: int) -> int:
    """Add the crystals of the window to the active ones; return how many there are now."""
    row, column = centre // choice.columns, centre % choice.columns
    for i in range(max(row - window, 0), min(row + window + 1, choice.rows)):
        for j in range(column - window, column + window + 1):
            c = i * choice.columns + j % choice.columns
            if seen[c] == 0:
                seen[c] = 1
                active[count] = c
                count += 1
    return count
