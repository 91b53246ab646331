"""ACTS's fast simulation (Fatras) between arrays: particles in, initial and final states of all particles out."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.errors import require
from hitforge.core.units import ELECTRON_MASS
from hitforge.simulation.stages.tracker_material import TrackerMaterial, tracking_geometry

Array = NDArray[Any]

_BATCH = 500  # primaries in one ACTS event: many enough to hide its overhead, few enough for flat memory


def run(
    pdg: Array, charge: Array, momentum: Array, vertex: Array, seed: int, material: TrackerMaterial, scale: float,
    min_momentum: float, field: float,
) -> tuple[Array, Array]:  # fmt: skip
    """Send particles through the tracker.

    Args:
        pdg: +-11 or 22, (N,).
        charge: (N,) [e].
        momentum: (N, 3) [GeV].
        vertex: (N, 3) [mm].
        seed: Of ACTS's random numbers, > 0.
        material: 'generic' or 'cms_like'.
        scale: Factor on its thickness.
        min_momentum: Particles below it are neither made nor followed [GeV].
        field: Along +z [T].

    Returns:
        For each particle that came to exist, (M, 5): index of the particle sent, generation, pdg, process, charge; and
        (M, 4, 4): place and time, momentum and energy at production, then the same at the end [mm, mm / c, GeV].

    Raises:
        MissingExtraError: pyacts is not installed.
    """
    acts, examples = require("acts"), require("acts.examples")
    _, geometry = tracking_geometry(material, scale)
    silent = acts.logging.FATAL  # particles that fail are the caller's business
    gun_class, collect_class = _algorithms()
    gun, collect = gun_class(pdg, charge, momentum, vertex), collect_class()
    sequencer = examples.Sequencer(
        events=-(-len(pdg) // _BATCH), numThreads=1, logLevel=silent, trackFpes=False
    )  # fmt: skip
    sequencer.addAlgorithm(gun)
    sequencer.addAlgorithm(
        examples.FatrasSimulation(
            level=silent, inputParticles="gun", outputParticles="simulated", outputSimHits="hits",
            randomNumbers=examples.RandomNumbers(seed=seed), trackingGeometry=geometry,
            magneticField=acts.ConstantBField(acts.Vector3(0.0, 0.0, field * acts.UnitConstants.T)),
            generateHitsOnSensitive=False, emScattering=True, emEnergyLossIonisation=True, emEnergyLossRadiation=True,
            emPhotonConversion=True, pMin=min_momentum,
        )
    )  # fmt: skip
    sequencer.addAlgorithm(collect)
    sequencer.run()
    # An algorithm and its handle hold each other, beyond what the garbage collector sees.
    del gun.out, collect.source
    # Nothing comes out if every particle failed; NumPy refuses an empty buffer.
    states = np.frombuffer(b"".join(collect.vectors), np.float64) if collect.vectors else np.zeros(0)
    numbers = np.array(collect.numbers, np.float64).reshape(-1, 5)  # whole numbers, far below 2^53
    return numbers, states.reshape(-1, 4, 4)


@cache
def _algorithms() -> tuple[Any, Any]:
    """The two ends of ACTS's event loop, defined once: a class made anew at each call would keep its data alive."""
    acts, examples = require("acts"), require("acts.examples")
    barcode = require("acts.fatras").Barcode
    unit, silent = acts.UnitConstants, acts.logging.FATAL

    class Gun(examples.IAlgorithm):  # type: ignore[misc, name-defined]
        """Writes the particles of a batch to the event store."""

        def __init__(self, pdg: Array, charge: Array, momentum: Array, vertex: Array) -> None:
            examples.IAlgorithm.__init__(self, "Gun", silent)
            self.pdg, self.charge, self.momentum, self.vertex = pdg, charge, momentum, vertex
            self.out = examples.WriteDataHandle(self, examples.SimParticleContainer, "out")
            self.out.initialize("gun")

        def execute(self, context: Any) -> Any:
            container = examples.SimParticleContainer()
            first = context.eventNumber * _BATCH
            for row in range(first, min(first + _BATCH, len(self.pdg))):
                name = barcode()
                name.vertexPrimary, name.particle = 1, row - first + 1
                pdg = int(self.pdg[row])
                mass = ELECTRON_MASS if abs(pdg) == 11 else 0.0
                particle = examples.SimParticle(name, acts.PdgParticle(pdg), float(self.charge[row]), mass)
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
            self.source.initialize("simulated")

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
