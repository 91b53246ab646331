"""All registries, and what their plug-ins say of themselves."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from hitforge.baselines import BASELINES
from hitforge.core.config import Config
from hitforge.core.packages import packages
from hitforge.core.registry import Registry
from hitforge.detectors import DETECTORS
from hitforge.metrics import METRICS
from hitforge.models import MODELS
from hitforge.objects import KINDS
from hitforge.readers import READERS
from hitforge.recipe.blocks import EvaluationConfig, Expect
from hitforge.recipe.settings import Row, rows_of
from hitforge.representations import REPRESENTATIONS
from hitforge.representations.graph.edges import EDGES
from hitforge.representations.points.graphs import GRAPHS
from hitforge.representations.region import RegionSettings
from hitforge.simulation import SIMULATIONS
from hitforge.tasks import TASKS
from hitforge.tasks.track_building import BUILDERS
from hitforge.tasks.track_fitting import FITS
from hitforge.training.config import TrainingConfig

REGISTRIES: dict[str, Registry[Any]] = {
    registry.room: registry
    for registry in (
        *(DETECTORS, SIMULATIONS, READERS, REPRESENTATIONS, GRAPHS, EDGES, MODELS, KINDS),
        *(TASKS, BUILDERS, FITS, BASELINES, METRICS),
    )
}


_FEW = 8
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


BLOCKS: dict[str, type[Config]] = {
    "region": RegionSettings,
    "training": TrainingConfig,
    "evaluation": EvaluationConfig,
    "expect": Expect,
}
"""Blocks of a recipe that name no plug-in."""


def settings_of(registry: Registry[Any], name: str) -> list[Row]:
    """Return (key, type, default, meaning) of each setting of a plug-in, and of blocks and plug-ins in it."""
    return list(rows_of(registry.get(name).Config, _inside, (RegionSettings,)))


def settings_of_block(name: str) -> list[Row]:
    """Return the settings of a block of ``BLOCKS``; of ``target`` those of each kind, of ``pileup`` of each source."""
    if name == "target":
        return [(f"{kind}: {row[0]}", *row[1:]) for kind in KINDS.usable() for row in settings_of(KINDS, kind)]
    if name == "pileup":
        sources = ((source, settings_of(SIMULATIONS, source)) for source in SIMULATIONS.usable())
        about = ((source, row) for source, rows in sources for row in rows if row[0] in _of_pileup(rows))
        return [(f"{source}: {row[0]}", *row[1:]) for source, row in about]
    return list(rows_of(BLOCKS[name], _inside))


def _of_pileup(rows: list[Row]) -> set[str]:
    """Keys about pile-up: the block of this name, or those that a source has at its top."""
    block = {row[0] for row in rows if row[0].partition(".")[0] == "pileup"}
    return block or ({"mu", "pool", "vertex_spread"} if any(row[0] == "mu" for row in rows) else set())


def _inside(room: str, default: Any) -> tuple[str, list[Row]]:
    """Type of a setting that names plug-ins of a room, and the settings of its default; many names are left out."""
    registry, names = REGISTRIES[room], REGISTRIES[room].usable()
    kind = f"plug-in of {room}" + (f": {', '.join(names)}" if len(names) <= _FEW else "")
    name = default.get("name") if isinstance(default, Mapping) else default
    rows = settings_of(registry, name) if isinstance(name, str) and len(names) <= _FEW else []
    return kind, rows
