"""A few events with their tracks, kept for displays: found and missed particles, fake and duplicate tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np

from hitforge.core.arrays import Array
from hitforge.events import Collection, Events
from hitforge.objects.track.rules import RULES, Tracks, tracks_of
from hitforge.objects.track.target import TrackTarget

_EVENTS = 3  # events that are kept: those with the fewest, the median and the most hits


class TrackStatus(IntEnum):
    """What became of a particle (``OTHER``, ``FOUND`` or ``MISSED``), and what a track is (all but ``MISSED``)."""

    OTHER = 0
    """A particle outside the target, or a track of one."""
    FOUND = 1
    """A particle to which a track belongs, or the best of its tracks."""
    MISSED = 2
    FAKE = 3
    DUPLICATE = 4
    WITHOUT_TRUTH = 5
    """A track of an event without truth."""


@dataclass(frozen=True)
class TrackDisplays:
    """K events with their tracks, as ``display_track.npz`` of a method's folder holds them.

    The file has the arrays ``chosen`` and ``definition``, each column as ``hit_x``, ``particle_pdg``, ``track_pt``, and
    the events' rows as ``hit_offsets``, ``particle_offsets``, ``track_offsets``; and the hits of each particle and
    track, by their number in the event and outwards, as ``particle_hit`` at ``particle_hit_offsets``, ``track_hit`` at
    ``track_hit_offsets``.

    Attributes:
        chosen: Numbers of the events in the test sample, (K,).
        definition: What counts as found; empty without truth.
        hits: ``x``, ``y``, ``z`` [mm], ``subsystem``, ``layer``.
        particles: Those that left hits: ``pdg``, ``pt`` [GeV], ``eta``, ``phi``, ``x``, ``y``, ``z`` (where it began)
            [mm], ``status``.
        tracks: ``status``, ``particle`` (row of the event in ``particles``, -1 none), ``pt`` [GeV], ``eta``, ``phi``
            (NaN where nothing was fitted), ``purity`` (largest share of its hits that one particle gave, NaN without
            truth).
        particle_hits: ``hit``, an entry a particle of all events.
        track_hits: ``hit``, an entry a track of all events.
    """

    chosen: Array
    definition: str
    hits: Collection
    particles: Collection
    tracks: Collection
    particle_hits: Collection
    track_hits: Collection

    def arrays(self) -> dict[str, Array]:
        """Return the arrays of the file."""
        arrays = {"chosen": self.chosen, "definition": np.array(self.definition)}
        for kind, table in (("hit", self.hits), ("particle", self.particles), ("track", self.tracks)):
            arrays |= {f"{kind}_offsets": table.offsets}
            arrays |= {f"{kind}_{name}": _small(values) for name, values in table.columns.items()}
        for kind, members in (("particle", self.particle_hits), ("track", self.track_hits)):
            arrays |= {f"{kind}_hit_offsets": members.offsets, f"{kind}_hit": _small(members["hit"])}
        return arrays

    @classmethod
    def read(cls, arrays: Mapping[str, Array]) -> Self:
        """Return what the arrays hold.

        Raises:
            KeyError: An array is absent.
            DataError: Arrays do not fit each other.
        """
        tables = {
            kind: Collection(arrays[f"{kind}_offsets"], {name: arrays[f"{kind}_{name}"] for name in names})
            for kind, names in _COLUMNS.items()
        }
        members = {
            kind: Collection(arrays[f"{kind}_hit_offsets"], {"hit": arrays[f"{kind}_hit"]})
            for kind in ("particle", "track")
        }
        return cls(
            arrays["chosen"],
            str(arrays["definition"]),
            tables["hit"],
            tables["particle"],
            tables["track"],
            members["particle"],
            members["track"],
        )


_RULE = RULES["double_majority"]
_COLUMNS = {
    "hit": ("x", "y", "z", "subsystem", "layer"),
    "particle": ("pdg", "pt", "eta", "phi", "x", "y", "z", "status"),
    "track": ("status", "particle", "pt", "eta", "phi", "purity"),
}


def shown_tracks(events: Events, named: Mapping[str, Collection], cuts: TrackTarget) -> TrackDisplays:
    """Choose a few events and return them with what was found in them; all methods of a run keep the same ones.

    Double majority says which track belongs to which particle, and the target which particles are asked for: those
    that ``technical_efficiency_double_majority`` counts. Fakes are the tracks that ``fake_rate_double_majority`` calls
    so. Where events have no links, their tracks are kept without a match.

    Args:
        events: The first test events, in order, with hits and, where truth is known, particles and links; one at least.
        named: Tables ``tracks`` and ``members`` and, with truth, ``particles`` and ``matches`` of the test
            events, of which the first are these.
        cuts: Which particles are to be found.

    Raises:
        DataError: The predictions are not of tracks.
    """
    known = "links" in events.collections
    order = np.argsort(events.hits.counts, kind="stable")
    chosen = np.unique(order[np.linspace(0, len(order) - 1, min(_EVENTS, len(order))).astype(int)])
    parts = []
    for number in chosen.tolist():
        tables = {name: table.slice(number, number + 1) for name, table in named.items()}
        event = events.take(np.array([number]))
        if known:
            parts.append(_event(event, tables, tracks_of(tables, "display"), cuts))
        else:
            parts.append(_without_truth(event, tables))
    hits, particles, tracks, inside, held = (Collection.concatenate(column) for column in zip(*parts, strict=True))
    text = f"{cuts.cuts(cuts.min_hits)}; {_RULE.text}" if known else ""
    return TrackDisplays(chosen, text, hits, particles, tracks, inside, held)


_Part = tuple[Collection, Collection, Collection, Collection, Collection]


def _event(event: Events, tables: Mapping[str, Collection], sample: Tracks, cuts: TrackTarget) -> _Part:
    """Hits, particles, tracks, and hits of both of one event."""
    links, members = event.links, tables["members"]
    place = np.stack([event.hits[name] for name in "xyz"], axis=1).astype(np.float64)
    vertex = np.stack([event.particles[f"v{name}"] for name in "xyz"], axis=1).astype(np.float64)
    fate, status = _statuses(sample, cuts)
    row = np.asarray(sample.particles["particle"], np.int64)  # rising
    seen = np.bincount(links["particle"], minlength=event.particles.rows)  # hits in any part of the detector
    kept = seen[row] > 0
    shown = np.isin(links["particle"], row)
    hit, owner = links["hit"][shown], links["particle"][shown]
    number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)  # the last entry is that of -1
    away = np.linalg.norm(place[hit] - vertex[owner], axis=1)
    particles = {name: sample.particles[name] for name in ("pdg", "pt", "eta", "phi")}
    particles |= {**dict(zip("xyz", vertex[row].T, strict=True)), "status": fate}
    tracks = {
        "status": status,
        "particle": number[sample.leading],
        **_fitted(tables["tracks"]),
        "purity": sample.shared / np.maximum(sample.tracks["hits"], 1),
    }
    return (
        _seen(event.hits),
        _alone({name: values[kept] for name, values in particles.items()}),
        _alone(tracks),
        Collection.from_counts(seen[row][kept], {"hit": hit[np.lexsort((away, owner))]}),
        _outwards(place, members, tables["tracks"].rows),
    )


def _without_truth(event: Events, tables: Mapping[str, Collection]) -> _Part:
    """The same of an event whose truth nobody knows."""
    count = tables["tracks"].rows
    place = np.stack([event.hits[name] for name in "xyz"], axis=1).astype(np.float64)
    tracks = {
        "status": np.full(count, TrackStatus.WITHOUT_TRUTH),
        "particle": np.full(count, -1),
        **_fitted(tables["tracks"]),
        "purity": np.full(count, np.nan),
    }
    nobody = {name: np.zeros(0, np.int32) for name in _COLUMNS["particle"]}
    nothing = Collection(np.zeros(1), {"hit": np.zeros(0, np.int32)})
    return _seen(event.hits), _alone(nobody), _alone(tracks), nothing, _outwards(place, tables["members"], count)


def _seen(hits: Collection) -> Collection:
    return Collection(hits.offsets, {name: hits[name] for name in _COLUMNS["hit"]})


def _alone(columns: Mapping[str, Array]) -> Collection:
    """A table of one event."""
    return Collection(np.array([0, len(next(iter(columns.values())))]), columns)


def _outwards(place: Array, members: Collection, tracks: int) -> Collection:
    """Hits of each track, outwards."""
    order = np.lexsort((np.linalg.norm(place[members["hit"]], axis=1), members["track"]))
    return Collection.from_counts(np.bincount(members["track"], minlength=tracks), {"hit": members["hit"][order]})


def _statuses(sample: Tracks, cuts: TrackTarget) -> tuple[Array, Array]:
    """What became of each particle, and what each track is."""
    inside = cuts.kinematic(sample.particles)
    reconstructable = inside & (sample.particles["hits"] >= cuts.min_hits)
    good = sample.met(_RULE, cuts.min_track_hits)
    is_found = np.zeros(len(reconstructable), np.bool_)
    is_found[sample.leading[good]] = True
    fate = np.where(~reconstructable, TrackStatus.OTHER, np.where(is_found, TrackStatus.FOUND, TrackStatus.MISSED))
    asked, allowed = np.append(reconstructable, False)[sample.leading], np.append(inside, False)[sample.leading]
    long = sample.tracks["hits"] >= cuts.min_track_hits
    fake = long & ~good & ~(sample.pure(_RULE) & ~allowed)
    own = np.where(sample.best(good), TrackStatus.FOUND, TrackStatus.DUPLICATE)
    return fate, np.where(fake, TrackStatus.FAKE, np.where(good & asked, own, TrackStatus.OTHER))


def _fitted(tracks: Collection) -> dict[str, Array]:
    """Transverse momentum [GeV], pseudorapidity and azimuth of tracks; NaN where nothing was fitted."""
    if not {"q_over_p", "theta", "phi"} <= tracks.columns.keys():
        return {name: np.full(tracks.rows, np.nan) for name in ("pt", "eta", "phi")}
    theta, curve = (tracks[name].astype(np.float64) for name in ("theta", "q_over_p"))
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = -np.log(np.tan(0.5 * theta))
        return {"pt": np.sin(theta) / np.abs(curve), "eta": eta, "phi": tracks["phi"]}


def _small(values: Array) -> Array:
    return values.astype(np.float32 if values.dtype.kind == "f" else np.int32)
