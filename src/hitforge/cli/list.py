"""hitforge list: plug-ins, recipes, and settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from hitforge.cli._console import out
from hitforge.core.errors import ConfigError, did_you_mean

_RECIPES = "recipes"


def list_plugins(
    name: Annotated[
        str, typer.Argument(help="A room such as 'models', a plug-in, a block such as 'training', or 'recipes'.")
    ] = "",
) -> None:
    """List plug-ins, the settings of one or of a block of recipes, or the recipes that come with hitforge.

    Example: `hitforge list residual`
    """
    from hitforge.core.registry import Plugin, Registry
    from hitforge.recipe.catalogue import BLOCKS, REGISTRIES, settings_of, settings_of_block, summary

    if name == _RECIPES:
        _recipes()
        return
    # those of the report are built by name: a list of names is not to wait for matplotlib
    drawing = {room: Registry(room, Plugin) for room in ("report.sections", "report.parts", "report.events")}
    registries = REGISTRIES | drawing
    blocks = [*BLOCKS, "target", "pileup"]
    if not name or name in registries:
        for room in [name] if name else registries:
            _room(registries[room])
        return
    block = name.replace("pile-up", "pileup")
    if block in blocks:
        of = "sources" if block == "pileup" else "a recipe"
        out.print(Text.assemble("the block ", (block, "bold"), f" of {of}"))
        _settings(settings_of_block(block))
    owners = [registry for registry in registries.values() if name in registry.names()]
    if not owners and block not in blocks:
        known = [*registries, *blocks, _RECIPES, *(plugin for r in registries.values() for plugin in r.names())]
        raise ConfigError(f"no room, plug-in or block '{name}': {did_you_mean(name, known)}")
    of_recipes = [registry for registry in owners if registry.room not in drawing]
    for registry in of_recipes if of_recipes or block in blocks else owners:
        out.print(Text.assemble((name, "bold"), f" ({registry.room}): {summary(registry, name)}"))
        _settings(settings_of(registry, name))


def _room(registry: Any) -> None:
    """Print the plug-ins of a room, each with a line of text; of a broken one why it is."""
    from hitforge.recipe.catalogue import summary

    table = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for name in registry.names():
        package = registry.outside(name)
        try:
            text = Text(summary(registry, name))
        except ConfigError as error:
            text = Text.assemble(("broken: ", "bold red"), str(error))
        table.add_row(Text(f"  {name}"), text if package is None else text.append(f" [{package}]", "dim"))
    out.print(Text(registry.room, "bold"))
    out.print(table, soft_wrap=False)


def _settings(rows: Iterable[tuple[str, str, str, str]]) -> None:
    """Print a table of settings; text in square brackets is text, and what is long is folded."""
    table = Table(*(Column(title, overflow="fold") for title in ("setting", "type", "default", "meaning")))
    for row in rows:
        table.add_row(*map(Text, row))
    if table.row_count:
        out.print(table, soft_wrap=False)
    else:
        out.print("it has no settings")


def _recipes() -> None:
    """Print the recipes that come with hitforge, each with its title and the first sentence of its description."""
    from hitforge.core.config import read_yaml
    from hitforge.recipe.shipped import find_recipe, shipped

    table = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for name in shipped():
        recipe = read_yaml(find_recipe(name))
        what = " ".join(str(recipe.get("description", "")).split()).partition(". ")[0].rstrip(".")
        table.add_row(Text(name), Text.assemble((str(recipe.get("title", "")), "bold"), f": {what}" if what else ""))
    out.print(table, soft_wrap=False)
