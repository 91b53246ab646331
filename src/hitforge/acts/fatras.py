"""ACTS's fast simulation of a tracker between arrays: particles in, and what becomes of them out.

``crossings`` gives where particles cross sensors: many particles an event, through tables in files. ``states`` gives
where particles begin and end: a few particles an event, through ACTS's memory, to the last bit.

Fatras moves particles through the field and the material of the detector with multiple scattering, bremsstrahlung, the
conversion of photons, and energy loss by ionisation. It has no nuclear interactions and no decays in flight, and
neutral particles but photons leave nothing. The material is that of ``acts.material``.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from hitforge.core.arrays import Array
from hitforge.core.errors import RunError, require

_BARCODE = ("pv", "sv", "part", "gen", "subpart")
_PARTICLE = ("vx", "vy", "vz", "vt", "px", "py", "pz", "m", "q")
_HIT = ("tx", "ty", "tz", "tpx", "tpy", "tpz")
_SENT, _MADE = "sent", "made"  # names in ACTS's event store
_BATCH = 500  # primaries in one ACTS event of ``states``: enough to hide its overhead, few enough for flat memory


@dataclass(frozen=True)
class Primaries:
    """Particles to simulate, in order of event.

    Attributes:
        events: Number of events.
        event: Event of each particle, (N,) int64, rising.
        interaction: Interaction within the event, (N,) int64, from 0; 0 is the hard one.
        pdg: (N,) int64.
        charge: (N,) [e].
        mass: (N,) [GeV].
        momentum: (N, 3) [GeV].
        vertex: (N, 3) [mm].
        delay: Production time, (N,) [mm / c].
    """

    events: int
    event: Array
    interaction: Array
    pdg: Array
    charge: Array
    mass: Array
    momentum: Array
    vertex: Array
    delay: Array


def no_primaries(events: int) -> Primaries:
    """Return events without particles."""
    none, whole = np.zeros(0), np.zeros(0, np.int64)
    return Primaries(events, whole, whole, whole, none, none, np.zeros((0, 3)), np.zeros((0, 3)), none)


@dataclass(frozen=True)
class Crossings:
    """What the simulation gives, particles and crossings each in order of event.

    Attributes:
        event: Event of each particle, (P,) int64.
        family: Number of the primary that a particle comes from, within all events, (P,) int64.
        generation: 0 for a primary, (P,) int64.
        pdg: (P,) int64.
        charge: (P,) [e].
        mass: (P,) [GeV].
        momentum: At production, (P, 3) [GeV].
        vertex: (P, 3) [mm].
        delay: Production time, (P,) [mm / c].
        particle: Particle of each crossing, (H,) int64, -1 unknown.
        of_event: Event of each crossing, (H,) int64.
        turn: Number of the crossing along its particle's way, from 0, (H,) int64.
        module: Number of its sensor, (H,) int64.
        place: Where the particle crosses the middle of the sensor, (H, 3) [mm].
        flight: Momentum before the sensor, (H, 3) [GeV].
    """

    event: Array
    family: Array
    generation: Array
    pdg: Array
    charge: Array
    mass: Array
    momentum: Array
    vertex: Array
    delay: Array
    particle: Array
    of_event: Array
    turn: Array
    module: Array
    place: Array
    flight: Array


def crossings(primaries: Primaries, geometry: Any, field: Any, p_min: float, seed: int) -> Crossings:
    """Send particles through the detector.

    Particles go to ACTS and come back as tables in files of a temporary folder: ACTS writes and reads them in C++,
    which is faster than asking for each value from Python.

    Args:
        primaries: What to simulate.
        geometry: ACTS's tracking geometry.
        field: ACTS's magnetic field.
        p_min: Particles below are neither made nor followed [GeV].
        seed: Of ACTS's random numbers, > 0.

    Raises:
        MissingExtraError: pyacts is not installed.
        RunError: ACTS fails.
    """
    examples, quiet = require("acts.examples"), require("acts").logging.FATAL
    with tempfile.TemporaryDirectory(prefix="hitforge-") as name:
        folder = Path(name)
        _write(primaries, folder)
        sequencer = _sequencer(primaries.events)
        sequencer.addReader(
            examples.CsvParticleReader(level=quiet, inputDir=name, inputStem="sent", outputParticles=_SENT)
        )
        sequencer.addAlgorithm(_algorithm(geometry, field, p_min, seed, hits=True))
        sequencer.addWriter(
            examples.CsvParticleWriter(level=quiet, inputParticles=_MADE, outputDir=name, outputStem="made")
        )
        sequencer.addWriter(
            examples.CsvSimHitWriter(level=quiet, inputSimHits="crossings", outputDir=name, outputStem="crossed")
        )
        try:
            sequencer.run()
        except RuntimeError as error:
            raise RunError("ACTS must simulate the events", came=str(error).splitlines()[0][:200]) from None
        made = [_read(_file(folder, event, "made"), _PARTICLE, ("particle_type",)) for event in range(primaries.events)]
        crossed = [
            _read(_file(folder, event, "crossed"), _HIT, ("geometry_id", "index")) for event in range(primaries.events)
        ]
    return _join(made, crossed)


def states(
    pdg: Array, charge: Array, mass: Array, momentum: Array, vertex: Array, geometry: Any, field: Any, p_min: float,
    seed: int,
) -> tuple[Array, Array]:  # fmt: skip
    """Send particles through the detector, each for itself, and look at where they end.

    Args:
        pdg: (N,) int64.
        charge: (N,) [e].
        mass: (N,) [GeV].
        momentum: (N, 3) [GeV].
        vertex: (N, 3) [mm].
        geometry: ACTS's tracking geometry.
        field: ACTS's magnetic field.
        p_min: Particles below are neither made nor followed [GeV].
        seed: Of ACTS's random numbers, > 0.

    Returns:
        For each particle that came to exist, (M, 5): index of the particle sent, generation, pdg, process, charge; and
        (M, 4, 4): place and time, momentum and energy at production, then the same at the end [mm, mm / c, GeV].

    Raises:
        MissingExtraError: pyacts is not installed.
    """
    gun_class, collect_class = _algorithms()
    gun, collect = gun_class(pdg, charge, mass, momentum, vertex), collect_class()
    sequencer = _sequencer(-(-len(pdg) // _BATCH))
    sequencer.addAlgorithm(gun)
    sequencer.addAlgorithm(_algorithm(geometry, field, p_min, seed, hits=False))
    sequencer.addAlgorithm(collect)
    sequencer.run()
    # An algorithm and its handle hold each other, beyond what the garbage collector sees.
    del gun.out, collect.source
    # Nothing comes out if every particle failed; NumPy refuses an empty buffer.
    ends = np.frombuffer(b"".join(collect.vectors), np.float64) if collect.vectors else np.zeros(0)
    numbers = np.array(collect.numbers, np.float64).reshape(-1, 5)  # whole numbers, far below 2^53
    return numbers, ends.reshape(-1, 4, 4)


def _sequencer(events: int) -> Any:
    """ACTS's event loop in this thread, without a word: a particle that fails is the caller's business."""
    quiet = require("acts").logging.FATAL
    return require("acts.examples").Sequencer(events=events, numThreads=1, logLevel=quiet, trackFpes=False)


def _algorithm(geometry: Any, field: Any, p_min: float, seed: int, hits: bool) -> Any:
    """Fatras with all that it can do to particles."""
    acts, examples = require("acts"), require("acts.examples")
    return examples.FatrasSimulation(
        level=acts.logging.FATAL, inputParticles=_SENT, outputParticles=_MADE, outputSimHits="crossings",
        randomNumbers=examples.RandomNumbers(seed=seed), trackingGeometry=geometry, magneticField=field,
        generateHitsOnSensitive=hits, emScattering=True, emEnergyLossIonisation=True, emEnergyLossRadiation=True,
        emPhotonConversion=True, pMin=p_min,
    )  # fmt: skip


def _file(folder: Path, event: int, stem: str) -> Path:
    return folder / f"event{event:09d}-{stem}.csv"


def _write(primaries: Primaries, folder: Path) -> None:
    """One table for each event, with the names that ACTS reads."""
    begin = np.searchsorted(primaries.event, np.arange(primaries.events + 1))
    for event in range(primaries.events):
        rows = slice(begin[event], begin[event + 1])
        zero = np.zeros(begin[event + 1] - begin[event], np.int64)
        columns = {f"particle_id_{part}": zero for part in _BARCODE}
        columns["particle_id_pv"] = primaries.interaction[rows] + 1
        columns["particle_id_part"] = np.arange(len(zero)) + 1
        columns |= {"particle_type": primaries.pdg[rows], "process": zero}
        numbers = (*primaries.vertex[rows].T, primaries.delay[rows], *primaries.momentum[rows].T)
        columns |= dict(zip(_PARTICLE, (*numbers, primaries.mass[rows], primaries.charge[rows]), strict=True))
        with _file(folder, event, "sent").open("wb") as file:
            file.write(",".join(columns).encode() + b"\n")  # ACTS takes no quotes around names
            csv.write_csv(pa.table(columns), file, csv.WriteOptions(include_header=False))


def _read(path: Path, numbers: tuple[str, ...], whole: tuple[str, ...]) -> tuple[Array, Array]:
    """Whole columns, (rows, 5 + K) int64: barcode and more; and others, (rows, K) float64."""
    integers = [*(f"particle_id_{part}" for part in _BARCODE), *whole]
    types = dict.fromkeys(integers, pa.int64()) | dict.fromkeys(numbers, pa.float64())
    table = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types, include_columns=list(types)))
    first, second = (np.stack([table.column(name).to_numpy() for name in names], 1) for names in (integers, numbers))
    return first, second


def _join(made: list[tuple[Array, Array]], crossed: list[tuple[Array, Array]]) -> Crossings:
    """Name particles by their row, and each crossing's particle by it."""
    parts, families, sent = [], [], 0
    begin = 0
    for (names, _), (crossing, _) in zip(made, crossed, strict=True):
        keys, places = _keys(names), _keys(crossing)
        order = np.argsort(keys)
        if len(keys):
            at = order[np.minimum(np.searchsorted(keys[order], places), len(keys) - 1)]
            parts.append(np.where(keys[at] == places, at + begin, -1))
        else:
            parts.append(np.full(len(places), -1))
        families.append(names[:, 2] + sent)
        sent += int(names[:, 2].max(initial=0)) + 1
        begin += len(names)
    counts, hits = [len(names) for names, _ in made], [len(names) for names, _ in crossed]
    names, values = (np.concatenate(column) for column in zip(*made, strict=True))
    crossing, numbers = (np.concatenate(column) for column in zip(*crossed, strict=True))
    return Crossings(
        event=np.repeat(np.arange(len(made)), counts), family=np.concatenate(families), generation=names[:, 3],
        pdg=names[:, 5], charge=values[:, 8], mass=values[:, 7], momentum=values[:, 4:7], vertex=values[:, :3],
        delay=values[:, 3], particle=np.concatenate(parts), of_event=np.repeat(np.arange(len(made)), hits),
        turn=crossing[:, 6], module=crossing[:, 5], place=numbers[:, :3], flight=numbers[:, 3:6],
    )  # fmt: skip


def _keys(names: Array) -> Array:
    """One number for a barcode: the particle counts through its event, so primary vertices need no place in it."""
    return (names[:, 2] << 40) + (names[:, 3] << 24) + names[:, 4]


@cache
def _algorithms() -> tuple[Any, Any]:
    """The two ends of ACTS's event loop, defined once: a class made anew at each call would keep its data alive."""
    acts, examples = require("acts"), require("acts.examples")
    barcode = require("acts.fatras").Barcode
    unit, silent = acts.UnitConstants, acts.logging.FATAL

    class Gun(examples.IAlgorithm):  # type: ignore[misc, name-defined]
        """Writes the particles of a batch to the event store."""

        def __init__(self, pdg: Array, charge: Array, mass: Array, momentum: Array, vertex: Array) -> None:
            examples.IAlgorithm.__init__(self, "Gun", silent)
            self.pdg, self.charge, self.mass, self.momentum, self.vertex = pdg, charge, mass, momentum, vertex
            self.out = examples.WriteDataHandle(self, examples.SimParticleContainer, "out")
            self.out.initialize(_SENT)

        def execute(self, context: Any) -> Any:
            container = examples.SimParticleContainer()
            first = context.eventNumber * _BATCH
            for row in range(first, min(first + _BATCH, len(self.pdg))):
                name = barcode()
                name.vertexPrimary, name.particle = 1, row - first + 1
                kind = acts.PdgParticle(int(self.pdg[row]))
                particle = examples.SimParticle(name, kind, float(self.charge[row]), float(self.mass[row]))
                particle.fourPosition = acts.Vector4(*self.vertex[row].tolist(), 0.0)
                x, y, z = self.momentum[row].tolist()
                length = (x * x + y * y + z * z) ** 0.5
                particle.direction = acts.Vector3(x / length, y / length, z / length)
                particle.absoluteMomentum = length * unit.GeV
                container.insert(particle)
            self.out(context, container)
            return examples.ProcessCode.SUCCESS

    class Collect(examples.IAlgorithm):  # type: ignore[misc, name-defined]
        """Reads all particles from the event store."""

        def __init__(self) -> None:
            examples.IAlgorithm.__init__(self, "Collect", silent)
            self.numbers: list[tuple[int, int, int, int, float]] = []
            self.vectors: list[bytes] = []
            self.source = examples.ReadDataHandle(self, examples.SimParticleContainer, "source")
            self.source.initialize(_MADE)

        def execute(self, context: Any) -> Any:
            before = context.eventNumber * _BATCH - 1
            for particle in self.source(context.eventStore):
                name, first, last = particle.particleId, particle.initialState, particle.finalState
                process = int(particle.process.value)
                pdg = int(particle.pdg)
                self.numbers.append((before + name.particle, name.generation, pdg, process, particle.charge))
                # Vectors give their memory: joined, they are a table of doubles, ten times faster than their numbers.
                states = (first.fourPosition, first.fourMomentum, last.fourPosition, last.fourMomentum)
                self.vectors.append(b"".join(states))
            return examples.ProcessCode.SUCCESS

    return Gun, Collect
