"""Which objects a recipe looks for: said once, in its ``target`` block, or the usual ones of their kind."""

from __future__ import annotations

from typing import Any

from hitforge.baselines import BASELINES
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Registry
from hitforge.detectors import Detector
from hitforge.metrics import METRICS
from hitforge.objects import KINDS, Kind
from hitforge.recipe.blocks import Blocks
from hitforge.representations import REPRESENTATIONS
from hitforge.tasks import TASKS


def build_target(blocks: Blocks, detector: Detector, name: str) -> Kind | None:
    """Build what is to be found if the recipe looks for objects; where it is not written, the kind's usual ones.

    Raises:
        ConfigError: Parts of the recipe look for objects of different kinds, or none looks for those of the target.
    """
    blocks_of: list[tuple[str, Registry[Any], Any]] = [("task", TASKS, blocks.task)]
    if blocks.representation is not None:
        blocks_of.append(("representation", REPRESENTATIONS, blocks.representation))
    blocks_of += [("evaluation.baselines", BASELINES, block) for block in blocks.evaluation.baselines]
    blocks_of += [("evaluation.metrics", METRICS, block) for block in blocks.evaluation.metrics or ()]
    kinds: dict[str, str] = {}
    for where, registry, block in blocks_of:
        plugin, _ = registry.configure(block, f"{name}: {where}")
        if plugin.kind is not None:
            kinds.setdefault(plugin.kind, f"{where} '{block['name'] if isinstance(block, dict) else block}'")
    target = blocks.target
    if isinstance(target, dict) and "name" not in target and len(kinds) == 1:
        target = {"name": next(iter(kinds)), **target}
    if target is not None:
        asked = target if isinstance(target, str) else target.get("name")
        KINDS.configure(target, f"{name}: target")
        kinds = (
            {str(asked): "target", **{kind: where for kind, where in kinds.items() if kind != asked}} if kinds else {}
        )
    if target is not None and not kinds:
        raise ConfigError("a 'target' needs a task that finds objects", came="a task of events", where=name)
    if len(kinds) > 1:
        came = "; ".join(f"{where}: {kind}" for kind, where in kinds.items())
        raise ConfigError("all of a recipe must look for one kind of object", came=came, where=f"{name}: target")
    return KINDS.build(target or next(iter(kinds)), detector, where=f"{name}: target") if kinds else None
