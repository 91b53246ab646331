"""Electrons and photons through the tracker's material with ACTS's fast simulation, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from hitforge.acts import fatras
from hitforge.acts.ancestry import CONVERSION, parents
from hitforge.acts.geometry import magnetic_field
from hitforge.acts.material import TrackerMaterial, geometry_with
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError
from hitforge.core.particles import ELECTRON_MASS
from hitforge.core.units import C_LIGHT

_ROUNDS = 6


@dataclass(frozen=True)
class GunParticles:
    """Particles of the gun, one an event."""

    pdg: Array  # (N,) int64
    charge: Array  # (N,) e
    momentum: Array  # (N, 3) GeV
    energy: Array  # (N,) GeV
    vertex: Array  # (N, 3) mm


@dataclass(frozen=True)
class GunTracks:
    """Particles of all events after the tracker, in order of event; the first of each event is its primary."""

    event: Array  # (M,) int64
    pdg: Array  # (M,) int64
    charge: Array  # (M,) e
    parent: Array  # (M,) int64, within the event, -1 none
    alive: Array  # (M,) bool, False for photons that converted
    vertex: Array  # (M, 3) mm, production
    vertex_time: Array  # (M,) ns
    vertex_momentum: Array  # (M, 3) GeV
    vertex_energy: Array  # (M,) GeV
    position: Array  # (M, 3) mm, last place
    time: Array  # (M,) ns
    momentum: Array  # (M, 3) GeV
    energy: Array  # (M,) GeV


def electron_or_photon_energy(pdg: Array, momentum: Array) -> Array:
    """Return the total energy of electrons, positrons and photons, (N,) [GeV], from their momenta, (N, 3) [GeV]."""
    energy: Array = np.sqrt((momentum**2).sum(axis=1) + _mass(pdg) ** 2)
    return energy


def _mass(pdg: Array) -> Array:
    return np.where(np.abs(pdg) == 11, ELECTRON_MASS, 0.0)


def straight_through(primaries: GunParticles) -> GunTracks:
    """Return the primaries as they are: a tracker without material."""
    count, zero = len(primaries.pdg), np.zeros(len(primaries.pdg))
    return GunTracks(
        np.arange(count), primaries.pdg, primaries.charge, np.full(count, -1), np.ones(count, bool), primaries.vertex,
        zero, primaries.momentum, primaries.energy, primaries.vertex, zero, primaries.momentum, primaries.energy,
    )  # fmt: skip


def through_tracker(
    primaries: GunParticles, rng: np.random.Generator, material: TrackerMaterial, scale: float, min_momentum: float,
    field: float,
) -> GunTracks:  # fmt: skip
    """Send primaries through silicon: scattering, ionisation, bremsstrahlung, conversion.

    Fatras gives up on about one particle in a thousand (a stepping limit); its event is simulated again.

    Args:
        primaries: Particles of the gun.
        rng: Gives the seed.
        material: 'none', 'generic' or 'cms_like'.
        scale: Factor on the thickness.
        min_momentum: Particles below it are neither made nor followed [GeV].
        field: Along +z [T].

    Raises:
        MissingExtraError: pyacts is not installed.
        RunError: Events keep failing.
    """
    if material == "none" or not len(primaries.pdg):
        return straight_through(primaries)
    pending = np.arange(len(primaries.pdg))
    done: list[GunTracks] = []
    for _ in range(_ROUNDS):
        seed = int(rng.integers(1, 2**31))
        tracks = _simulate(primaries, pending, seed, material, scale, min_momentum, field)
        failed = _failed(primaries, pending, tracks)
        keep = ~np.isin(tracks.event, failed)
        done.append(_rows(tracks, keep))
        pending = failed
        if not len(pending):
            break
    else:
        raise RunError(
            "the tracker simulation must finish every event", came=f"{len(pending)} events fail {_ROUNDS} times",
            do="raise tracker_min_momentum",
        )  # fmt: skip
    whole = _join(done)
    return _rows(whole, np.argsort(whole.event, kind="stable"))


def _failed(primaries: GunParticles, index: Array, tracks: GunTracks) -> Array:
    """Events whose primary, or a good part of its energy, is gone."""
    count = len(primaries.pdg)
    has_primary = np.bincount(tracks.event[tracks.parent < 0], minlength=count) == 1
    out = np.bincount(tracks.event, weights=tracks.energy * tracks.alive, minlength=count)
    # Ionisation and the cut on momentum take one or two per mille of 50 GeV; more is a secondary that is missing.
    lost = primaries.energy - out > np.maximum(0.01 * primaries.energy, 0.3)
    failed: Array = index[(~has_primary | lost)[index]]
    return failed


def _simulate(
    primaries: GunParticles, index: Array, seed: int, material: TrackerMaterial, scale: float, min_momentum: float,
    field: float,
) -> GunTracks:  # fmt: skip
    """One run of ACTS over the primaries ``index``."""
    _, geometry = geometry_with(material, scale)
    columns, table = fatras.states(
        primaries.pdg[index], primaries.charge[index], _mass(primaries.pdg[index]), primaries.momentum[index],
        primaries.vertex[index], geometry, magnetic_field(field), min_momentum, seed,
    )  # fmt: skip
    columns[:, 0] = index[columns[:, 0].astype(np.int64)]
    return _table(columns, table, field)


def _table(columns: Array, table: Array, field: float) -> GunTracks:
    """Bring what ACTS gave into order of event and generation, with parents."""
    order = np.lexsort((columns[:, 1], columns[:, 0]))  # by event, then by generation
    columns = columns[order]
    event, generation, pdg, process = columns[:, :4].astype(np.int64).T
    charge = columns[:, 4]
    start, first, end, last = table[order].transpose(1, 0, 2)
    parent = parents(event, generation, charge, start[:, :3], first[:, :3], field, process, end[:, :3])
    converted = np.zeros(len(event), bool)
    converted[parent[(process == CONVERSION) & (parent >= 0)]] = True
    parent = np.where(parent >= 0, parent - np.searchsorted(event, event), -1)
    # A lost parent (Fatras gave up on it) leaves its children without one; the event is then repeated.
    return GunTracks(
        event, pdg, charge, parent, ~converted, start[:, :3], start[:, 3] / C_LIGHT, first[:, :3], first[:, 3],
        end[:, :3], end[:, 3] / C_LIGHT, last[:, :3], last[:, 3],
    )  # fmt: skip


def _rows(tracks: GunTracks, index: Array) -> GunTracks:
    return GunTracks(*(getattr(tracks, field.name)[index] for field in fields(GunTracks)))


def _join(parts: list[GunTracks]) -> GunTracks:
    return GunTracks(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(GunTracks)))
