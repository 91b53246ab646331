"""What surrounds the hits of one event in space: axes, centres, the window around the shower, outlines of cells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.particles import particle_name
from hitforge.detectors import Detector, LayeredDetector, pointing
from hitforge.events import Events
from hitforge.report.events._view import EventView, view_event
from hitforge.representations.region import RegionSettings, find_regions

MAX_HITS = 20_000
"""Hits that a page holds; the hottest are kept."""
_LEAST, _MOST = 60.0, 400.0  # [mm] half width of the window


@dataclass(frozen=True)
class EventSpace:
    """One event in space.

    Attributes:
        view: The hits that are kept, the hottest first.
        left_out: Number of hits that are not.
        left_energy: Their energy [GeV].
        near: Which of the kept hits lie in the region, (N,) bool; all where there is no region.
        window: Least and largest x, y, z around the shower, (3, 2) [mm].
        title: Number, particle, energies and drops of the event.
        true_axis: Two points on the true particle's line, (2, 3) [mm], or None.
        found_axis: Two points on the region's axis, (2, 3) [mm], or None.
        true_centre: The true barycentre, (3,) [mm], or None.
        found_centre: The region's log-weighted centre, (3,) [mm], or None.
        radius: Of the region at the first plane, from where it widens with abs(z) [mm]; 0 where there is none.
        outline: Corners of each kept hit's cell in x and y, (N, 6, 2) [mm], or None.
        depth: Half the thickness that a cell is drawn with [mm].
    """

    view: EventView
    left_out: int
    left_energy: float
    near: Array
    window: Array
    title: str
    true_axis: Array | None
    found_axis: Array | None
    true_centre: Array | None
    found_centre: Array | None
    radius: float
    outline: Array | None
    depth: float

    @property
    def true_label(self) -> str:
        """What the true axis is: without an impact it is the direction at the origin, from which a field may bend."""
        pointing = self.found_axis is not None and "impact_x" not in self.view.fields
        return "true direction at the origin" if pointing else "true direction"

    @property
    def note(self) -> str:
        """What was left out, in one sentence; empty if nothing was."""
        if not self.left_out:
            return ""
        kept = len(self.view.energy)
        return (
            f"the hottest {kept:,} of {kept + self.left_out:,} hits are drawn; "
            f"the other {self.left_out:,} hold {self.left_energy:.3g} GeV"
        )


def space_of(
    events: Events, index: int, detector: Detector, max_hits: int | None = MAX_HITS, name: str = ""
) -> EventSpace:
    """Return an event in space, with its ``max_hits`` hottest hits, all if None; called ``name`` if that is given.

    Raises:
        DataError: There is no such event, it has no hits, or a calorimeter of layers lacks cells of its hits.
    """
    view = view_event(events, index, detector)
    order = np.argsort(-view.energy, kind="stable")
    kept, rest = order[:max_hits], order[max_hits:] if max_hits is not None else order[:0]
    left, title = float(view.energy[rest].sum()), _title(view, name or f"event {index}")
    columns = {name: getattr(view, name)[kept] for name in ("position", "energy", "time", "cell", "owner", "layer")}
    view = replace(view, **columns)
    if isinstance(detector, LayeredDetector):
        return _layered(view, events.take(np.array([index])), detector, len(rest), left, title)
    far = _span(view.position, view.energy)
    axis = _line_from_vertex(view, events.take(np.array([index])), far)
    near = np.ones(len(kept), np.bool_)
    return EventSpace(view, len(rest), left, near, far, title, axis, None, _place(view), None, 0.0, None, 1.0)


def _layered(
    view: EventView, event: Events, detector: LayeredDetector, left_out: int, left: float, title: str
) -> EventSpace:
    foreign = ~detector.is_cell(view.cell)
    if foreign.any():
        came = f"{foreign.sum():,} of {len(foreign):,} in others, such as {view.cell[foreign][0]}"
        raise DataError("the hits must lie in cells of the detector", came=came, where=detector.name)
    settings = RegionSettings()
    one = find_regions(event, settings, detector)
    x, y, z = view.position.T
    planes = detector.layers.z
    depth = min(2.0, 0.3 * float(np.diff(planes).min()))
    outline = detector.corners(view.cell)
    if not one.found[0]:
        window, near = _span(view.position, view.energy), np.ones(len(x), np.bool_)
        return EventSpace(
            view, left_out, left, near, window, title, None, None, _place(view), None, 0.0, outline, depth
        )
    slope, side = np.array([one.slope_x[0], one.slope_y[0]]), float(one.side[0])
    across = pointing(x, y, z, detector.plane)  # the region widens with depth, seen from the origin
    distance = np.hypot(*(across - slope * detector.plane).T)
    near = (distance < settings.radius) & (z * side > 0)
    order = np.argsort(np.where(near, distance, np.inf))
    inside = np.cumsum(view.energy[order] * near[order])
    half = distance[order][np.searchsorted(inside, 0.9 * inside[-1])]
    half = float(np.clip(1.5 * half, _LEAST, _MOST))
    order = np.argsort(np.where(near, np.abs(z), np.inf))
    inside = np.cumsum(view.energy[order] * near[order])
    end = float(np.abs(z)[order][np.searchsorted(inside, 0.97 * inside[-1])])
    first, last = detector.front, min(end + 60.0, float(planes[-1]) + 20.0)
    ends = slope[:, None] * [first, last]  # (2, 2)
    low, high = ends.min(axis=1) - half, ends.max(axis=1) + half
    window = np.array([[low[0], high[0]], [low[1], high[1]], sorted((side * (first - 10.0), side * last))])
    edges = np.array([detector.front, float(planes[-1])])
    found = np.stack([slope[0] * edges, slope[1] * edges, side * edges], axis=1)
    title += f", {one.energy[0]:.4g} GeV within {settings.radius:.0f} mm of the axis"
    centre = np.array([one.x[0], one.y[0], one.z[0]])
    axis = _true_axis(view, edges)
    return EventSpace(
        view, left_out, left, near, window, title, axis, found, _place(view), centre, settings.radius, outline, depth
    )


def _title(view: EventView, name: str) -> str:
    """What the event is, in words; fields that say nothing are left out."""
    fields, parts = view.fields, []
    pdg = int(fields.get("primary_pdg", 0))
    if pdg:
        parts.append(particle_name(pdg) + (f" {fields['energy']:.4g} GeV" if "energy" in fields else ""))
    for key, symbol, digits in (("eta", "η", 3), ("phi", "φ", 3), ("mu", "pile-up μ", 4)):
        if fields.get(key):
            parts.append(f"{symbol} {fields[key]:.{digits}g}")
    parts.append(f"{len(view.energy):,} hits, {view.energy.sum():.4g} GeV in all")
    if fields.get("dropped_hits"):
        parts.append(f"{int(fields['dropped_hits']):,} hits dropped by the reader")
    return f"{name}: " + ", ".join(parts)


def _true_axis(view: EventView, edges: Array) -> Array | None:
    """Line of the true particle between two abs(z): through its impact along its direction, else from the origin."""
    fields = view.fields
    if not fields.get("primary_pdg", 1.0):
        return None
    if {"impact_x", "impact_y", "direction_x", "direction_y", "direction_z"} <= fields.keys():
        along = np.array([fields[f"direction_{key}"] for key in "xyz"])
        if not along[2]:
            return None
        side = np.sign(along[2])
        start = np.array([fields["impact_x"], fields["impact_y"], side * edges[0]])
        return np.stack([start, start + along / abs(along[2]) * (edges[1] - edges[0])])
    if {"eta", "phi"} <= fields.keys() and fields["eta"]:
        along = np.array([np.cos(fields["phi"]), np.sin(fields["phi"]), np.sinh(fields["eta"])])
        return np.asarray(along[None] / abs(along[2]) * edges[:, None])
    return None


def _line_from_vertex(view: EventView, event: Events, window: Array) -> Array | None:
    """Line of the true particle from where it began to the far side of the hits."""
    names = [f"direction_{key}" for key in "xyz"]
    if not set(names) <= view.fields.keys():
        return None
    along = np.array([view.fields[name] for name in names])
    start = np.zeros(3)
    if "particles" in event.collections and event.particles.rows:
        same = np.flatnonzero(event.particles["pdg"] == int(view.fields.get("primary_pdg", 0)))
        if len(same):
            best = same[event.particles["energy"][same].argmax()]
            start = np.array([event.particles[f"v{key}"][best] for key in "xyz"], np.float64)
    reach = (window.T - start) @ along  # of two opposite corners
    middle = (view.position - start) @ along
    first, last = max(0.0, min(float(reach.min()), float(middle.min()))), float(middle.max())
    return np.stack([start + first * along, start + max(last, first + 1.0) * along])


def _place(view: EventView) -> Array | None:
    """The true barycentre, where the event has one."""
    names = [f"barycentre_{key}" for key in "xyz"]
    known = set(names) <= view.fields.keys() and any(view.fields[name] for name in names)
    return np.array([view.fields[name] for name in names]) if known else None


def _span(position: Array, energy: Array) -> Array:
    """Box around the hits that hold nearly all of the energy, (3, 2)."""
    order = np.argsort(-energy)
    few = order[: int(np.searchsorted(np.cumsum(energy[order]), 0.98 * energy.sum())) + 1]
    low, high = position[few].min(axis=0), position[few].max(axis=0)
    margin = np.maximum(0.1 * (high - low), 20.0)
    return np.stack([low - margin, high + margin], axis=1)
