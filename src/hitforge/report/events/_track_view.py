"""One event with tracks, in the form that displays draw: hits, and lines of tracks and particles by what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.particles import particle_name
from hitforge.detectors import Detector, TrackerDetector
from hitforge.events import Collection, Events
from hitforge.events.schema import ORIGIN
from hitforge.objects.track.display_data import TrackDisplays, TrackStatus
from hitforge.report.events._view import drawable

MAX_LINES = {
    TrackStatus.FOUND: 500,
    TrackStatus.MISSED: 400,
    TrackStatus.FAKE: 400,
    TrackStatus.DUPLICATE: 200,
    TrackStatus.OTHER: 300,
    TrackStatus.WITHOUT_TRUTH: 500,
}
"""Lines of each status that a display holds, those of the highest transverse momentum (longest, if it is not known)."""
MAX_POINTS = 20_000
"""Hits that a page holds besides those on lines; an even sample of the rest."""
_NAMED = 6  # particles that are named above a picture
MIN_PT = 0.5  # [GeV] of the particles of a display without tracks
_NAMES = {
    TrackStatus.FOUND: "found",
    TrackStatus.MISSED: "missed particle",
    TrackStatus.FAKE: "fake",
    TrackStatus.DUPLICATE: "duplicate",
    TrackStatus.OTHER: "track of a particle not asked for",
    TrackStatus.WITHOUT_TRUTH: "track",
}
_BINS: tuple[tuple[float, float, str], ...] = (
    (5.0, np.inf, "true, pT > 5 GeV"),
    (1.0, 5.0, "true, 1 to 5 GeV"),
    (MIN_PT, 1.0, "true, 0.5 to 1 GeV"),
)


@dataclass(frozen=True)
class Lines:
    """K lines of one kind.

    Attributes:
        name: What they are.
        status: A ``TrackStatus``; -1 for true particles of an event without tracks.
        min_pt: Transverse momentum that all of them have at least; 0 if that says nothing [GeV].
        points: Flat over the lines, (P, 3) [mm].
        offsets: Points of line ``i`` at ``offsets[i]:offsets[i + 1]``, (K + 1,).
        text: About each line, (K,).
        left_out: Lines of this kind that are not drawn.
    """

    name: str
    status: int
    points: Array
    offsets: Array
    text: list[str]
    left_out: int = 0
    min_pt: float = 0.0

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class EventTracks:
    """One event of a tracker.

    Attributes:
        title: Number of the event and what there is in it.
        definition: What counts as found; empty without tracks.
        position: Of the hits, (H, 3) [mm].
        subsystem: (H,).
        layer: (H,).
        lines: By kind, the least telling first.
        sensors: Ends of sensors across the beam in x and y, and along it in z and r: two (S, 2, 2) [mm], or None.
        hardest: The particles with the highest transverse momentum, in words; empty without truth.
    """

    title: str
    definition: str
    position: Array
    subsystem: Array
    layer: Array
    lines: tuple[Lines, ...]
    sensors: tuple[Array, Array] | None = None
    hardest: str = ""

    @property
    def note(self) -> str:
        """What was left out, in one sentence; empty if nothing was."""
        parts = [f"{one.left_out:,} of '{one.name}'" for one in self.lines if one.left_out]
        return f"not drawn: {', '.join(parts)}" if parts else ""


def stored_events(arrays: Mapping[str, Array], detector: Detector | None = None) -> list[EventTracks]:
    """Return the events of ``display_track.npz``, with the sensors of their tracker if given; none for no arrays."""
    if not arrays:
        return []
    displays = TrackDisplays.read(arrays)
    sensors = _sensors(detector) if isinstance(detector, TrackerDetector) else None
    return [_stored(displays, index, sensors) for index in range(len(displays.chosen))]


def true_event(events: Events, index: int, detector: TrackerDetector, name: str = "") -> EventTracks:
    """Return an event of a tracker with the true particles above ``MIN_PT`` that left hits, where it has them.

    It is called ``name``, or if that is empty by its number.

    Raises:
        DataError: There is no such event, or it has no hits.
    """
    event = drawable(events, index)
    hits = event.hits
    place = np.stack([hits[name].astype(np.float64) for name in "xyz"], axis=1)
    told = [(name, float(values[0])) for name, values in event.fields.items() if values[0] and name not in ORIGIN]
    parts = [f"{name.replace('_', ' ')} {value:.4g} {event.info[name].unit}".strip() for name, value in told]
    lines: tuple[Lines, ...] = ()
    title, hardest = f"{name or f'event {index}'}: {', '.join([*parts[:4], f'{hits.rows:,} hits'])}", ""
    if {"links", "particles"} <= event.collections.keys():
        lines = _true_lines(event, place)
        title += f", {sum(len(one) + one.left_out for one in lines):,} particles with pT > {MIN_PT} GeV and 3 hits"
        pdg, pt = event.particles["pdg"], kinematics.pt(event.particles["px"], event.particles["py"])
        seen = np.flatnonzero(np.bincount(event.links["particle"], minlength=len(pt)) >= 3)
        hardest = _hardest(pdg[seen], pt[seen])
    return EventTracks(title, "", place, hits["subsystem"], hits["layer"], lines, _sensors(detector), hardest)


def _hardest(pdg: Array, pt: Array, fates: Sequence[str] = ()) -> str:
    """The few particles with the highest transverse momentum, with what became of them if that is known."""
    best = np.argsort(-pt, kind="stable")[:_NAMED].tolist()
    names = [f"{particle_name(int(pdg[one]))} {pt[one]:.3g} GeV{f' ({fates[one]})' if fates else ''}" for one in best]
    return f"highest pT: {', '.join(names)}" if names else ""


def _true_lines(event: Events, place: Array) -> tuple[Lines, ...]:
    particles, links = event.particles, event.links
    px, py, pz = (particles[name].astype(np.float64) for name in ("px", "py", "pz"))
    pt, start = kinematics.pt(px, py), np.stack([particles[f"v{name}"] for name in "xyz"], axis=1)
    away = np.linalg.norm(place[links["hit"]] - start[links["particle"]], axis=1)
    order = np.lexsort((away, links["particle"]))
    hit, count = links["hit"][order], np.bincount(links["particle"], minlength=particles.rows)
    offsets = np.concatenate([[0], np.cumsum(count)])
    eta, phi = kinematics.eta(px, py, pz), kinematics.phi(px, py)
    text = _particle_text(particles["pdg"], pt, eta, phi, kinematics.pt(start[:, 0], start[:, 1]), count)
    result = []
    for low, high, name in reversed(_BINS):
        rows = np.flatnonzero((pt > low) & (pt <= high) & (count >= 3))
        kept = rows[np.argsort(-pt[rows], kind="stable")][: MAX_LINES[TrackStatus.FOUND]]
        group = _lines(name, -1, kept, place[hit], offsets, text, start, len(rows) - len(kept))
        result.append(replace(group, min_pt=low))
    return tuple(result)


def _stored(displays: TrackDisplays, index: int, sensors: tuple[Array, Array] | None) -> EventTracks:
    """Lines of tracks through their hits; of missed particles from where they began."""
    hits, particle, track = (
        table.slice(index, index + 1) for table in (displays.hits, displays.particles, displays.tracks)
    )
    place = np.stack([hits[name].astype(np.float64) for name in "xyz"], axis=1)
    start = np.stack([particle[name].astype(np.float64) for name in "xyz"], axis=1)
    hit_of = {
        "particle": _points(place, displays.particle_hits, displays.particles, index),
        "track": _points(place, displays.track_hits, displays.tracks, index),
    }
    counts = np.diff(hit_of["particle"][1])
    radius = kinematics.pt(start[:, 0], start[:, 1])
    about = _particle_text(particle["pdg"], particle["pt"], particle["eta"], particle["phi"], radius, counts)
    length = np.diff(hit_of["track"][1])
    text = [
        _track_text(*row, about[owner] if owner >= 0 else "")
        for owner, row in zip(
            track["particle"],
            zip(track["pt"], track["eta"], track["phi"], length, track["purity"], strict=True),
            strict=True,
        )
    ]
    true_pt = np.append(particle["pt"], np.nan)[track["particle"]]
    rank = np.where(np.isfinite(track["pt"]), track["pt"], np.where(np.isfinite(true_pt), true_pt, 0.01 * length))
    lines = []
    has_truth = bool(displays.definition)
    for status in (
        (TrackStatus.OTHER, TrackStatus.FOUND, TrackStatus.DUPLICATE, TrackStatus.FAKE, TrackStatus.MISSED)
        if has_truth
        else (TrackStatus.WITHOUT_TRUTH,)
    ):
        of = particle if status == TrackStatus.MISSED else track
        chosen = np.flatnonzero(of["status"] == status)
        kept = chosen[np.argsort(-(of["pt"] if status == TrackStatus.MISSED else rank)[chosen], kind="stable")]
        kept, left_out = kept[: MAX_LINES[status]], max(len(chosen) - MAX_LINES[status], 0)
        if status == TrackStatus.MISSED:
            lines.append(_lines(_NAMES[status], status, kept, *hit_of["particle"], about, start, left_out))
        else:
            lines.append(_lines(_NAMES[status], status, kept, *hit_of["track"], text, None, left_out))
    told = f"{len(length):,} tracks"
    if has_truth:
        total = {one.status: len(one) + one.left_out for one in lines}
        of_target = total[TrackStatus.FOUND] + total[TrackStatus.MISSED]
        told = f"{total[TrackStatus.FOUND]:,} of {of_target:,} particles found, "
        told += f"fakes: {total[TrackStatus.FAKE]:,}, duplicates: {total[TrackStatus.DUPLICATE]:,}"
    title = f"event {int(displays.chosen[index])}: {len(place):,} hits, {told}"
    asked = np.flatnonzero(particle["status"] != TrackStatus.OTHER)
    fates = ["missed" if fate == TrackStatus.MISSED else "found" for fate in particle["status"][asked]]
    hardest = _hardest(particle["pdg"][asked], particle["pt"][asked], fates)
    columns = hits["subsystem"], hits["layer"]
    return EventTracks(title, displays.definition, place, *columns, tuple(lines), sensors, hardest)


def _points(place: Array, members: Collection, owners: Collection, index: int) -> tuple[Array, Array]:
    """Places of the hits of an event's objects, flat, and the offsets of each object."""
    mine = members.slice(int(owners.offsets[index]), int(owners.offsets[index + 1]))
    return place[mine["hit"]], mine.offsets


def _lines(
    name: str,
    status: int,
    rows: Array,
    points: Array,
    offsets: Array,
    text: list[str],
    start: Array | None,
    left_out: int,
) -> Lines:
    """Pick lines; where ``start`` is given, (all, 3), each begins there."""
    parts = [points[offsets[row] : offsets[row + 1]] for row in rows]
    if start is not None:
        parts = [np.concatenate([start[row : row + 1], part]) for row, part in zip(rows, parts, strict=True)]
    ends = np.concatenate([[0], np.cumsum([len(part) for part in parts], dtype=np.int64)])
    flat = np.concatenate(parts) if parts else np.zeros((0, 3))
    return Lines(name, status, flat, ends, [text[row] for row in rows], left_out)


def _particle_text(pdg: Array, pt: Array, eta: Array, phi: Array, radius: Array, hits: Array) -> list[str]:
    rows = zip(pdg, pt, eta, phi, radius, hits, strict=True)
    return [
        f"true {particle_name(int(kind))}: pT {a:.3g} GeV, η {b:.2f}, φ {c:.2f}, from r {r:.3g} mm, {n} hits"
        for kind, a, b, c, r, n in rows
    ]


def _track_text(pt: float, eta: float, phi: float, hits: int, purity: float, particle: str) -> str:
    fit = f"pT {pt:.3g} GeV, η {eta:.2f}, φ {phi:.2f}, " if np.isfinite(pt) else ""
    own = f"track: {fit}{hits} hits" + (f", {100 * purity:.0f} % of one particle" if np.isfinite(purity) else "")
    return f"{own}\n{particle}" if particle else own


def _sensors(detector: TrackerDetector) -> tuple[Array, Array]:
    """Sensors as lines: those of the barrel seen along the beam, all from the side, each place once."""
    modules = detector.modules
    width = 0.5 * (modules.half_u_low + modules.half_u_high)
    u, v = modules.axes[:, 0] * width[:, None], modules.axes[:, 1] * modules.half_v[:, None]
    barrel = np.abs(modules.axes[:, 2, 2]) < 0.5
    across = np.stack([modules.centre - u, modules.centre + u], axis=1)[barrel][:, :, :2]  # (S, 2, 2)
    ends = np.stack([modules.centre - v, modules.centre + v], axis=1)  # (M, 2, 3)
    along = np.stack([ends[..., 2], np.hypot(ends[..., 0], ends[..., 1])], axis=2)
    return tuple(np.unique(np.rint(one), axis=0) for one in (across, along))  # type: ignore[return-value]
