"""hitforge check: recipes against what they expect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hitforge.cli._console import Samples, Set, Workers, out
from hitforge.cli.run import execute


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
    from hitforge.runs.check import require_own_training

    table = Table("recipe", "number", "came", "expected", "verdict")
    passed = True
    for path in recipes:
        plan = read_recipe(path, settings)
        require_own_training(plan, to / plan.name)
        folder = execute(plan, to / plan.name, True, samples, workers)
        for finding in compare(plan, folder):
            came = "absent" if finding.came is None else f"{finding.came:.5g}"
            verdict = "[green]as expected[/]" if finding.passed else "[bold red]differs[/]"
            table.add_row(plan.name, finding.name, came, finding.expected, verdict)
            passed &= finding.passed
    out.print(table)
    if not passed:
        raise typer.Exit(1)
