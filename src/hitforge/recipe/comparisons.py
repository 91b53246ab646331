"""The other networks of a recipe: its sweep, its further seeds, and what ``evaluation.compare`` names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hitforge.core.errors import ConfigError
from hitforge.recipe.blocks import NETWORK
from hitforge.recipe.recipe import Recipe, read_recipe
from hitforge.recipe.sweep import combinations


@dataclass(frozen=True)
class Compared:
    """Another network on the same events.

    Attributes:
        label: Its name in the report.
        recipe: Trains it.
        axes: Its place in a sweep, setting -> value.
    """

    label: str
    recipe: Recipe
    axes: dict[str, str] = field(default_factory=dict)


def axes_of(recipe: Recipe) -> dict[str, str]:
    """Return the place of the recipe's own network in its sweep, empty if it has none."""
    for point in combinations(recipe.evaluation.sweep):
        if recipe.but(point.settings).hash(*NETWORK) == recipe.hash(*NETWORK):
            return point.axes
    return {}


def comparisons(recipe: Recipe) -> Iterator[Compared]:
    """Yield the networks to train on the same events; the combination of a sweep that is the recipe itself is left out.

    Raises:
        ConfigError: One would see other events, or another part of them.
    """
    for point in combinations(recipe.evaluation.sweep):
        other = recipe.but({"title": point.label, "label": point.label, **point.settings})
        if other.hash(*NETWORK) != recipe.hash(*NETWORK):
            yield Compared(point.label, other, point.axes)
    for seed in recipe.evaluation.seeds:
        yield Compared(f"seed {seed}", recipe.but({"label": f"seed {seed}", "training.seed": seed}))
    for asked in recipe.evaluation.compare:
        base = read_recipe(recipe.folder / asked.recipe) if asked.recipe else recipe
        other = base.but({"title": asked.label, "label": asked.label, **asked.set})
        for blocks, came in (
            (("detector", "source"), "another sample"),
            (("target", "region"), "another target or region"),
        ):
            if other.hash(*blocks) != recipe.hash(*blocks):
                must = f"a comparison must have the same {' and '.join(blocks)}"
                raise ConfigError(must, came=came, where=f"comparison '{asked.label}'")
        parts = [one.representation.subsystems for one in (recipe, other) if one.representation is not None]
        if parts[1:] != parts[:-1]:
            raise ConfigError(
                "a comparison must look at the same parts of the detector: tracks are measured by the hits there",
                came=" and ".join(str(part or "all") for part in parts),
                where=f"comparison '{asked.label}'",
            )
        yield Compared(asked.label, other)
