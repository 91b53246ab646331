"""Electrons and photons through the tracker's material with ACTS's fast simulation, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.errors import RunError, require
from hitforge.simulation.stages.ancestry import parents
from hitforge.simulation.stages.helix import LIGHT
from hitforge.simulation.stages.tracker_material import TrackerMaterial, tracking_geometry

Array = NDArray[Any]

_BATCH = 500  # primaries in one ACTS event: many enough to hide its overhead, few enough for flat memory
_ROUNDS = 6
_MASS = {11: 0.51099895e-3, 22: 0.0}  # GeV


@dataclass(frozen=True)
class Primaries:
    """Particles of the gun, one an event."""

    pdg: Array  # (N,) int64
    charge: Array  # (N,) e
    momentum: Array  # (N, 3) GeV
    energy: Array  # (N,) GeV
    vertex: Array  # (N, 3) mm


@dataclass(frozen=True)
class Tracks:
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
    mass = np.where(np.abs(pdg) == 11, _MASS[11], _MASS[22])
    energy: Array = np.sqrt((momentum**2).sum(axis=1) + mass**2)
    return energy


def straight_through(primaries: Primaries) -> Tracks:
    """Return the primaries as they are: a tracker without material."""
    count, zero = len(primaries.pdg), np.zeros(len(primaries.pdg))
    return Tracks(
        np.arange(count), primaries.pdg, primaries.charge, np.full(count, -1), np.ones(count, bool), primaries.vertex,
        zero, primaries.momentum, primaries.energy, primaries.vertex, zero, primaries.momentum, primaries.energy,
    )  # fmt: skip


def through_tracker(
    primaries: Primaries, rng: np.random.Generator, material: TrackerMaterial, scale: float, min_momentum: float,
    field: float,
) -> Tracks:  # fmt: skip
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
    done: list[Tracks] = []
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


def _failed(primaries: Primaries, wanted: Array, tracks: Tracks) -> Array:
    """Events whose primary, or a good part of its energy, is gone."""
    count = len(primaries.pdg)
    has_primary = np.bincount(tracks.event[tracks.parent < 0], minlength=count) == 1
    out = np.bincount(tracks.event, weights=tracks.energy * tracks.alive, minlength=count)
    # Ionisation and the cut on momentum take one or two per mille of 50 GeV; more is a secondary that is missing.
    lost = primaries.energy - out > np.maximum(0.01 * primaries.energy, 0.3)
    failed: Array = wanted[(~has_primary | lost)[wanted]]
    return failed


def _simulate(
    primaries: Primaries, index: Array, seed: int, material: TrackerMaterial, scale: float, min_momentum: float,
    field: float,
) -> Tracks:  # fmt: skip
    """One run of ACTS over the primaries ``index``."""
    acts, examples = require("acts"), require("acts.examples")
    unit = acts.UnitConstants
    _, geometry = tracking_geometry(material, scale)
    silent = acts.logging.FATAL  # particles that fail are dealt with here
    batches = [index[first : first + _BATCH] for first in range(0, len(index), _BATCH)]
    barcode = require("acts.fatras").Barcode
    identities = {pdg: acts.PdgParticle(pdg) for pdg in np.unique(primaries.pdg).tolist()}
    numbers: list[tuple[int, int, int, int, float]] = []
    vectors: list[bytes] = []

    class Gun(examples.IAlgorithm):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            examples.IAlgorithm.__init__(self, "Gun", silent)
            self.out = examples.WriteDataHandle(self, examples.SimParticleContainer, "out")
            self.out.initialize("gun")

        def execute(self, context: Any) -> Any:
            container = examples.SimParticleContainer()
            for number, row in enumerate(batches[context.eventNumber].tolist()):
                name = barcode()
                name.vertexPrimary, name.particle = 1, number + 1
                pdg = int(primaries.pdg[row])
                particle = examples.SimParticle(name, identities[pdg], float(primaries.charge[row]), _MASS[abs(pdg)])
                particle.fourPosition = acts.Vector4(*primaries.vertex[row].tolist(), 0.0)
                x, y, z = primaries.momentum[row].tolist()
                length = (x * x + y * y + z * z) ** 0.5
                particle.direction = acts.Vector3(x / length, y / length, z / length)
                particle.absoluteMomentum = length * unit.GeV
                container.insert(particle)
            self.out(context, container)
            return examples.ProcessCode.SUCCESS

    class Collect(examples.IAlgorithm):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            examples.IAlgorithm.__init__(self, "Collect", silent)
            self.source = examples.ReadDataHandle(self, examples.SimParticleContainer, "source")
            self.source.initialize("simulated")

        def execute(self, context: Any) -> Any:
            rows = batches[context.eventNumber].tolist()
            for particle in self.source(context.eventStore):
                name, first, last = particle.particleId, particle.initialState, particle.finalState
                pdg = int(particle.pdg)
                process = int(particle.process.value)
                numbers.append((rows[name.particle - 1], name.generation, pdg, process, particle.charge))
                # Vectors give their memory: joined, they are a table of doubles, ten times faster than their numbers.
                vectors.append(b"".join((first.fourPosition, first.fourMomentum, last.fourPosition, last.fourMomentum)))
            return examples.ProcessCode.SUCCESS

    gun, collect = Gun(), Collect()
    sequencer = examples.Sequencer(events=len(batches), numThreads=1, logLevel=silent, trackFpes=False)
    sequencer.addAlgorithm(gun)
    sequencer.addAlgorithm(
        examples.FatrasSimulation(
            level=silent, inputParticles="gun", outputParticles="simulated", outputSimHits="hits",
            randomNumbers=examples.RandomNumbers(seed=seed), trackingGeometry=geometry,
            magneticField=acts.ConstantBField(acts.Vector3(0.0, 0.0, field * unit.T)), generateHitsOnSensitive=False,
            emScattering=True, emEnergyLossIonisation=True, emEnergyLossRadiation=True, emPhotonConversion=True,
            pMin=min_momentum,
        )
    )  # fmt: skip
    sequencer.addAlgorithm(collect)
    sequencer.run()
    return _table(numbers, vectors, field)


def _table(numbers: list[tuple[int, int, int, int, float]], vectors: list[bytes], field: float) -> Tracks:
    """Turn what was collected into arrays, with parents."""
    columns = np.array(numbers, np.float64).reshape(-1, 5)  # (M, 5), whole numbers far below 2^53
    # Nothing comes out if every primary failed; NumPy refuses an empty buffer.
    table = np.frombuffer(b"".join(vectors), np.float64) if vectors else np.zeros(0)
    table = table.reshape(-1, 4, 4)  # (M, state, component)
    order = np.lexsort((columns[:, 1], columns[:, 0]))  # by event, then by generation
    columns = columns[order]
    event, generation, pdg, process = columns[:, :4].astype(np.int64).T
    charge = columns[:, 4]
    start, first, end, last = table[order].transpose(1, 0, 2)
    offsets = np.concatenate([[0], np.flatnonzero(np.diff(event)) + 1, [len(event)]])
    parent, converted = parents(
        offsets, generation, process, charge, start[:, :3], end[:, :3], np.ascontiguousarray(first[:, :3]), field
    )
    # A lost parent (Fatras gave up on it) leaves its children without one; the event is then repeated.
    return Tracks(
        event, pdg, charge, parent, ~converted, start[:, :3], start[:, 3] / LIGHT, first[:, :3], first[:, 3],
        end[:, :3], end[:, 3] / LIGHT, last[:, :3], last[:, 3],
    )  # fmt: skip


def _rows(tracks: Tracks, index: Array) -> Tracks:
    return Tracks(*(getattr(tracks, field.name)[index] for field in fields(Tracks)))


def _join(parts: list[Tracks]) -> Tracks:
    return Tracks(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Tracks)))
