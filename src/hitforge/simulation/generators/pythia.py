"""Proton collisions at 14 TeV of Pythia 8."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hitforge.acts.fatras import Primaries, no_primaries
from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError, require
from hitforge.core.files import cache_folder, write_text
from hitforge.core.particles import charges, masses
from hitforge.simulation.generators.gun import GUN_PARTICLES, MASS_DIGITS

Process = Literal["ttbar", "minimum_bias"]

_SETTINGS = {
    "ttbar": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
    "minimum_bias": ("SoftQCD:inelastic = on",),
}
_OUTER = (1000.0, 2950.0)  # what is made beyond the last layer, at this radius and abs(z), is left out [mm]
_BATCH = 100  # interactions that Pythia hands over at a time, some 20 MB


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
    generator = prepared(process, _SETTINGS[process], seed, decay_length, "source.process")
    parts = []
    for first in range(0, count, _BATCH):
        asked = min(_BATCH, count - first)
        events = generator.nextBatch(asked)
        if len(events) != asked:
            raise RunError("Pythia must give events", came=f"{len(events)} of {asked}", where="source.process")
        parts.append(_final(events.prt, first, cuts))
    if not parts:
        return no_primaries(0)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    event, pdg, momentum, vertex, delay = columns
    charge, mass = charges(pdg), masses(pdg, MASS_DIGITS)
    return Primaries(count, event, event * 0, pdg, charge, mass, momentum, vertex, delay)


def start(settings: Iterable[str], seed: int, decay_length: float, where: str) -> Any:
    """Return a quiet generator of proton collisions at 14 TeV that is ready.

    Args:
        settings: Lines of Pythia's own: the process, and what differs from its standard.
        seed: Of its random numbers.
        decay_length: Particles with a c tau below it decay [mm].
        where: Key in the recipe of who asks, for errors.

    Raises:
        MissingExtraError: The module pythia8mc is not installed.
        RunError: Pythia cannot be started.
    """
    generator = require("pythia8mc", "gen").Pythia("", False)
    for line in (
        "Beams:eCM = 14000.", "Print:quiet = on", "Random:setSeed = on", f"Random:seed = {seed % 900_000_000 + 1}",
        "ParticleDecays:limitTau0 = on", f"ParticleDecays:tau0Max = {decay_length}", *settings,
    ):  # fmt: skip
        generator.readString(line)
    if not generator.init():
        raise RunError("Pythia must start", came="init() failed", where=where)
    return generator


def prepared(name: str, settings: tuple[str, ...], seed: int, decay_length: float, where: str) -> Any:
    """Return a generator that is ready; the tables of its multiple interactions, seconds of work, are kept in a file.

    Args:
        name: Of the file, one for each kind of process.
        settings: As of ``start``.
        seed: As of ``start``.
        decay_length: As of ``start`` [mm].
        where: As of ``start``.

    Raises:
        MissingExtraError: The module pythia8mc is not installed.
        RunError: Pythia cannot be started.
    """
    require("pythia8mc", "gen")
    table = cache_folder() / f"pythia-{version('pythia8mc')}-{name}.dat"
    if not table.exists():
        draft = table.with_name(f".{table.stem}-{os.getpid()}.dat")
        draft.parent.mkdir(parents=True, exist_ok=True)
        start((*_reusing(draft), *settings), 1, 10.0, where)
        write_text(table, draft.read_text(encoding="utf-8"))
        draft.unlink()
    return start((*_reusing(table), *settings), seed, decay_length, where)


def _reusing(table: Path) -> tuple[str, str]:
    return "MultipartonInteractions:reuseInit = 3", f"MultipartonInteractions:initFile = {table}"


def _final(particles: Any, first: int, cuts: Cuts) -> tuple[Array, Array, Array, Array, Array]:
    """Event, kind, momentum, vertex and time of the particles that a tracker may see."""
    import awkward as ak  # half a second that only collisions should pay

    counts = ak.num(particles.id).to_numpy()
    status, pdg = (ak.flatten(column).to_numpy() for column in (particles.status, particles.id))
    px, py, pz = (ak.flatten(particles.p[axis]).to_numpy() for axis in ("px", "py", "pz"))
    pt = kinematics.pt(px, py)
    keep = (status > 0) & np.isin(np.abs(pdg), list(GUN_PARTICLES))
    keep &= (np.hypot(pt, pz) > cuts.p_min) & (pt > cuts.pt_min) & (np.abs(pz) < math.sinh(cuts.eta_max) * pt)
    made = [ak.to_numpy(ak.fill_none(ak.flatten(particles.vProd), {"px": 0.0, "py": 0.0, "pz": 0.0, "e": 0.0})[axis])
            for axis in ("px", "py", "pz", "e")]  # fmt: skip
    keep &= (np.hypot(made[0], made[1]) < _OUTER[0]) & (np.abs(made[2]) < _OUTER[1])
    event = np.repeat(np.arange(len(counts)), counts) + first
    momentum, vertex = np.stack([px, py, pz], 1)[keep], np.stack(made[:3], 1)[keep]
    return event[keep], pdg[keep].astype(np.int64), momentum, vertex, made[3][keep]
