"""A few test events with their tracks, kept for the report: what was found, missed, invented and found twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.events import Collection, Events
from hitforge.objects.track.sample import RULES, Tracks, tracks_of
from hitforge.objects.track.target import TrackTarget

Array = NDArray[Any]
EVENTS = 3
"""Events that are kept: those with the fewest, the median and the most hits."""
_OTHER, _FOUND, _MISSED, _FAKE, _DUPLICATE, _UNJUDGED = range(6)  # as in report/event_tracks.py
_RULE = RULES["double_majority"]


def shown_tracks(events: Events, named: Mapping[str, Collection], cuts: TrackTarget) -> dict[str, Array]:
    """Return the arrays of ``display_tracks.npz``, which ``report/event_tracks.py`` describes.

    Double majority says which track belongs to which particle, and the target which particles
    are asked for: those that ``technical_efficiency_double_majority`` counts. Fakes are the tracks that
    ``fake_rate_double_majority`` calls so. All contestants of a run keep the same events.
    Where events have no links, their tracks are drawn and not judged.

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
    chosen = np.unique(order[np.linspace(0, len(order) - 1, min(EVENTS, len(order))).astype(int)])
    parts = []
    for number in chosen.tolist():
        tables = {name: table.slice(number, number + 1) for name, table in named.items()}
        event = events.take(np.array([number]))
        if known:
            parts.append(_event(event, tables, tracks_of(tables, "display"), cuts))
        else:
            parts.append(_unjudged(event, tables))
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for kind, key in (("hit", "hit_x"), ("particle", "particle_pt"), ("track", "track_pt")):
        arrays[f"{kind}_offsets"] = np.cumsum([0, *(len(part[key]) for part in parts)])
    for kind in ("particle", "track"):
        arrays[f"{kind}_hit_offsets"] = np.concatenate([[0], np.cumsum(arrays.pop(f"{kind}_hits"), dtype=np.int64)])
    text = f"{cuts.cuts(cuts.min_hits)}; {_RULE.text}" if known else ""
    return {"chosen": chosen, "definition": np.array(text), **arrays}


def _event(event: Events, tables: dict[str, Collection], sample: Tracks, cuts: TrackTarget) -> dict[str, Array]:
    hits, links, members = event.hits, event.links, tables["members"]
    place = np.stack([hits[name] for name in "xyz"], axis=1).astype(np.float64)
    vertex = np.stack([event.particles[f"v{name}"] for name in "xyz"], axis=1).astype(np.float64)
    fate, status = _statuses(sample, cuts)
    row = np.asarray(sample.particles["particle"], np.int64)  # rising
    seen = np.bincount(links["particle"], minlength=event.particles.rows)  # hits in any part of the detector
    kept = seen[row] > 0
    told = np.isin(links["particle"], row)
    hit, owner = links["hit"][told], links["particle"][told]
    number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)  # the last entry is that of -1
    length = np.bincount(members["track"], minlength=len(status))
    away = np.linalg.norm(place[hit] - vertex[owner], axis=1)
    particles = {name: sample.particles[name] for name in ("pdg", "pt", "eta", "phi")}
    particles |= {"status": fate, "hits": seen[row], **dict(zip("xyz", vertex[row].T, strict=True))}
    tracks = {
        **_fitted(tables["tracks"]),
        "status": status,
        "particle": number[sample.leading],
        "purity": sample.shared / np.maximum(sample.tracks["hits"], 1),
        "hits": length,
    }
    return {
        **_seen(hits),
        **{f"particle_{name}": _small(values[kept]) for name, values in particles.items()},
        "particle_hit": hit[np.lexsort((away, owner))].astype(np.int32),
        **{f"track_{name}": _small(values) for name, values in tracks.items()},
        "track_hit": members["hit"][_outwards(place, members)].astype(np.int32),
    }


def _unjudged(event: Events, tables: dict[str, Collection]) -> dict[str, Array]:
    """An event whose truth nobody knows."""
    hits, members, count = event.hits, tables["members"], tables["tracks"].rows
    place = np.stack([hits[name] for name in "xyz"], axis=1).astype(np.float64)
    tracks = {
        **_fitted(tables["tracks"]),
        "status": np.full(count, _UNJUDGED),
        "particle": np.full(count, -1),
        "purity": np.full(count, np.nan),
        "hits": np.bincount(members["track"], minlength=count),
    }
    nobody = {name: np.zeros(0, np.int32) for name in ("pdg", "pt", "eta", "phi", "status", "hits", "hit", *"xyz")}
    return {
        **_seen(hits),
        **{f"particle_{name}": none for name, none in nobody.items()},
        **{f"track_{name}": _small(values) for name, values in tracks.items()},
        "track_hit": members["hit"][_outwards(place, members)].astype(np.int32),
    }


def _seen(hits: Collection) -> dict[str, Array]:
    return {f"hit_{name}": _small(hits[name]) for name in ("x", "y", "z", "subsystem", "layer")}


def _outwards(place: Array, members: Collection) -> Array:
    """Order of members: track by track, outwards."""
    return np.lexsort((np.linalg.norm(place[members["hit"]], axis=1), members["track"]))


def _statuses(sample: Tracks, cuts: TrackTarget) -> tuple[Array, Array]:
    """What became of each particle, and what each track is."""
    inside = cuts.kinematic(sample.particles)
    wanted = inside & (sample.particles["hits"] >= cuts.min_hits)
    good = sample.met(_RULE, cuts.min_track_hits)
    is_found = np.zeros(len(wanted), np.bool_)
    is_found[sample.leading[good]] = True
    fate = np.where(~wanted, _OTHER, np.where(is_found, _FOUND, _MISSED))
    asked, allowed = np.append(wanted, False)[sample.leading], np.append(inside, False)[sample.leading]
    long = sample.tracks["hits"] >= cuts.min_track_hits
    fake = long & ~good & ~(sample.pure(_RULE) & ~allowed)
    own = np.where(sample.best(good), _FOUND, _DUPLICATE)
    return fate, np.where(fake, _FAKE, np.where(good & asked, own, _OTHER))


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
