"""Consoles, options that several verbs share, and text that is safe to print."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from hitforge.core.errors import ConfigError

# no emoji: ':x:' in a name is a part of it; what is not markup goes through `escape`
out = Console(soft_wrap=True, emoji=False)
err = Console(stderr=True, soft_wrap=True, emoji=False)

Set = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as training.lr=1e-3.")
]
Workers = Annotated[int, typer.Option(min=0, help="Processes that make events; 0: one for each core.")]
Samples = Annotated[Path, typer.Option(help="Folder of the samples that recipes share.")]
RecipeFile = Annotated[str, typer.Argument(metavar="RECIPE", help="A name of 'hitforge list recipes', or a YAML file.")]


__all__ = ["RecipeFile", "Samples", "Set", "Workers", "cores", "err", "escape", "out", "pair"]


def pair(text: str) -> tuple[str, Any]:
    """Split ``KEY=VALUE``; the value is read as YAML."""
    from hitforge.core.config import parse_yaml  # pydantic, which --help must not wait for

    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError("a setting must be KEY=VALUE", came=text)
    return key, parse_yaml(value, f"--set {key}")


def cores(workers: int) -> int:
    """Return the number of worker processes; 0 stands for one on each core that this process may use."""
    if workers:
        return workers
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
