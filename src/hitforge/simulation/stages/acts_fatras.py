"""ACTS's fast simulation of a tracker between arrays: particles in, their crossings of sensors and all particles out.

Fatras moves particles through the field and the material of the detector with multiple scattering, bremsstrahlung, the
conversion of photons, and energy loss by ionisation. It has no nuclear interactions and no decays in flight, and
neutral particles but photons leave nothing. The silicon of ACTS's generic detector has a thousandth of silicon's
density (8e-8 instead of 8e-5 mol/mm^3) beside the right radiation length, so the loss by ionisation is next to none.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from hitforge.core.errors import RunError, require

Array = NDArray[Any]

_BARCODE = ("pv", "sv", "part", "gen", "subpart")
_PARTICLE = ("vx", "vy", "vz", "vt", "px", "py", "pz", "m", "q")
_HIT = ("tx", "ty", "tz", "tpx", "tpy", "tpz")


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
    module: Array
    place: Array
    flight: Array


def run(primaries: Primaries, geometry: Any, field: Any, p_min: float, seed: int) -> Crossings:
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
    acts, examples = require("acts"), require("acts.examples")
    quiet = acts.logging.FATAL  # a particle that fails is dropped, as in any simulation
    with tempfile.TemporaryDirectory(prefix="hitforge-") as name:
        folder = Path(name)
        _write(primaries, folder)
        sequencer = examples.Sequencer(events=primaries.events, numThreads=1, logLevel=quiet, trackFpes=False)
        sequencer.addReader(
            examples.CsvParticleReader(level=quiet, inputDir=name, inputStem="sent", outputParticles="sent")
        )
        sequencer.addAlgorithm(
            examples.FatrasSimulation(
                level=quiet, inputParticles="sent", outputParticles="simulated", outputSimHits="crossings",
                randomNumbers=examples.RandomNumbers(seed=seed), trackingGeometry=geometry,
                magneticField=field,
                generateHitsOnSensitive=True, emScattering=True, emEnergyLossIonisation=True,
                emEnergyLossRadiation=True, emPhotonConversion=True, pMin=p_min,
            )
        )  # fmt: skip
        sequencer.addWriter(
            examples.CsvParticleWriter(level=quiet, inputParticles="simulated", outputDir=name, outputStem="made")
        )
        sequencer.addWriter(
            examples.CsvSimHitWriter(level=quiet, inputSimHits="crossings", outputDir=name, outputStem="crossed")
        )
        try:
            sequencer.run()
        except RuntimeError as error:
            raise RunError("ACTS must simulate the events", came=str(error).splitlines()[0][:200]) from None
        made = [_read(_file(folder, event, "made"), _PARTICLE, "particle_type") for event in range(primaries.events)]
        crossed = [_read(_file(folder, event, "crossed"), _HIT, "geometry_id") for event in range(primaries.events)]
    return _join(made, crossed)


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


def _read(path: Path, numbers: tuple[str, ...], whole: str) -> tuple[Array, Array]:
    """Whole columns, (rows, 6) int64: barcode and one more; and (rows, K) float64."""
    integers = [*(f"particle_id_{part}" for part in _BARCODE), whole]
    types = dict.fromkeys(integers, pa.int64()) | dict.fromkeys(numbers, pa.float64())
    table = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types, include_columns=list(types)))
    first, second = (np.stack([table.column(name).to_numpy() for name in names], 1) for names in (integers, numbers))
    return first, second


def _join(made: list[tuple[Array, Array]], crossed: list[tuple[Array, Array]]) -> Crossings:
    """Name particles by their row, and each crossing's particle by it."""
    parts, families, sent = [], [], 0
    begin = 0
    for (names, _), (crossing, _) in zip(made, crossed, strict=True):
        keys, wanted = _keys(names), _keys(crossing)
        order = np.argsort(keys)
        if len(keys):
            at = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
            parts.append(np.where(keys[at] == wanted, at + begin, -1))
        else:
            parts.append(np.full(len(wanted), -1))
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
        module=crossing[:, 5], place=numbers[:, :3], flight=numbers[:, 3:6],
    )  # fmt: skip


def _keys(names: Array) -> Array:
    """One number for a barcode: the particle counts through its event, so primary vertices need no place in it."""
    return (names[:, 2] << 40) + (names[:, 3] << 24) + names[:, 4]
