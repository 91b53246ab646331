"""Showers beside the truth: which share of its energy an object has in common with which particle."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.core.particles import ELECTROMAGNETIC
from hitforge.detectors import Detector, pointing
from hitforge.events import Collection, Events

SHOWER_PARAMETERS = ("score", "energy", "hadron")
"""Columns that the parameters of showers must have."""
_APART = 1e7  # between events and sides, where the nearest particle is looked for [mm]


def roi_side(events: Events, detector: Detector) -> Array:
    """Return the hits on the side of the event with more energy, (hits,) bool.

    The side is the sign of z. Only hits above the detector's noise cuts choose it; where an event has none, all do.
    Of equal sides it is the one at positive z.
    """
    hits, count = events.hits, len(events)
    event, sign = hits.event, np.sign(hits["z"])
    energy = np.maximum(hits["energy"].astype(np.float64), 0.0)
    clear = energy * ~detector.is_faint(hits["energy"], hits["subsystem"])
    energy = np.where((np.bincount(event, clear, count) > 0)[event], clear, energy)
    side = np.where(np.bincount(event, energy * sign, count) < 0, -1, 1)
    result: Array = sign == side[event]
    return result


def iou(shared: Array, union: Array) -> Array:
    """Return the energy-weighted IoU of pairs, sum E min(w, f) / sum E max(w, f); 0 without any energy."""
    result: Array = shared / np.maximum(union, 1e-12)
    return result


def pairwise_iou(first: Array, second: Array, energy: Array) -> Array:
    """Return the energy-weighted IoU of each pair, (P, K): sum E min(f, s) / sum E max(f, s).

    Args:
        first: Shares of hits, (H, P).
        second: (H, K).
        energy: (H,) [GeV].
    """
    shared = np.stack(
        [(np.minimum(column[:, None], second) * energy[:, None]).sum(0) for column in first.T]
        or [np.zeros(second.shape[1])]
    )[: first.shape[1]]
    union = (energy @ first)[:, None] + (energy @ second)[None] - shared
    return iou(shared, union)


def match_showers(
    events: Events,
    members: Collection,
    parameters: Collection,
    detector: Detector,
    *,
    min_energy: float = 3.0,
    region: Array | None = None,
) -> dict[str, Collection]:
    """Weigh what showers and particles have in common.

    A shower has the share w of a hit's energy E, a particle gave the share of its link. Both together have
    sum E min(w, share), and either has sum E max(w, share), over the hits that count; the second over the first is the
    energy-weighted IoU. A hit that a shower or a link names twice has the sum of both weights, at most 1. Hits that
    do not count, and those without energy, are in no number of any table.

    Args:
        events: N events with hits and, where truth is known, particles and links.
        members: Memberships, N entries: ``shower``, number of the shower in its event from 0, ``hit``, index of the hit
            in its event, ``weight``, share of the hit's energy, 0 to 1.
        parameters: N entries, one row a shower: ``score``, ``energy`` [GeV], ``hadron`` (probability), and others,
            which are copied.
        detector: Says where pointing coordinates are counted, and which hits are faint.
        min_energy: Particles are to be found if the hits that count hold this energy of them at least [GeV].
        region: Hits that count, (hits,) bool. None for one side of each event, see ``roi_side``: particles and
            showers on the other side are then neither to be found nor false. Without links all hits count.

    Returns:
        ``particles``, those to be found: ``particle`` (row in the event), ``pdg``, ``kind`` (0 electromagnetic:
        electron, photon, neutral pion; 1 other), ``energy``, ``deposited`` [GeV], ``u``, ``v`` (of the line of flight
        at the plane) [mm], ``depth`` (mean layer of its energy), ``nearest`` (distance in u and v to the nearest other
        one to be found on the same side; infinite where there is none) [mm], ``eta``.
        ``showers``: the columns of ``parameters``, ``raw`` (sum of E w) [GeV], ``u``, ``v`` [mm], ``depth`` (means of
        this energy, 0 where there is none), ``hits``, and with truth ``of_particles`` (sum E min(w, f), where f is the
        share of all particles to be found together) [GeV].
        ``matches``, the pairs with energy in common: ``shower``, ``particle`` (row of the event in the table
        ``particles``), ``shared`` and ``union`` [GeV].
        ``members``: ``shower``, ``hit``, ``weight``, of hits that count and weights above 0, each pair once.
        Of events without links: ``showers`` and ``members`` alone.

    Raises:
        DataError: Numbers of events differ, a column is absent, a shower or hit does not exist, or a weight is not a
            share.
    """
    hits, known = events.hits, "links" in events.collections
    _check(events, members, parameters)
    if region is None:
        region = roi_side(events, detector) if known else np.ones(hits.rows, bool)
    counted = np.asarray(region, bool)
    if counted.shape != (hits.rows,):
        raise DataError("'region' must say of each hit whether it counts", came=f"{counted.shape} for {hits.rows} hits")
    energy = np.where(counted, np.maximum(hits["energy"].astype(np.float64), 0.0), 0.0)

    begin = parameters.offsets
    hit, owned = hits.offsets[members.event] + members["hit"], begin[members.event] + members["shower"]
    keep = (energy[hit] > 0) & (members["weight"] > 0)
    start, hit, weight = _rows(owned[keep], hit[keep], members["weight"][keep], parameters.rows, hits.rows)
    owned = np.repeat(np.arange(parameters.rows), np.diff(start))
    event = parameters.event[owned]
    own: dict[str, Array] = {
        "shower": (owned - begin[event]).astype(np.int32),
        "hit": (hit - hits.offsets[event]).astype(np.int32),
        "weight": weight.astype(np.float32),
    }
    found = {
        "showers": _showers(hits, parameters, owned, hit, weight * energy[hit], detector.plane),
        "members": Collection.from_counts(np.bincount(event, minlength=len(events)), own),
    }
    return found | (
        _truth(events, found["showers"], (start, hit, weight), energy, detector.plane, min_energy) if known else {}
    )


def _truth(
    events: Events,
    showers: Collection,
    shares: tuple[Array, Array, Array],
    energy: Array,
    plane: float,
    min_deposited: float,
) -> dict[str, Collection]:
    """Particles to be found and their matches; of each shower's hits (``_rows``) the share, and of all the energy."""
    hits, particles, links = events.hits, events.particles, events.links
    hit, owner = hits.offsets[links.event] + links["hit"], particles.offsets[links.event] + links["particle"]
    keep = (energy[hit] > 0) & (links["weight"] > 0)
    link, owner, share = _rows(hit[keep], owner[keep], links["weight"][keep], hits.rows, particles.rows)
    given = share * np.repeat(energy, np.diff(link))
    deposited = np.bincount(owner, given, particles.rows)
    target = (deposited >= min_deposited) & (deposited > 0)
    layer = np.bincount(owner, given * np.repeat(hits["layer"], np.diff(link)), particles.rows)[target]
    truth = _particles(particles, target, plane)
    deposit, depth = deposited[target], layer / deposited[target]
    truth = Collection(truth.offsets, {**truth.columns, "deposited": deposit, "depth": depth})

    row = np.where(target, np.cumsum(target) - 1, -1)[owner]
    count = np.zeros(showers.rows, np.int64)
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    start, hit, weight = shares
    _pairs(start, hit, weight, energy, link, row, share, truth.rows, count, none, nothing)
    partner, shared = np.zeros(int(count.sum()), np.int64), np.zeros(int(count.sum()))
    _pairs(start, hit, weight, energy, link, row, share, truth.rows, count, partner, shared)
    shower = np.repeat(np.arange(showers.rows), count)
    where = showers.event[shower]
    whole = np.minimum(
        np.bincount(np.repeat(np.arange(hits.rows), np.diff(link))[row >= 0], share[row >= 0], hits.rows), 1.0
    )
    owned = np.repeat(np.arange(showers.rows), np.diff(start))
    showers.columns["of_particles"] = np.bincount(owned, energy[hit] * np.minimum(weight, whole[hit]), showers.rows)
    matches: dict[str, Array] = {
        "shower": (shower - showers.offsets[where]).astype(np.int32),
        "particle": (partner - truth.offsets[where]).astype(np.int32),
        "shared": shared,
        "union": np.maximum(showers["raw"][shower] + truth["deposited"][partner] - shared, shared),
    }
    return {"particles": truth, "matches": Collection.from_counts(np.bincount(where, minlength=len(events)), matches)}


def _check(events: Events, members: Collection, parameters: Collection) -> None:
    lengths = {"events": len(events), "members": len(members), "parameters": len(parameters)}
    if len(set(lengths.values())) > 1:
        raise DataError("showers and their members must be of the same events", came=lengths)
    for table, names in ((members, ("shower", "hit", "weight")), (parameters, SHOWER_PARAMETERS)):
        absent = [name for name in names if name not in table.columns]
        if absent:
            raise DataError(f"showers must have the columns {', '.join(names)}", came=f"no {absent[0]}")
    weight = members["weight"]
    wrong = {
        name: (members[name] < 0) | (members[name] >= limit.counts[members.event])
        for name, limit in (("shower", parameters), ("hit", events.hits))
    }
    wrong["weight"] = ~((weight >= 0) & (weight <= 1.0 + 1e-5))
    for name, bad in wrong.items():
        if bad.any():
            first = int(bad.argmax())
            must = "a membership must name a {} of its event" if name != "weight" else "a {} must be a share, 0 to 1"
            raise DataError(must.format(name), came=members[name][first], where=f"event {members.event[first]}")


def _rows(row: Array, column: Array, weight: Array, rows: int, columns: int) -> tuple[Array, Array, Array]:
    """Begin of each row, (rows + 1,), columns and weights of a sparse matrix; a place has 1 at most."""
    columns = max(columns, 1)
    key, weight = row * columns + column, weight.astype(np.float64)
    if len(key) and not (key[1:] > key[:-1]).all():
        order = np.argsort(key, kind="stable")  # mostly in order already
        key, weight = key[order], weight[order]
        first = np.ones(len(key), bool)
        first[1:] = key[1:] != key[:-1]
        key, weight = key[first], np.add.reduceat(weight, np.flatnonzero(first))
    return np.searchsorted(key, np.arange(rows + 1) * columns), key % columns, np.minimum(weight, 1.0)


def _particles(particles: Collection, target: Array, plane: float) -> Collection:
    """The table of particles to be found, without what their hits say."""
    local = np.arange(particles.rows) - particles.offsets[particles.event]
    kept = Collection(particles.offsets, {**particles.columns, "particle": local}).select_rows(target)
    px, py, pz, x, y, z = (kept[name].astype(np.float64) for name in ("px", "py", "pz", "vx", "vy", "vz"))
    side = np.where(pz < 0, -1.0, 1.0)
    away = np.where(pz != 0, (side * plane - z) / np.where(pz != 0, pz, 1.0), 0.0)
    u, v = x + px * away, y + py * away
    nearest = np.full(kept.rows, np.inf)
    if kept.rows > 1:
        group = (2 * kept.event + (side > 0)) * _APART
        distance = cKDTree(np.column_stack([u, v, group])).query(np.column_stack([u, v, group]), k=2)[0][:, 1]
        nearest = np.where(distance < 0.5 * _APART, distance, np.inf)
    columns = {
        "particle": kept["particle"].astype(np.int32),
        "pdg": kept["pdg"],
        "kind": (~np.isin(np.abs(kept["pdg"]), ELECTROMAGNETIC)).astype(np.int32),
        "energy": kept["energy"].astype(np.float64),
        "u": u,
        "v": v,
        "nearest": nearest,
        "eta": kinematics.eta(px, py, pz),
    }
    return Collection(kept.offsets, columns)


def _showers(
    hits: Collection, parameters: Collection, owned: Array, hit: Array, own: Array, plane: float
) -> Collection:
    """The table of showers; ``own`` is the energy of their members [GeV]."""
    number = parameters.rows
    raw = np.bincount(owned, own, number)
    u, v = pointing(hits["x"][hit], hits["y"][hit], hits["z"][hit], plane).T
    places = {"u": u, "v": v, "depth": hits["layer"][hit]}
    means = {name: np.bincount(owned, own * at, number) / np.where(raw > 0, raw, 1.0) for name, at in places.items()}
    count = np.bincount(owned, minlength=number).astype(np.int32)
    return Collection(parameters.offsets, {**parameters.columns, "raw": raw, **means, "hits": count})


@njit(nogil=True, cache=True)
def _pairs(start, hit, weight, energy, link, row, share, particles, count, partner, shared):  # type: ignore[no-untyped-def]
    """Energy that showers and particles have in common; into empty ``partner`` only their ``count`` is found.

    Hits of shower ``s`` stand at ``start[s]:start[s + 1]``, particles of hit ``h`` at ``link[h]:link[h + 1]``; -1 for
    those that are not to be found.
    """
    total, touched = np.zeros(particles), np.empty(particles, np.int64)
    place = 0
    for shower in range(len(start) - 1):
        number = 0
        for member in range(start[shower], start[shower + 1]):
            where = hit[member]
            for item in range(link[where], link[where + 1]):
                particle = row[item]
                if particle >= 0:
                    if total[particle] == 0.0:
                        touched[number] = particle
                        number += 1
                    total[particle] += energy[where] * min(weight[member], share[item])
        if len(partner):
            for particle in np.sort(touched[:number]):
                partner[place], shared[place] = particle, total[particle]
                place += 1
        count[shower] = number
        for item in range(number):
            total[touched[item]] = 0.0
