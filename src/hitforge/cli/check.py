"""hitforge check: recipes against what they expect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hitforge.cli._console import Samples, Set, Workers, escape, out
from hitforge.cli.run import execute
from hitforge.core.errors import ConfigError


def check(
    recipes: Annotated[list[str], typer.Argument(help="Recipes with an expect block: names or YAML files.")],
    to: Annotated[Path, typer.Option("--out", help="Folder for the runs.")] = Path("runs"),
    settings: Set = [],  # noqa: B006
    samples: Samples = Path("samples"),
    workers: Workers = 0,
) -> None:
    """Run recipes and compare their numbers with what they expect.

    Example: `hitforge check electron_photon/trees`
    """
    from hitforge.recipe.recipe import read_recipe
    from hitforge.runs.check import check as compare
    from hitforge.runs.check import expected_of, require_own_training

    table = Table("recipe", "number", "came", "expected", "verdict")
    passed = True
    plans = [read_recipe(path, settings) for path in recipes]
    names = [plan.name for plan in plans]
    if len(set(names)) < len(names):
        raise ConfigError("recipes that are checked together must have names that differ", came=", ".join(names))
    for plan in plans:  # before the first of them runs
        expected_of(plan)
        require_own_training(plan, to / plan.name)
    try:
        for plan in plans:
            folder = execute(plan, to / plan.name, True, samples, workers)
            for finding in compare(plan, folder):
                came = "absent" if finding.came is None else f"{finding.came:.5g}"
                verdict = "[green]as expected[/]" if finding.passed else "[bold red]differs[/]"
                table.add_row(escape(plan.name), escape(finding.name), came, escape(finding.expected), verdict)
                passed &= finding.passed
    finally:  # what went to its end is told, also where a later recipe fails
        if table.row_count:
            out.print(table)
    if not passed:
        raise typer.Exit(1)
