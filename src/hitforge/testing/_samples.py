"""Small samples that plug-ins are tried on, simulated once a process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from hitforge.core.errors import ConfigError, DataError
from hitforge.core.random import stream
from hitforge.detectors import DETECTORS, Detector
from hitforge.events import COLLECTIONS, Collection, Events, FieldInfo
from hitforge.events.schema import MEASURED
from hitforge.simulation import SIMULATIONS

_MEASURED = ("seed_cell", "roi_")
"""Beginnings of event fields that read-out electronics know."""
_SAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "images": ("crystal_barrel", {"name": "particle_gun", "tracker_material": "none", "test": 64}),
    "showers": ("hgcal", {"name": "shower_gun", "pdg": (11, -11), "eta": (1.6, 2.8), "window": 110, "test": 40}),
    "many showers": ("hgcal", {"name": "multi_shower_gun", "window": 370, "test": 4}),
    "tracks": ("silicon_barrel_endcap", {"name": "fatras", "test": 4}),
}


@cache
def sample(kind: str) -> tuple[Detector, Events]:
    """Return a detector and a few events in it: ``images``, ``showers``, ``many showers``, ``tracks`` or ``jets``."""
    if kind == "jets":
        return DETECTORS.build("point_cloud", where=kind), toy_jets(40)
    detector, block = _SAMPLES[kind]
    geometry = DETECTORS.build(detector, where=kind)
    return geometry, SIMULATIONS.build(
        {**block, "train": 0, "validation": 0, "shard_size": 64}, geometry, where=kind
    ).shard("test", 0)


def toy_jets(number: int, seed: int = 1) -> Events:
    """Return jets of pions and photons about an axis, wide ones (``jet_label`` 1) and narrow ones (0) in turn."""
    random = stream(seed, "toy jets")
    label = np.arange(number) % 2
    counts = random.integers(5, 30, number)
    owner = np.repeat(np.arange(number), counts)
    rows = len(owner)
    pt = random.exponential(8.0, rows) + 0.5  # [GeV]
    width = np.where(label == 1, 0.3, 0.12)[owner]
    eta = random.uniform(-2, 2, number)[owner] + random.normal(0, 1, rows) * width
    phi = random.uniform(-np.pi, np.pi, number)[owner] + random.normal(0, 1, rows) * width
    charge = random.integers(-1, 2, rows)
    columns: dict[str, Any] = {name: np.zeros(rows) for name in COLLECTIONS["constituents"]}
    columns |= {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta)}
    columns |= {"energy": pt * np.cosh(eta) * 1.001, "charge": charge, "pdg": np.where(charge == 0, 22, 211 * charge)}
    columns |= {"d0": random.normal(0, 0.05, rows) * (charge != 0), "d0_error": 0.02 * (charge != 0)}
    jets: dict[str, Any] = {name: np.bincount(owner, columns[name], number) for name in ("px", "py", "pz", "energy")}
    tables = {
        "jets": Collection.from_counts(np.ones(number, np.int64), {**jets, "soft_drop_mass": np.full(number, -1.0)}),
        "constituents": Collection.from_counts(counts, columns),
    }
    return Events(tables, {"jet_label": label}, {"jet_label": FieldInfo("int32", "", "1 wide, 0 narrow")})


def fitting(
    build: Callable[[Detector, Events], Any], detector: Detector | None, events: Events | None, kinds: tuple[str, ...]
) -> tuple[Any, Events]:
    """Return what ``build`` gives on the given events, or on the first sample that it accepts, and the events.

    Raises:
        AssertionError: It accepts none.
    """
    if detector is not None and events is not None:
        return build(detector, events), events
    assert detector is None, "a detector must come with its events"
    assert events is None, "events must come with their detector"
    reasons = []
    for kind in kinds:
        geometry, some = sample(kind)
        try:
            return build(geometry, some), some
        except (ConfigError, DataError) as error:
            reasons.append(f"{kind}: {error}")
    raise AssertionError("it fits no sample, give 'detector' and 'events'; " + "; ".join(reasons))


def without_truth(events: Events) -> Events:
    """Return what a detector measures, and what its electronics know."""
    kept = {name: values for name, values in events.fields.items() if name.startswith(_MEASURED)}
    tables = {name: table for name, table in events.collections.items() if name in MEASURED}
    return Events(tables, kept, {name: events.info[name] for name in kept})
