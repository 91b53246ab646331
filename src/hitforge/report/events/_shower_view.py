"""One event with showers, in the form that displays draw: hits, owners, true and found objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.particles import particle_name
from hitforge.detectors import pointing
from hitforge.events import Collection
from hitforge.objects.shower.display_data import ParticleFate, ShowerDisplays, ShowerStatus
from hitforge.report.events._view import LEGEND, NOISE_COLOUR, owner_colour

PARTICLE_WORDS = ("found", "missed", "merged")
SHOWER_WORDS = ("matched", "fake", "a piece", "merges several", "proposal", "")
QUIET, RIGHT, OTHERS, LOST, TAKEN = range(5)
VERDICTS = (
    ("noise, in no shower", NOISE_COLOUR),
    ("in its particle's shower", "#3f90da"),
    ("in another shower", "#832db6"),
    ("of a particle, in no shower", "#bd1f01"),
    ("noise, in a shower", "#ffa90e"),
)
"""What became of a hit, and its colour."""
_UNMATCHED = ("#2b2d33", "#717581", "#b9ac70", "#5b6575", "#d0b49f")


@dataclass(frozen=True)
class DrawnObjects:
    """K true or found objects.

    Attributes:
        names: A few words about each.
        text: All about each, in lines.
        status: ``ParticleFate`` or ``ShowerStatus``, (K,).
        colours: One each.
        boxes: (K, 6) [layer, mm, mm], NaN where an object holds no hit.
    """

    names: list[str]
    text: list[str]
    status: Array
    colours: list[str]
    boxes: Array

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class EventShowers:
    """One event.

    Attributes:
        title: Number of the event and what there is in it.
        definition: What counts as found.
        position: Of the hits that are drawn, (H, 3) [mm].
        place: Depth, u and v of the hits, (H, 3) [layer, mm, mm].
        energy: (H,) [GeV].
        owner: Number of the particle that gave most of each hit, (H,); -1 where noise and others gave more.
        finder: Number of the found shower that holds most of each hit, (H,); -1 where none holds more than is left.
        verdict: Number in ``VERDICTS``, (H,).
        particles: To be found.
        showers: Found.
        plane: abs(z) where u and v are measured [mm].
        layer_z: abs(z) of the layers, (L,) [mm].
        side: Sign of z.
        left_out: Hits that are not drawn.
        left_energy: Their energy [GeV].
    """

    title: str
    definition: str
    position: Array
    place: Array
    energy: Array
    owner: Array
    finder: Array
    verdict: Array
    particles: DrawnObjects
    showers: DrawnObjects
    plane: float
    layer_z: Array
    side: float
    left_out: int
    left_energy: float

    @property
    def note(self) -> str:
        """What was left out, in one sentence; empty if nothing was."""
        if not self.left_out:
            return ""
        return f"{self.left_out:,} hits with {self.left_energy:.3g} GeV are not drawn"

    def corners(self, box: Array) -> Array:
        """Return the corners of a box in space, (8, 3) [mm]: it is a piece of a pyramid that points to the origin.

        Corner ``4 i + 2 j + k`` lies at the low (0) or high (1) end of depth (i), u (j) and v (k).
        """
        end = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
        depth, u, v = (box.reshape(2, 3)[end[:, axis], axis] for axis in range(3))
        away = np.interp(depth, np.arange(len(self.layer_z)), self.layer_z)
        return np.stack([u * away / self.plane, v * away / self.plane, self.side * away], axis=1)


def stored_showers(arrays: Mapping[str, Array]) -> list[EventShowers]:
    """Return the events of ``display_shower.npz``; none for no arrays."""
    if not arrays:
        return []
    displays = ShowerDisplays.read(arrays)
    return [_stored(displays, index) for index in range(len(displays.chosen))]


def _stored(displays: ShowerDisplays, index: int) -> EventShowers:
    def of(kind: str, *names: str) -> list[Array]:
        table: Collection = getattr(displays, kind)
        return [table.slice(index, index + 1)[name] for name in names]

    position = np.stack(of("hits", "x", "y", "z"), axis=1).astype(np.float64)
    energy, layer = of("hits", "energy", "layer")
    plane = displays.plane
    place = np.column_stack([layer.astype(np.float64), pointing(position[:, 0], position[:, 1], position[:, 2], plane)])
    particles = _particles(*of("particles", "pdg", "energy", "deposited", "nearest", "status", "box"))
    found = of("showers", "score", "energy", "raw", "hadron", "status", "particle", "iou", "box")
    showers = _showers(found, particles)
    owner = _leading(len(energy), *of("shares", "hit", "particle", "weight"))
    hit, shower, weight = of("members", "hit", "shower", "weight")
    counted = showers.status[shower] != ShowerStatus.PROPOSAL
    finder = _leading(len(energy), hit[counted], shower[counted], weight[counted])
    verdict = _verdicts(owner, finder, found[4], found[5])
    left = int(displays.left_hits[index]), float(displays.left_energy[index])
    counts = f"{len(energy) + left[0]:,} hits with {energy.sum() + left[1]:.4g} GeV"
    return EventShowers(
        f"event {int(displays.chosen[index])}: {counts}, {_summary(particles, showers)}",
        displays.definition,
        position,
        place,
        energy.astype(np.float64),
        owner,
        finder,
        verdict,
        particles,
        showers,
        plane,
        displays.layer_z.astype(np.float64),
        float(np.sign(position[0, 2])) if len(position) else 1.0,
        *left,
    )


def _leading(hits: int, hit: Array, owner: Array, weight: Array) -> Array:
    """For each hit the owner with the largest share, -1 where what is left of the hit is larger."""
    best, rest = np.zeros(hits), 1.0 - np.bincount(hit, weight, hits)
    order = np.argsort(weight, kind="stable")  # the largest share is written last and stays
    result = np.full(hits, -1)
    result[hit[order]] = owner[order]
    best[hit[order]] = weight[order]
    return np.where(best > np.maximum(rest, 0.0), result, -1)


def _verdicts(owner: Array, finder: Array, status: Array, particle: Array) -> Array:
    partner = np.append(
        np.where(status == ShowerStatus.MATCHED, particle, -2), -3
    )  # the last entry is that of no shower
    verdict = np.where(partner[finder] == owner, RIGHT, OTHERS)
    verdict[finder < 0] = LOST
    verdict[owner < 0] = np.where(finder[owner < 0] < 0, QUIET, TAKEN)
    return verdict


def _particles(
    pdg: Array, energy: Array, deposited: Array, nearest: Array, status: Array, boxes: Array
) -> DrawnObjects:
    names, text = [], []
    for kind, true, seen, away, fate in zip(pdg, energy, deposited, nearest, status, strict=True):
        names.append(f"{particle_name(int(kind))} {true:.3g} GeV, {PARTICLE_WORDS[fate]}")
        far = f"\nnext particle {away:.3g} mm away" if np.isfinite(away) else ""
        text.append(f"true {particle_name(int(kind))} {true:.3g} GeV, {seen:.3g} GeV seen{far}\n{PARTICLE_WORDS[fate]}")
    return DrawnObjects(names, text, status, [owner_colour(number) for number in range(len(names))], boxes)


def _showers(columns: list[Array], particles: DrawnObjects) -> DrawnObjects:
    """Found objects; a matched one has the colour of its particle, others one of their own."""
    names, text, colours, alone = [], [], [], 0
    number = count()
    for score, energy, raw, hadron, status, particle, iou in zip(*columns[:-1], strict=True):
        told = SHOWER_WORDS[status]
        last = told and f"\n{told}"
        names.append(f"shower {energy:.3g} GeV{told and f', {told}'}")
        overlap = f"\noverlap (IoU) {iou:.2f} with {particles.names[particle]}" if particle >= 0 else ""
        text.append(
            f"found: {energy:.3g} GeV ({raw:.3g} GeV in hits), score {score:.2f}, "
            f"hadron {100 * hadron:.0f} %{overlap}{last}"
        )
        if status == ShowerStatus.MATCHED and particle >= 0:
            colours.append(particles.colours[particle])
        elif status == ShowerStatus.WITHOUT_TRUTH:
            colours.append(owner_colour(next(number) % LEGEND))
        else:
            colours.append(_UNMATCHED[alone % len(_UNMATCHED)])
            alone += 1
    return DrawnObjects(names, text, columns[4], colours, columns[-1])


def _summary(particles: DrawnObjects, showers: DrawnObjects) -> str:
    """How many were found, in words."""
    number = len(showers.status)
    if (showers.status == ShowerStatus.WITHOUT_TRUTH).all() and not len(particles):
        return f"{number} shower{'s' if number != 1 else ''}"
    parts = [f"{int((particles.status == ParticleFate.FOUND).sum())} of {len(particles)} particles found"]
    told = (
        (ParticleFate.MERGED, particles, "merged"),
        (ShowerStatus.FAKE, showers, "fakes"),
        (ShowerStatus.PIECE, showers, "pieces"),
    )
    return ", ".join([*parts, *(f"{name}: {int((objects.status == kind).sum())}" for kind, objects, name in told)])
