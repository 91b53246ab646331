"""hitforge run: from a recipe to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hitforge.cli._console import RecipeFile, Samples, Set, Workers, cores
from hitforge.cli._progress import progress_bars
from hitforge.cli._tables import print_summary


def run(
    recipe: RecipeFile,
    to: Annotated[Path | None, typer.Option("--out", help="Run folder; runs/NAME if absent.")] = None,
    settings: Set = [],  # noqa: B006
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run in its folder.")] = False,
    samples: Samples = Path("samples"),
    workers: Workers = 0,
) -> None:
    """Simulate or read, train, measure, and write a report.

    Example: `hitforge run electron_photon/demo --out runs/demo`
    """
    from hitforge.recipe.recipe import read_recipe
    from hitforge.training.processes import follows, release

    plan = read_recipe(recipe, settings)
    if follows():  # torchrun started several processes: this one only trains
        from hitforge.training.follower import follow

        follow(plan.training.device)
        return
    folder = execute(plan, to or Path("runs") / plan.name, resume, samples, workers)
    release(plan.training.device)
    print_summary(folder)


def execute(plan: Any, folder: Path, resume: bool, samples: Path, workers: int) -> Path:
    """Run a recipe with progress bars, and write its report."""
    from hitforge.report.page import write_report
    from hitforge.runs.run import Session
    from hitforge.runs.run import run as run_recipe

    with progress_bars() as progress:
        run_recipe(plan, folder, Session(samples, cores(workers), progress), resume=resume)
        write_report(folder)
    return folder
