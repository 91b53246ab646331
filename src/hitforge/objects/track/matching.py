"""Tracks beside the truth: which particle gave how many hits of which track."""

from __future__ import annotations

import numpy as np

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events import Collection, Events


def match(
    events: Events, tracks: Collection, parameters: Collection | None = None, region: Array | None = None
) -> dict[str, Collection]:
    """Count the hits that tracks and particles share.

    A hit belongs to each particle that a link of weight above 0 joins it to: a merged cluster counts in full for each
    of its particles, noise for none. A hit that a track names twice counts once.

    Args:
        events: N events with hits and, where truth is known, particles and links; clusters give the weights of hits.
        tracks: Memberships, N entries: ``track``, number of the track in its event from 0, and ``hit``, index of the
            hit in its event.
        parameters: What was fitted to each track, N entries, one row a track; its columns are copied.
        region: Hits that tracks are made of, (hits,) bool; others count nowhere. None for all.

    Returns:
        ``particles``, those that are charged or left a hit: ``particle`` (row in the event), ``pdg``, ``charge`` [e],
        ``pt`` [GeV], ``eta``, ``phi`` at production, ``radius`` and ``vz`` of production [mm], ``d0`` and ``z0`` [mm]
        (of the straight line through the vertex where it is nearest to the z axis; for the helix good to some
        micrometres up to 1 mm of radius), ``hits``, ``layers`` (distinct), ``weight`` (of its hits in the TrackML
        score; a merged hit's is divided by the links' weights).
        ``tracks``: ``hits``, and the columns of ``parameters``.
        ``matches``, the pairs with a hit in common: ``track``, ``particle`` (row in the event), ``hits``, ``weight``.
        Of events without links: ``tracks`` alone.

    Raises:
        DataError: Numbers of events differ, or a track or hit does not exist.
    """
    _check(events, tracks, parameters)
    hits = events.hits
    used = np.ones(hits.rows, bool) if region is None else np.asarray(region, bool)
    count = _tracks(tracks, parameters)
    begin = np.concatenate([[0], np.cumsum(count)])
    event = tracks.event
    member = np.stack([begin[:-1][event] + tracks["track"], hits.offsets[:-1][event] + tracks["hit"]])  # (2, K)
    member = _unique(member[:, used[member[1]]])
    length = np.bincount(member[0], minlength=int(begin[-1])).astype(np.int32)
    fitted = {} if parameters is None else parameters.columns
    found = Collection.from_counts(count, {"hits": length, **fitted})
    if "links" not in events.collections:
        return {"tracks": found}

    particles = events.particles
    owner, of_hit, share = _links(events, used)  # (R,) particle, hit (both counted over all events), weight
    size = np.bincount(owner, minlength=particles.rows)
    weight = np.bincount(owner, share, minlength=particles.rows)
    # each membership meets all links of its hit
    start = np.searchsorted(of_hit, np.arange(hits.rows + 1))
    number = np.diff(start)[member[1]]
    link = np.repeat(start[member[1]], number) + np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    pair = np.stack([np.repeat(member[0], number), owner[link]])
    pair, shared, gained = _counted(pair, share[link])
    where = np.repeat(np.arange(len(events)), count)[pair[0]]
    matches = Collection.from_counts(
        np.bincount(where, minlength=len(events)),
        {
            "track": (pair[0] - begin[where]).astype(np.int32),
            "particle": (pair[1] - particles.offsets[where]).astype(np.int32),
            "hits": shared.astype(np.int32),
            "weight": gained,
        },
    )
    columns = _particles(particles) | {
        "hits": size.astype(np.int32),
        "layers": _layers(hits["layer"], owner, of_hit, particles.rows),
        "weight": weight,
    }
    truth = Collection(particles.offsets, columns).select_rows((size > 0) | (particles["charge"] != 0))
    return {"particles": truth, "tracks": found, "matches": matches}


def _check(events: Events, tracks: Collection, parameters: Collection | None) -> None:
    lengths = {"events": len(events), "tracks": len(tracks)}
    if parameters is not None:
        lengths["parameters"] = len(parameters)
    if len(set(lengths.values())) > 1:
        raise DataError("tracks and parameters must be of the same events", came=lengths)
    limits = {"hit": events.hits.counts, "track": None if parameters is None else parameters.counts}
    for name, limit in limits.items():
        value = np.asarray(tracks[name])
        wrong = value < 0
        if limit is not None:
            wrong |= value >= limit[tracks.event]
        bad = np.flatnonzero(wrong)
        if len(bad):
            raise DataError(
                f"a membership must name a {name} of its event",
                came=int(value[bad[0]]),
                where=f"event {tracks.event[bad[0]]}",
            )


def _links(events: Events, used: Array) -> tuple[Array, Array, Array]:
    """Particle, hit and weight in the score of links, ordered by hit; hits and particles count over all events."""
    links = events.links
    event = links.event
    hit = events.hits.offsets[:-1][event] + links["hit"]
    particle = events.particles.offsets[:-1][event] + links["particle"]
    keep = used[hit] & (links["weight"] > 0)
    pair, _, share = _counted(np.stack([hit[keep], particle[keep]]), links["weight"][keep].astype(np.float64))
    if "clusters" not in events.collections:
        return pair[1], pair[0], np.zeros(len(share))
    whole = np.bincount(pair[0], share, minlength=events.hits.rows)
    return pair[1], pair[0], share / whole[pair[0]] * events.clusters["weight"][pair[0]]


def _tracks(tracks: Collection, parameters: Collection | None) -> Array:
    """Number of tracks in each event, (N,) int64."""
    if parameters is not None:
        return parameters.counts
    count = np.zeros(len(tracks), np.int64)
    np.maximum.at(count, tracks.event, np.asarray(tracks["track"], np.int64) + 1)
    return count


def _unique(pair: Array) -> Array:
    """Distinct columns of pairs, (2, K), ordered by the first, then the second."""
    return _counted(pair, np.zeros(pair.shape[1]))[0]


def _counted(pair: Array, value: Array) -> tuple[Array, Array, Array]:
    """Distinct columns of pairs, (2, K), in order; how often each occurs; and the sum of its values, (K,)."""
    key = pair[0] * (pair[1].max(initial=0) + 1) + pair[1]
    order = np.argsort(key, kind="stable")  # members come nearly in order
    pair, value, key = pair[:, order], value[order], key[order]
    new = np.ones(len(key), bool)
    new[1:] = key[1:] != key[:-1]
    group = np.cumsum(new) - 1
    size = int(new.sum())
    return pair[:, new], np.bincount(group, minlength=size), np.bincount(group, value, minlength=size)


def _layers(layer: Array, owner: Array, of_hit: Array, particles: int) -> Array:
    """Distinct layers that each particle left hits in, (particles,) int32."""
    distinct = _unique(np.stack([owner, layer[of_hit].astype(np.int64)]))
    return np.bincount(distinct[0], minlength=particles).astype(np.int32)


def _particles(particles: Collection) -> dict[str, Array]:
    px, py, pz, vx, vy, vz = (particles[name].astype(np.float64) for name in ("px", "py", "pz", "vx", "vy", "vz"))
    pt = kinematics.pt(px, py)
    least = np.maximum(pt, 1e-9)  # a particle along the beam line has a large eta, not an infinite one
    cos, sin = np.where(pt > 0, px / least, 1.0), py / least
    row = np.arange(particles.rows) - np.repeat(particles.offsets[:-1], particles.counts)
    return {
        "particle": row.astype(np.int32),
        "pdg": particles["pdg"],
        "charge": particles["charge"],
        "pt": pt.astype(np.float32),
        "eta": kinematics.eta(px, py, pz).astype(np.float32),
        "phi": kinematics.phi(px, py).astype(np.float32),
        "radius": kinematics.pt(vx, vy).astype(np.float32),
        "vz": particles["vz"],
        "d0": (vy * cos - vx * sin).astype(np.float32),
        "z0": (vz - (vx * cos + vy * sin) * pz / least).astype(np.float32),
    }
