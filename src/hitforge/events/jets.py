"""Jets as events: one jet each, and its constituents."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hitforge.core.arrays import Array
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
