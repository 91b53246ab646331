"""Nuclear interactions of charged hadrons in the material of a tracker: where they happen, a track ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hitforge.acts.fatras import Crossings
from hitforge.acts.material import passive_silicon
from hitforge.core.arrays import Array
from hitforge.detectors import Modules

# Nuclear interaction lengths of silicon (Particle Data Group, Atomic and nuclear properties of materials).
_NUCLEON, _PION = 465.2, 591.4  # mm
_BARYON = 1000  # PDG numbers of baryons are higher
_LEPTON = 100  # and those of hadrons are higher than this


def interact(rng: np.random.Generator, made: Crossings, row: Array, modules: Modules) -> tuple[Crossings, Array]:
    """End charged hadrons on their way, each after an exponentially distributed thickness in interaction lengths.

    A particle has passed the sensor and the passive silicon of a layer, both over the cosine of its angle of incidence,
    behind each crossing; overlapping modules of a layer count their sensors twice and the rest once. The beam pipe, a
    layer's frame and layers that are met beside their sensors are left out. What an interaction makes is not simulated.

    Args:
        rng: Random numbers.
        made: Particles and crossings.
        row: Sensor of each crossing, its row in ``modules``, (H,) int64.
        modules: Sensors.

    Returns:
        The crossings that are left, and which particles ended, (P,) bool.
    """
    kind = np.abs(made.pdg)
    hadron = (kind > _LEPTON) & (made.charge != 0)
    length = np.where(kind > _BARYON, _NUCLEON, _PION)  # (P,)
    depth = np.where(hadron, rng.exponential(size=len(kind)), np.inf)  # where it interacts [interaction lengths]
    known = made.particle >= 0
    particle = np.where(known, made.particle, 0)
    speed = np.linalg.norm(made.flight, axis=1)
    cosine = np.abs(np.einsum("hi,hi->h", made.flight, modules.axes[row, 2])) / np.maximum(speed, 1e-12)
    order = np.lexsort((made.turn, particle, ~known))
    layer = modules.layer[row]
    again = np.zeros(len(row), bool)  # a further module of the layer that the particle has just met
    first, second = order[:-1], order[1:]
    again[second] = (particle[first] == particle[second]) & (layer[first] == layer[second])
    passive = np.vectorize(passive_silicon().get, otypes=[float])(modules.volume, 0.0)  # (M,)
    thickness = modules.thickness[row] + np.where(again, 0.0, passive[row])
    passed = thickness / np.maximum(cosine, 0.05) / length[particle]  # behind a crossing, (H,)
    before = _running(passed[order], particle[order])  # up to the crossing
    kept = np.ones(len(row), bool)
    kept[order] = before < depth[particle[order]]
    kept |= ~known
    ended = np.zeros(len(kind), bool)
    ended[particle[~kept]] = True
    columns = {
        name: getattr(made, name)[kept] for name in ("particle", "of_event", "turn", "module", "place", "flight")
    }
    return replace(made, **columns), ended


def _running(values: Array, group: Array) -> Array:
    """Sum of the values before each, within its group; groups stand together; (H,) -> (H,)."""
    total = np.cumsum(values) - values
    start = np.flatnonzero(np.diff(group, prepend=-1))
    result: Array = total - np.repeat(total[start], np.diff(start, append=len(group)))
    return result
