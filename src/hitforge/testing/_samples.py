"""Small samples that plug-ins are tried on, simulated once a process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS, Detector
from hitforge.events import Events
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
    """Return a detector and a few events in it: ``images``, ``showers``, ``many showers`` or ``tracks``."""
    detector, block = _SAMPLES[kind]
    geometry = DETECTORS.build(detector, where=kind)
    return geometry, SIMULATIONS.build(
        {**block, "train": 0, "validation": 0, "shard_size": 64}, geometry, where=kind
    ).shard("test", 0)


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
        except ConfigError as error:
            reasons.append(f"{kind}: {error}")
    raise AssertionError("it fits no sample, give 'detector' and 'events'; " + "; ".join(reasons))


def without_truth(events: Events) -> Events:
    """Return what a detector measures: hits, clusters, and what its electronics know."""
    kept = {name: values for name, values in events.fields.items() if name.startswith(_MEASURED)}
    tables = {name: table for name, table in events.collections.items() if name in ("hits", "clusters")}
    return Events(tables, kept, {name: events.info[name] for name in kept})
