"""One event in the form that displays draw: places, energies, layers and owners of its hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kinematics import eta, phi, wrap_phi
from hitforge.core.particles import particle_name
from hitforge.detectors import Detector, GridDetector
from hitforge.events import Events
from hitforge.report.events._scene import Group
from hitforge.report.style import CLASS_COLOURS

NOISE_COLOUR = "#c8ccd2"
LEGEND = 8
"""Owners that have a colour of their own."""
_OWNERS = (*CLASS_COLOURS[:2], "#ffa90e", "#832db6", "#2e8b57", "#e76300", "#92dadd", "#a96b59")
MANY_COLOUR = "#5b6575"
"""All small owners together."""
_SCREEN = {NOISE_COLOUR: "faint", "#2b2d33": "ink", "#1c2330": "ink"}


@dataclass(frozen=True)
class EventView:
    """One event with N hits.

    Attributes:
        position: Centre of each hit's cell on a surface of cells, the hit's own place elsewhere, (N, 3) [mm].
        energy: (N,) [GeV].
        time: (N,) [ns].
        cell: The detector's cell number, (N,).
        owner: Place in ``names`` of the particle that gave most of the hit, (N,); -1 for noise or unknown.
        names: Particles that own a hit, those that gave most energy first.
        pitch: Size of a cell in eta, in phi [rad], and in length [mm], (3,).
        title: Number and fields of the event.
        layer: (N,).
        fields: The event's fields.
    """

    position: Array
    energy: Array
    time: Array
    cell: Array
    owner: Array
    names: list[str]
    pitch: Array
    title: str
    layer: Array
    fields: dict[str, float] = field(default_factory=dict)

    @property
    def colours(self) -> list[str]:
        """Colour of each hit's owner."""
        return [owner_colour(owner) for owner in self.owner]


def owner_colour(owner: int) -> str:
    """Return the colour of an owner by its place in ``names``; light grey for -1, dark grey for all small ones."""
    return NOISE_COLOUR if owner < 0 else _OWNERS[owner] if owner < len(_OWNERS) else MANY_COLOUR


def on_screen(colour: str) -> str:
    """Return a colour as scenes name it: nearly black and nearly white ones follow the page, which may be dark."""
    return _SCREEN.get(colour, colour)


def owner_groups(view: EventView) -> tuple[list[Group], Array]:
    """Groups of hits by the particle that gave most of them, small ones together, and each hit's group."""
    groups = [Group(name, owner_colour(number), name) for number, name in enumerate(view.names[:LEGEND])]
    groups += [Group("others", MANY_COLOUR, "others"), Group("noise or unknown", "faint", "noise")]
    most = len(groups) - 2
    return groups, np.where(view.owner < 0, most + 1, np.minimum(view.owner, most))


def named_owners(view: EventView) -> str:
    """Return the particles of the event in a sentence; empty where they are not known."""
    more = f" and {len(view.names) - LEGEND:,} more" if len(view.names) > LEGEND else ""
    return f"Particles with hits: {', '.join(view.names[:LEGEND])}{more}." if view.names else ""


def drawable(events: Events, index: int) -> Events:
    """Return one event alone.

    Raises:
        DataError: There is no such event, or it has no hits.
    """
    if not 0 <= index < len(events):
        raise DataError(f"the event must be between 0 and {len(events) - 1}", came=index)
    event = events.take(np.array([index]))
    if not event.hits.rows:
        raise DataError("the event must have hits to be drawn", came="none", where=f"event {index}")
    return event


def view_event(events: Events, index: int, detector: Detector, name: str = "") -> EventView:
    """Return an event for drawing, which is called ``name``, or if that is empty by its number.

    Raises:
        DataError: There is no such event, or it has no hits.
    """
    event = drawable(events, index)
    hits = event.hits
    owner, names = _owners(event)
    pdg = int(event.fields.get("primary_pdg", [0])[0])
    told = {name: values[0] for name, values in event.fields.items() if values.dtype.kind == "f" and values[0]}
    parts = [particle_name(pdg)] if pdg else []
    parts += [f"{name.replace('_', ' ')} {one:.4g} {event.info[name].unit}".strip() for name, one in told.items()]
    title = (name or f"event {index}") + (": " + ", ".join(parts[:6]) if parts else "")
    energy, time = (hits[name].astype(np.float64) for name in ("energy", "time"))
    if isinstance(detector, GridDetector):
        place = detector.position(hits["cell"])
        pitch = _pitch(detector, hits["cell"][energy.argmax()])
    else:
        place, pitch = np.stack([hits[name].astype(np.float64) for name in "xyz"], axis=1), np.zeros(3)
    fields = {name: float(values[0]) for name, values in event.fields.items()}
    return EventView(place, energy, time, hits["cell"], owner, names, pitch, title, hits["layer"], fields)


def _owners(event: Events) -> tuple[Array, list[str]]:
    """For each hit the particle that gave most of it, numbered by falling deposit; and the names of these particles."""
    owner = np.full(event.hits.rows, -1)
    if not {"links", "particles"} <= event.collections.keys() or not event.links.rows:
        return owner, []
    links, particles = event.links, event.particles
    order = np.argsort(links["weight"], kind="stable")  # the largest share is written last and stays
    owner[links["hit"][order]] = links["particle"][order]
    present = np.unique(owner[owner >= 0])
    deposit = np.bincount(links["particle"], links["weight"] * event.hits["energy"][links["hit"]], particles.rows)
    present = present[np.argsort(-deposit[present], kind="stable")]
    number = np.full(particles.rows + 1, -1)  # the last entry is that of -1
    number[present] = np.arange(len(present))
    names = [f"{particle_name(int(particles['pdg'][one]))} {particles['energy'][one]:.3g} GeV" for one in present]
    return number[owner], names


def _pitch(detector: GridDetector, cell: Any) -> Array:
    """Size of a cell in eta, phi [rad] and length [mm], from the distance to its neighbours."""
    around = detector.neighbours(np.array([cell]))[0]
    place = detector.position(np.concatenate([[cell], around[around >= 0]]))
    if len(place) < 2:
        return np.array([0.02, 0.02, 20.0])
    across, along = phi(place[:, 0], place[:, 1]), eta(place[:, 0], place[:, 1], place[:, 2])
    length = np.linalg.norm(place[1:] - place[0], axis=1).min()
    sizes = []
    for gap in (np.abs(along[1:] - along[0]), np.abs(wrap_phi(across[1:] - across[0]))):
        far = gap[gap > 0.3 * gap.max()]  # neighbours in the same row or column are no measure
        sizes.append(float(np.median(far)) if len(far) and far.max() > 0 else 0.02)
    return np.array([*sizes, length])
