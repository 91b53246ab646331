"""hitforge list: plug-ins and their settings."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from hitforge.cli._console import out
from hitforge.core.errors import ConfigError, did_you_mean


def list_plugins(
    name: Annotated[str, typer.Argument(help="A room such as 'models', or one plug-in.")] = "",
) -> None:
    """List plug-ins, or the settings of one.

    Example: `hitforge list residual`
    """
    from hitforge.core.registry import Plugin, Registry
    from hitforge.recipe.catalogue import REGISTRIES, settings_of, summary

    # those of the report are built by name: a list of names is not to wait for matplotlib
    drawing = {room: Registry(room, Plugin) for room in ("report.sections", "report.parts", "report.events")}
    registries = REGISTRIES | drawing
    rooms = [name] if name in registries else list(registries)
    owner = next((r for r in registries.values() if name in r.names()), None)
    if owner is not None and name not in registries:
        out.print(f"[bold]{name}[/] ({owner.room}): {summary(owner, name)}")
        table = Table("setting", "type", "default", "meaning")
        for row in settings_of(owner, name):
            table.add_row(*row)
        out.print(table)
        return
    if name and name not in registries:
        known = [*registries, *(plugin for r in registries.values() for plugin in r.names())]
        raise ConfigError(f"no room or plug-in '{name}': {did_you_mean(name, known)}")
    table = Table("room", "plug-in", "what it is")
    for room in rooms:
        for plugin in registries[room].names():
            table.add_row(room, plugin, summary(registries[room], plugin))
    out.print(table)
