"""All registries, and what their plug-ins say of themselves."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from hitforge.baselines import BASELINES
from hitforge.core.packages import packages
from hitforge.core.registry import Registry
from hitforge.detectors import DETECTORS
from hitforge.metrics import METRICS
from hitforge.models import MODELS
from hitforge.objects import KINDS
from hitforge.readers import READERS
from hitforge.representations import REPRESENTATIONS
from hitforge.representations.graph.edges import EDGES
from hitforge.representations.points.graphs import GRAPHS
from hitforge.simulation import SIMULATIONS
from hitforge.tasks import TASKS
from hitforge.tasks.track_building import BUILDERS
from hitforge.tasks.track_fitting import FITS

REGISTRIES: dict[str, Registry[Any]] = {
    registry.room: registry
    for registry in (
        *(DETECTORS, SIMULATIONS, READERS, REPRESENTATIONS, GRAPHS, EDGES, MODELS, KINDS),
        *(TASKS, BUILDERS, FITS, BASELINES, METRICS),
    )
}


_ROOMS = {
    "detector": ("detectors",),
    "source": ("simulation", "readers"),
    "target": ("objects",),
    "representation": ("representations",),
    "model": ("models",),
    "task": ("tasks",),
    "evaluation": ("baselines", "metrics", "detectors", "simulation", "readers"),
}
"""Block of a recipe -> rooms of the plug-ins in it; those of a room's folders, such as graphs, belong to the room."""


def packages_of(resolved: Mapping[str, Any]) -> dict[str, str]:
    """Return name -> version of the packages outside hitforge whose plug-ins take part in a resolved recipe."""
    classes = []
    for block, rooms in _ROOMS.items():
        for name in _names(resolved.get(block)):
            for room, registry in REGISTRIES.items():
                if room.startswith(rooms) and registry.outside(name) is not None:
                    classes.append(registry.get(name, where=block))
    return packages(classes)


def _names(block: Any) -> set[str]:
    """Names of all plug-ins in a block and in the blocks in it."""
    if isinstance(block, Mapping):
        own = {block["name"]} if isinstance(block.get("name"), str) else set()
        return own.union(*(_names(inner) for inner in block.values()))
    return set().union(*(_names(inner) for inner in block)) if isinstance(block, list | tuple) else set()


def summary(registry: Registry[Any], name: str) -> str:
    """First line of a plug-in's module text, read without importing it; of another package's that of its class.

    Raises:
        ConfigError: What another package offers is broken, or another plug-in has this name too.
    """
    file = registry.file(name)
    if file is None or registry.outside(name) is not None:
        return (registry.get(name).__doc__ or "").strip().partition("\n")[0]
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    return (text or "").partition("\n")[0]


def settings_of(registry: Registry[Any], name: str) -> list[tuple[str, str, str, str]]:
    """Return (key, type, default, meaning) of each setting of a plug-in."""
    rows = []
    for key, field in registry.get(name).Config.model_fields.items():
        kind = getattr(field.annotation, "__name__", None) if not getattr(field.annotation, "__args__", None) else None
        default = "required" if field.is_required() else repr(field.get_default(call_default_factory=True))
        rows.append((key, kind or str(field.annotation).replace("typing.", ""), default, field.description or ""))
    return rows
