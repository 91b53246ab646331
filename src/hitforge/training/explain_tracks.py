"""A few test events with their tracks, kept for the report: what was found, missed, invented and found twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.files import write_arrays
from hitforge.events import Collection, Events
from hitforge.metrics import Predictions

Array = NDArray[Any]
EVENTS = 3
"""Events that are kept: those with the fewest, the median and the most hits."""
LEAST_PT, MOST_ETA, LEAST_HITS = 1.0, 2.5, 9
"""A particle is asked for above this transverse momentum [GeV], within this pseudorapidity, with as many hits."""
_OTHER, _FOUND, _MISSED, _FAKE, _DUPLICATE = range(5)  # as in report/event_tracks.py


def explain_tracks(events: Events, predictions: Predictions, folder: Path) -> None:
    """Write ``display_tracks.npz``, whose arrays ``report/event_tracks.py`` describes.

    A track and a particle belong together by double majority: they share more than half of the hits of each. The best
    track of a particle shares most hits with it (then the shorter track). A fake belongs to no particle, whatever its
    momentum. Only particles that left a hit are kept.

    Args:
        events: The first test events, in order, with hits, particles and links.
        predictions: Tables ``tracks``, ``matches`` and ``members`` of the test events, of which the first are these.
        folder: Of the contestant.
    """
    order = np.argsort(events.hits.counts, kind="stable")
    chosen = np.unique(order[np.linspace(0, len(order) - 1, min(EVENTS, len(order))).astype(int)])
    parts = [_event(events.take(chosen[i : i + 1]), predictions, int(chosen[i])) for i in range(len(chosen))]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for kind in ("hit", "particle", "track"):
        key = "hit_x" if kind == "hit" else f"{kind}_status"
        arrays[f"{kind}_offsets"] = np.cumsum([0, *(len(part[key]) for part in parts)])
    for kind in ("particle", "track"):
        arrays[f"{kind}_hit_offsets"] = np.concatenate([[0], np.cumsum(arrays.pop(f"{kind}_hits"))])
    text = f"double majority, of particles with pT > {LEAST_PT:g} GeV, |η| < {MOST_ETA:g} and {LEAST_HITS} hits"
    write_arrays(folder / "display_tracks.npz", {"chosen": chosen, "definition": np.array(text), **arrays})


def _event(event: Events, predictions: Predictions, number: int) -> dict[str, Array]:
    hits, particles, links = event.hits, event.particles, event.links
    tracks, matches, members = (predictions.tables[name].slice(number, number + 1) for name in _TABLES)
    place = np.stack([hits[name] for name in "xyz"], axis=1).astype(np.float64)
    start = np.stack([particles[f"v{name}"] for name in "xyz"], axis=1).astype(np.float64)
    px, py, pz = (particles[name].astype(np.float64) for name in ("px", "py", "pz"))
    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / np.maximum(pt, 1e-9))
    size = np.bincount(links["particle"], minlength=particles.rows)
    length = np.bincount(members["track"], minlength=tracks.rows)
    wanted = (pt > LEAST_PT) & (np.abs(eta) < MOST_ETA) & (size >= LEAST_HITS) & (particles["charge"] != 0)
    owner, best = _owners(matches, length, size)
    purity = np.zeros(tracks.rows)
    np.maximum.at(purity, matches["track"], matches["hits"] / np.maximum(length[matches["track"]], 1))
    status = np.where(owner < 0, _FAKE, np.where(~wanted[owner], _OTHER, np.where(best, _FOUND, _DUPLICATE)))
    found = np.zeros(particles.rows, np.bool_)
    found[owner[owner >= 0]] = True
    fate = np.where(~wanted, _OTHER, np.where(found, _FOUND, _MISSED))
    kept = np.flatnonzero(size)
    row = np.full(particles.rows + 1, -1)  # the last entry is that of -1
    row[kept] = np.arange(len(kept))
    away = np.linalg.norm(place[links["hit"]] - start[links["particle"]], axis=1)
    outwards = np.lexsort((np.linalg.norm(place[members["hit"]], axis=1), members["track"]))
    of_particle = {"pdg": particles["pdg"], "pt": pt, "eta": eta, "phi": np.arctan2(py, px), "status": fate}
    of_particle |= {"hits": size, **dict(zip("xyz", start.T, strict=True))}
    return {
        **{f"hit_{name}": np.asarray(hits[name], np.float32) for name in "xyz"},
        **{f"hit_{name}": hits[name].astype(np.int16) for name in ("subsystem", "layer")},
        **{f"particle_{name}": _small(values[kept]) for name, values in of_particle.items()},
        "particle_hit": links["hit"][np.lexsort((away, links["particle"]))],
        **{f"track_{name}": _small(values) for name, values in _fitted(tracks).items()},
        "track_status": status.astype(np.int32),
        "track_particle": row[owner].astype(np.int32),
        "track_purity": _small(purity),
        "track_hits": length,
        "track_hit": members["hit"][outwards],
    }


_TABLES = ("tracks", "matches", "members")


def _owners(matches: Collection, length: Array, size: Array) -> tuple[Array, Array]:
    """For each track the particle it belongs to, -1 for none; and whether it is that particle's best track."""
    track, particle, shared = matches["track"], matches["particle"], matches["hits"]
    both = (2 * shared > length[track]) & (2 * shared > size[particle])
    track, particle, shared = track[both], particle[both], shared[both]
    owner, best = np.full(len(length), -1), np.zeros(len(length), np.bool_)
    owner[track] = particle
    order = np.lexsort((length[track], -shared, particle))
    first = np.concatenate([[True], np.diff(particle[order]) != 0])[: len(order)]
    best[track[order][first]] = True
    return owner, best


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
