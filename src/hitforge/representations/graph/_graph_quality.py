"""How good a graph of hits is: what of the true tracks its edges hold, and how many edges are false."""

from __future__ import annotations

from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.events import Collection
from hitforge.representations import Prepared

_PT = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 1e9)
_ETA = tuple(np.round(np.arange(-4.0, 4.01, 0.5), 1).tolist())


def quality(prepared: Prepared, particles: Collection) -> dict[str, Any]:
    """Return numbers of the whole sample, and tables against pT and eta of the particle.

    Args:
        prepared: Graphs with labels.
        particles: Table with ``pt``, ``eta``, ``hits``, ``reconstructable``, ``pairs``, ``found`` and ``largest``.

    Returns:
        ``events``, ``hits`` and ``edges`` an event, ``purity`` (true edges over all), ``purity_reconstructable`` (edges
        of particles at or above ``soft_pt`` over all), ``efficiency`` (true pairs of the reconstructable particles that
        are edges, over all of theirs), ``ceiling`` (reconstructable particles more than half of whose hits are in one
        piece of true
        edges: who follows true edges finds no larger share), ``seconds`` an event; ``pt`` and ``eta``: tables of
        lists ``low``, ``high``, ``particles``, ``efficiency`` and ``ceiling`` (None where there are no particles);
        in that against pT particles pass all cuts but the one on pT.
    """
    edges = prepared.tables["edges"]
    assert prepared.ragged is not None  # prepare always gives it
    grade = edges["label"]
    events = max(len(edges), 1)
    reconstructable = particles["reconstructable"]
    result = {
        "events": len(edges),
        "hits": prepared.ragged.rows / events,
        "edges": edges.rows / events,
        "purity": _ratio((grade > 0).sum(), len(grade)),
        "purity_reconstructable": _ratio((grade > 1).sum(), len(grade)),
        **_shares(particles, reconstructable),
        "seconds": float(prepared.dense["seconds"].sum() / events),
    }
    cuts = particles["hits"] >= (particles["hits"][reconstructable].min() if reconstructable.any() else 1)
    farthest = np.abs(particles["eta"][reconstructable]).max() if reconstructable.any() else np.inf
    long = cuts & (np.abs(particles["eta"]) <= farthest)
    return result | {"pt": _table(particles, long, "pt", _PT), "eta": _table(particles, reconstructable, "eta", _ETA)}


def _table(particles: Collection, keep: Array, name: str, bounds: tuple[float, ...]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"low": list(bounds[:-1]), "high": list(bounds[1:])}
    bins = np.digitize(particles[name], bounds) - 1
    rows = [_shares(particles, keep & (bins == i)) for i in range(len(bounds) - 1)]
    return columns | {key: [row[key] for row in rows] for key in ("particles", "efficiency", "ceiling")}


def _shares(particles: Collection, keep: Array) -> dict[str, Any]:
    have, found = particles["pairs"][keep].sum(), particles["found"][keep].sum()
    whole = 2 * particles["largest"][keep] > particles["hits"][keep]
    return {"particles": int(keep.sum()), "efficiency": _ratio(found, have), "ceiling": _ratio(whole.sum(), len(whole))}


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None
