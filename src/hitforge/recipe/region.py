"""The region of a single shower: said once, in the recipe's ``region`` block, for all parts that count from it."""

from __future__ import annotations

from typing import Any

from hitforge.core.errors import ConfigError
from hitforge.core.registry import Registry
from hitforge.recipe.blocks import Block
from hitforge.representations import REPRESENTATIONS


def with_region(registry: Registry[Any], block: Block | str, region: Block | None, where: str) -> Block | str:
    """Return a block with the recipe's region, if its plug-in or the representation inside it counts from one.

    Raises:
        ConfigError: The block has a region of its own.
    """
    values: Block = {"name": block} if isinstance(block, str) else dict(block)
    name = values.get("name")
    if not isinstance(name, str) or name not in registry.names():
        return block  # whoever builds it says what is wrong
    fields = registry.get(name).Config.model_fields
    if "region" in fields:
        if "region" in values:
            raise ConfigError(
                "the region must be said once: it holds for representation, task and classical algorithms",
                came="a region of one part",
                where=where,
                do="write it as a block 'region' of the recipe",
            )
        if region is not None:
            values["region"] = region
    if "representation" in fields:
        inner = values.get("representation", fields["representation"].get_default(call_default_factory=True))
        if inner is not None:
            values["representation"] = with_region(REPRESENTATIONS, inner, region, f"{where}: representation")
    return values


def without_region(block: Block) -> Block:
    """Return a block without the region that ``with_region`` gave to it."""
    kept = {key: value for key, value in block.items() if key != "region"}
    if isinstance(kept.get("representation"), dict):
        kept["representation"] = without_region(kept["representation"])
    return kept
