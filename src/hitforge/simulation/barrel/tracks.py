"""Charged particles and photons through a silicon tracker: fitted tracks, and what leaves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitforge.acts import fatras
from hitforge.acts.ancestry import parents
from hitforge.acts.fatras import Crossings, Primaries
from hitforge.acts.fit import fit_groups
from hitforge.acts.measurements import Measurements
from hitforge.core.arrays import Array
from hitforge.detectors import TrackerDetector, acts_geometry
from hitforge.simulation.tracker.digitisation import Digitised, smeared
from hitforge.simulation.tracker.hadronic import interact


@dataclass(frozen=True)
class Leaving:
    """Particles where they were last seen in the tracker, in order of event.

    Attributes:
        event: (N,) int64.
        pdg: (N,) int64.
        charge: (N,) [e].
        mass: (N,) [GeV].
        position: (N, 3) [mm].
        momentum: There, (N, 3) [GeV].
    """

    event: Array
    pdg: Array
    charge: Array
    mass: Array
    position: Array
    momentum: Array


@dataclass(frozen=True)
class BarrelTracks:
    """Fitted tracks, in order of event.

    Attributes:
        event: (T,) int64.
        pdg: Of the particle, (T,) int64.
        charge: As fitted, (T,) [e].
        momentum: Where the track is nearest to the beam, (T, 3) [GeV].
        d0: -x sin(phi) + y cos(phi) of that place, (T,) [mm].
        d0_error: (T,) [mm].
        z0: z there, (T,) [mm].
        z0_error: (T,) [mm].
        spread: Relative error of the momentum, (T,).
        failed: Event of each particle whose fit failed, (F,) int64.
    """

    event: Array
    pdg: Array
    charge: Array
    momentum: Array
    d0: Array
    d0_error: Array
    z0: Array
    z0_error: Array
    spread: Array
    failed: Array


def through_silicon(
    tracker: TrackerDetector, primaries: Primaries, rng: np.random.Generator, p_min: float, hits_min: int
) -> tuple[BarrelTracks, Leaving]:
    """Follow particles through the tracker, and fit the tracks of charged ones to the hits that they made.

    Each track has all hits of its particle and no other (pattern recognition without a fault); hits are smeared by the
    pitch over the root of 12. A charged hadron that interacts leaves no further hits, but goes on to the calorimeters
    as if it had not: what comes of it keeps its energy and direction.

    Args:
        tracker: Sensors that ACTS knows.
        primaries: Charged particles and photons.
        rng: Random numbers.
        p_min: Particles below are neither made nor followed [GeV].
        hits_min: Hits that a track must have.

    Raises:
        ConfigError: ACTS does not know the tracker.
        MissingExtraError: pyacts is not installed.
    """
    surfaces, field = acts_geometry(tracker)
    made = fatras.crossings(primaries, surfaces, field, p_min, int(rng.integers(1, 2**31)))
    leaving = _leaving(made, tracker.field)
    seen, _ = interact(rng, made, tracker.row(made.module), tracker.modules)
    row = tracker.row(seen.module)
    hits = smeared(rng, tracker.modules, seen, row, np.ones(len(row), bool))
    return _tracks(tracker, made, hits, primaries.events, hits_min), leaving


def _leaving(made: Crossings, field: float) -> Leaving:
    """Where particles were last seen; photons that converted are left out."""
    position, momentum = made.vertex.copy(), made.momentum.copy()
    known = np.flatnonzero(made.particle >= 0)
    known = known[np.argsort(made.turn[known], kind="stable")]  # the last one that is written is the last crossing
    position[made.particle[known]], momentum[made.particle[known]] = made.place[known], made.flight[known]
    parent = parents(made.family, made.generation, made.charge, made.vertex, made.momentum, field)
    pair = (np.abs(made.pdg) == 11) & (parent >= 0)
    converted = np.zeros(len(parent), bool)
    converted[parent[pair]] = made.pdg[parent[pair]] == 22
    keep = ~converted
    return Leaving(made.event[keep], made.pdg[keep], made.charge[keep], made.mass[keep], position[keep], momentum[keep])


def _tracks(tracker: TrackerDetector, made: Crossings, hits: Digitised, events: int, hits_min: int) -> BarrelTracks:
    modules = tracker.modules
    number = modules.number[hits.row]
    order = np.lexsort((hits.v, hits.u, number, hits.event))
    row, u, v = hits.row[order], hits.u[order], hits.v[order]
    variance = np.stack([modules.pitch_u[row], modules.pitch_v[row]], axis=1) ** 2 / 12
    offsets = np.searchsorted(hits.event[order], np.arange(events + 1))
    measured = Measurements(
        offsets, np.arange(len(order)) - offsets[hits.event[order]], number[order], np.stack([u, v], axis=1), variance,
        tracker.to_global(number[order], u, v),
    )  # fmt: skip
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    charged = made.charge[hits.particle] != 0
    particle, at = hits.particle[charged], place[hits.measurement[charged]]
    enough = np.bincount(particle, minlength=len(made.event)) >= hits_min
    chosen = np.flatnonzero(enough)
    chosen = chosen[np.argsort(made.event[chosen], kind="stable")]
    turn = np.full(len(made.event), -1)
    turn[chosen] = np.arange(len(chosen))
    mine = turn[particle] >= 0
    counts = np.bincount(made.event[chosen], minlength=events)
    surfaces, field = acts_geometry(tracker)
    volumes = np.unique(modules.volume).tolist()
    fitted = fit_groups(measured, turn[particle[mine]], at[mine], counts, surfaces, field, volumes)
    good = np.flatnonzero(np.isfinite(fitted["q_over_p"]) & (fitted["q_over_p"] != 0))
    table = {name: values[good].astype(np.float64) for name, values in fitted.items()}
    size = 1.0 / np.abs(table["q_over_p"])
    phi, theta = table["phi"], table["theta"]
    momentum = size[:, None] * np.stack([np.cos(phi) * np.sin(theta), np.sin(phi) * np.sin(theta), np.cos(theta)], 1)
    return BarrelTracks(
        made.event[chosen[good]], made.pdg[chosen[good]], np.sign(table["q_over_p"]), momentum, table["loc0"],
        table["sigma_loc0"], table["z0"], table["sigma_z0"], table["sigma_q_over_p"] * size,
        np.delete(made.event[chosen], good),
    )  # fmt: skip
