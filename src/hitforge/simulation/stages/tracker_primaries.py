"""Particles that enter a tracker: a gun, or proton collisions of Pythia 8 with pile-up."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hitforge.core.errors import RunError, require
from hitforge.core.files import write_text
from hitforge.core.units import MASSES
from hitforge.simulation.stages.acts_fatras import Primaries
from hitforge.simulation.stages.tracker_material import cache_folder

Array = NDArray[Any]
Process = Literal["ttbar", "minimum_bias"]

ETA = 4.5
"""Particles beyond this abs(pseudorapidity) miss every sensor."""
_CHARGES = {11: -1, 13: -1, 22: 0, 211: 1, 321: 1, 2212: 1, 3112: -1, 3222: 1, 3312: -1, 3334: -1}
# Charge [e] and mass [GeV], to seven digits, of what a gun shoots and of what Pythia leaves in the end.
KINDS = {kind: (charge, float(f"{MASSES.get(kind, 0.0):.7g}")) for kind, charge in _CHARGES.items()}
_SETTINGS = {
    "ttbar": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
    "minimum_bias": ("SoftQCD:inelastic = on",),
}
_OUTER = (1000.0, 2950.0)  # what is made beyond the last layer, at this radius and abs(z), is left out [mm]
_BATCH = 100  # interactions that Pythia hands over at a time, some 20 MB


def gun(
    rng: np.random.Generator, events: int, multiplicity: int, pdg: tuple[int, ...], pt: tuple[float, float],
    logarithmic: bool, eta: tuple[float, float], spread: tuple[float, float],
) -> Primaries:  # fmt: skip
    """Shoot particles, each from a vertex of its own.

    Args:
        rng: Random numbers.
        events: Number of events.
        multiplicity: Particles in each.
        pdg: Kinds, equally often.
        pt: Range of transverse momenta [GeV].
        logarithmic: Even in the logarithm of pt, not in pt.
        eta: Range of pseudorapidities, even.
        spread: Gaussian spread of vertices across and along the beam [mm].
    """
    count = events * multiplicity
    even = rng.random(count)
    momentum = pt[0] * (pt[1] / pt[0]) ** even if logarithmic else pt[0] + (pt[1] - pt[0]) * even
    slope, phi = np.sinh(rng.uniform(eta[0], eta[1], count)), rng.uniform(-math.pi, math.pi, count)
    kind = rng.choice(np.array(pdg, np.int64), count)
    vertex = rng.standard_normal((count, 3)) * (spread[0], spread[0], spread[1])
    event = np.repeat(np.arange(events), multiplicity)
    charge, mass = _charge_and_mass(kind)
    flight = momentum[:, None] * np.stack([np.cos(phi), np.sin(phi), slope], 1)
    return Primaries(events, event, event * 0, kind, charge, mass, flight, vertex, np.zeros(count))


@dataclass(frozen=True)
class Cuts:
    """Which generated particles are simulated.

    Attributes:
        p_min: Least momentum [GeV].
        pt_min: Least transverse momentum [GeV].
        eta_max: Largest abs(pseudorapidity).
    """

    p_min: float
    pt_min: float
    eta_max: float


def collisions(process: Process, seed: int, count: int, decay_length: float, cuts: Cuts) -> Primaries:
    """Generate proton collisions at 14 TeV with Pythia 8, one interaction an event, at the origin.

    What does not concern a tracker is left out: neutral particles but photons, what is made behind the last layer,
    and what does not pass the cuts.

    Args:
        process: 'ttbar' (hard processes with top quarks) or 'minimum_bias' (inelastic soft processes).
        seed: Of Pythia's random numbers.
        count: Number of interactions.
        decay_length: Particles with a c tau below it decay, along straight lines [mm].
        cuts: On momentum and direction.

    Raises:
        MissingExtraError: The module pythia8mc is not installed.
        RunError: Pythia cannot be started or gives no events.
    """
    generator = _pythia(process, seed, decay_length)
    parts = []
    for first in range(0, count, _BATCH):
        wanted = min(_BATCH, count - first)
        events = generator.nextBatch(wanted)
        if len(events) != wanted:
            raise RunError("Pythia must give events", came=f"{len(events)} of {wanted}", where="source.process")
        parts.append(_final(events.prt, first, cuts))
    if not parts:
        return empty(0)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    event, pdg, momentum, vertex, delay = columns
    charge, mass = _charge_and_mass(pdg)
    return Primaries(count, event, event * 0, pdg, charge, mass, momentum, vertex, delay)


def empty(events: int) -> Primaries:
    """Return events without particles."""
    none, whole = np.zeros(0), np.zeros(0, np.int64)
    return Primaries(events, whole, whole, whole, none, none, np.zeros((0, 3)), np.zeros((0, 3)), none)


def overlay(
    rng: np.random.Generator, hard: Primaries, pool: Primaries, number: Array, hard_spread: tuple[float, float],
    spread: tuple[float, float],
) -> Primaries:  # fmt: skip
    """Add pile-up to events, and give each interaction its vertex.

    Each event takes different interactions of the pool, in turn and again from its begin, each turned by an angle of
    its own about the beam, so that an interaction used in two events gives other hits.

    Args:
        rng: Random numbers.
        hard: One interaction an event, as generated.
        pool: Minimum-bias interactions.
        number: Interactions to add to each event, (events,) int64.
        hard_spread: Gaussian spread of the hard interactions' vertices across and along the beam [mm].
        spread: The same for the others.

    Returns:
        All particles in order of event and interaction.

    Raises:
        RunError: The pool is smaller than the number of interactions that an event needs.
    """
    if number.max(initial=0) > pool.events:
        raise RunError("the pool must hold the interactions of one event", came=f"{pool.events} of {number.max()}")
    event = np.repeat(np.arange(hard.events), number)
    within = np.arange(len(event)) - (np.cumsum(number) - number)[event]
    source = np.arange(len(event)) % max(pool.events, 1)
    length = np.bincount(pool.event, minlength=pool.events)
    begin = np.cumsum(length) - length
    copies = np.repeat(np.arange(len(event)), length[source])
    rows = np.arange(len(copies)) - np.repeat(np.cumsum(length[source]) - length[source], length[source])
    rows += begin[source][copies]
    angle = rng.uniform(-math.pi, math.pi, len(event))[copies]
    first = rng.standard_normal((hard.events, 3)) * (hard_spread[0], hard_spread[0], hard_spread[1])
    vertex = rng.standard_normal((len(event), 3)) * (spread[0], spread[0], spread[1])
    before = (
        hard.event, hard.interaction, hard.pdg, hard.charge, hard.mass, hard.momentum, hard.vertex + first[hard.event],
        hard.delay,
    )  # fmt: skip
    added = (
        event[copies], within[copies] + 1, pool.pdg[rows], pool.charge[rows], pool.mass[rows],
        _turned(pool.momentum[rows], angle), _turned(pool.vertex[rows], angle) + vertex[copies], pool.delay[rows],
    )  # fmt: skip
    order = np.argsort(np.concatenate([hard.event, event[copies]]), kind="stable")
    return Primaries(hard.events, *(np.concatenate(pair)[order] for pair in zip(before, added, strict=True)))


def _pythia(process: Process, seed: int, decay_length: float) -> Any:
    """A generator that is ready; the tables of its multiple interactions, seconds of work, are kept in a file."""
    module = require("pythia8mc", "gen")
    table = cache_folder() / f"pythia-{version('pythia8mc')}-{process}.dat"
    if not table.exists():
        draft = table.with_name(f".{table.stem}-{os.getpid()}.dat")
        draft.parent.mkdir(parents=True, exist_ok=True)
        _started(module, process, 1, 10.0, draft)
        write_text(table, draft.read_text(encoding="utf-8"))
        draft.unlink()
    return _started(module, process, seed, decay_length, table)


def _started(module: Any, process: Process, seed: int, decay_length: float, table: Any) -> Any:
    generator = module.Pythia("", False)
    for line in (
        "Beams:eCM = 14000.", "Print:quiet = on", "Random:setSeed = on", f"Random:seed = {seed % 900_000_000 + 1}",
        "ParticleDecays:limitTau0 = on", f"ParticleDecays:tau0Max = {decay_length}",
        "MultipartonInteractions:reuseInit = 3", f"MultipartonInteractions:initFile = {table}", *_SETTINGS[process],
    ):  # fmt: skip
        generator.readString(line)
    if not generator.init():
        raise RunError("Pythia must start", came="init() failed", where="source.process")
    return generator


def _final(particles: Any, first: int, cuts: Cuts) -> tuple[Array, Array, Array, Array, Array]:
    """Event, kind, momentum, vertex and time of the particles that a tracker may see."""
    import awkward as ak  # half a second that only collisions should pay

    counts = ak.num(particles.id).to_numpy()
    status, pdg = (ak.flatten(column).to_numpy() for column in (particles.status, particles.id))
    px, py, pz = (ak.flatten(particles.p[axis]).to_numpy() for axis in ("px", "py", "pz"))
    pt = np.hypot(px, py)
    keep = (status > 0) & np.isin(np.abs(pdg), list(KINDS))
    keep &= (np.hypot(pt, pz) > cuts.p_min) & (pt > cuts.pt_min) & (np.abs(pz) < math.sinh(cuts.eta_max) * pt)
    made = [ak.to_numpy(ak.fill_none(ak.flatten(particles.vProd), {"px": 0.0, "py": 0.0, "pz": 0.0, "e": 0.0})[axis])
            for axis in ("px", "py", "pz", "e")]  # fmt: skip
    keep &= (np.hypot(made[0], made[1]) < _OUTER[0]) & (np.abs(made[2]) < _OUTER[1])
    event = np.repeat(np.arange(len(counts)), counts) + first
    momentum, vertex = np.stack([px, py, pz], 1)[keep], np.stack(made[:3], 1)[keep]
    return event[keep], pdg[keep].astype(np.int64), momentum, vertex, made[3][keep]


def _charge_and_mass(pdg: Array) -> tuple[Array, Array]:
    table = np.array([(abs(kind), *values) for kind, values in KINDS.items()])
    row = np.searchsorted(table[:, 0], np.abs(pdg))
    return table[row, 1] * np.sign(pdg), table[row, 2]


def _turned(vectors: Array, angle: Array) -> Array:
    """Vectors turned about the z axis, (N, 3)."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = vectors.T
    return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=1)
