"""Jets as events: one jet each, its constituents, and where these lie about its axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events.collection import Collection
from hitforge.events.events import Events
from hitforge.events.schema import COLLECTIONS, FieldInfo

Fields = dict[str, tuple[Array, FieldInfo]]
"""Event fields and what they mean."""


def jet_events(
    counts: Array, constituents: Mapping[str, Array], jets: Mapping[str, Array] | None, fields: Fields
) -> Events:
    """Put jets together, one an event.

    Args:
        counts: Constituents of each jet, (N,).
        constituents: ``px``, ``py``, ``pz``, ``energy`` and further columns, (rows,); those that are absent are 0.
        jets: Columns of the jets, (N,); None: sums of the constituents. ``soft_drop_mass`` is -1 where it is absent.
        fields: Event fields.
    """
    rows, owner = int(counts.sum()), np.repeat(np.arange(len(counts)), counts)
    full = {name: constituents.get(name, np.zeros(rows)) for name in COLLECTIONS["constituents"]}
    if jets is None:
        jets = {name: np.bincount(owner, full[name], len(counts)) for name in ("px", "py", "pz", "energy")}
    one = np.ones(len(counts), np.int64)
    columns = {"soft_drop_mass": np.full(len(counts), -1.0), **jets}
    return Events(
        {"jets": Collection.from_counts(one, columns), "constituents": Collection.from_counts(counts, full)},
        {name: values for name, (values, _) in fields.items()},
        {name: info for name, (_, info) in fields.items()},
    )


class Axes(NamedTuple):
    """Direction and size of each event's jet, (N,) float64 each."""

    pt: Array
    """[GeV]."""
    eta: Array
    phi: Array
    """[rad]."""
    mass: Array
    """[GeV], 0 where the energy is below the momentum."""


def axes(events: Events) -> Axes:
    """Return the axes of events with one jet each."""
    px, py, pz, energy = (events.jets[name].astype(np.float64) for name in ("px", "py", "pz", "energy"))
    mass = kinematics.mass(px, py, pz, energy)
    return Axes(kinematics.pt(px, py), kinematics.eta(px, py, pz), kinematics.phi(px, py), mass)


def about_axis(events: Events) -> tuple[Array, Array, Array]:
    """Return pT [GeV] of constituents, and how far they lie from the jet's axis in pseudorapidity and azimuth [rad].

    Args:
        events: One jet each.

    Returns:
        Three arrays, (rows,) float64.
    """
    parts, axis = events.constituents, axes(events)
    px, py, pz = (parts[name].astype(np.float64) for name in ("px", "py", "pz"))
    deta = kinematics.eta(px, py, pz) - axis.eta[parts.event]
    dphi = kinematics.wrap_phi(kinematics.phi(px, py) - axis.phi[parts.event])
    return kinematics.pt(px, py), deta, dphi


def is_charged(parts: Collection) -> Array:
    """Return which constituents are charged, by charge or by kind, (rows,) bool."""
    charged: Array = (parts["charge"] != 0) | np.isin(np.abs(parts["pdg"]), (11, 13, 211))
    return charged


def require_one_jet(events: Events, who: str) -> None:
    """Refuse events that are not one jet each.

    Raises:
        DataError: One has none, or several.
    """
    wrong = np.flatnonzero(events.jets.counts != 1)
    if len(wrong):
        came = f"{events.jets.counts[wrong[0]]} jets, and {len(wrong) - 1} more events without or with several"
        raise DataError(f"{who} needs one jet in each event", came=came, where=f"event {int(wrong[0])}")


def lifetime_signed(d0: Array, dphi: Array) -> Array:
    """Return abs(d0) with the sign of the side on which a track passes the vertex: positive on that of the jet.

    Tracks of a decay in flight are mostly positive, those of the vertex either (CMS-BTV-12-001).

    Args:
        d0: -x sin(phi) + y cos(phi) of the track's point, (rows,).
        dphi: Azimuth of the track from the jet's axis, (rows,) [rad].
    """
    side: Array = -np.sin(dphi) * np.asarray(d0, np.float64)  # of the point along the axis
    return np.abs(d0) * np.sign(side)
