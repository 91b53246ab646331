"""hitforge run: from a recipe to a report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from hitforge.cli._console import Samples, Set, Workers, cores, escape, out
from hitforge.cli._progress import progress_bars
from hitforge.cli._tables import print_summary
from hitforge.core.errors import ConfigError


def run(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE", help="A name of 'hitforge list recipes', a YAML file, or with --resume a run folder."
        ),
    ],
    to: Annotated[Path | None, typer.Option("--out", help="Run folder; runs/NAME if absent.")] = None,
    settings: Set = [],  # noqa: B006
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue an interrupted run; a finished one with more training.epochs or another evaluation.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try out a few events, and print what the run would take.")
    ] = False,
    samples: Samples = Path("samples"),
    workers: Workers = 0,
) -> None:
    """Simulate or read, train, measure, and write a report.

    Examples: `hitforge run electron_photon/demo --out runs/demo`, `hitforge run runs/demo --resume`
    """
    from hitforge.training.processes import follows, release

    plan, folder = plan_of(recipe, to, settings, resume or dry_run)
    if follows():  # torchrun started several processes: this one only trains
        from hitforge.training.follower import follow

        follow(plan.training.device)
        return
    if dry_run:
        _print_estimate(plan, folder, samples, workers)
        return
    execute(plan, folder, resume, samples, workers)
    release(plan.training.device)
    print_summary(folder)


def plan_of(recipe: str, to: Path | None, settings: list[str], resume: bool) -> tuple[Any, Path]:
    """Return the recipe that is meant, and the run's folder.

    Raises:
        ConfigError: A run folder is given without ``resume``, or with another folder.
    """
    from hitforge.recipe.recipe import read_recipe
    from hitforge.runs.folder import open_recipe

    folder = Path(recipe)
    if not (folder / "recipe.yaml").is_file():
        plan = read_recipe(recipe, settings)
        return plan, to or Path("runs") / plan.name
    if not resume:
        raise ConfigError("a run is continued with --resume", came=f"the folder of a run, {folder}")
    if to is not None and to.resolve() != folder.resolve():
        raise ConfigError("a run goes on in its own folder", came=f"--out {to}", where=folder, do="leave --out out")
    return open_recipe(folder, settings), folder


def execute(plan: Any, folder: Path, resume: bool, samples: Path, workers: int) -> Path:
    """Run a recipe with progress bars, and write its report."""
    from hitforge.runs.run import Session
    from hitforge.runs.run import run as run_recipe

    with progress_bars() as progress:
        session = Session(samples, cores(workers), progress)
        return run_recipe(plan, folder, session, resume=resume, report=write_report_of)


def write_report_of(folder: Path) -> None:
    """Write the report of a run; what draws it is loaded when it is needed."""
    from hitforge.report.page import write_report

    write_report(folder)


def _print_estimate(plan: Any, folder: Path, samples: Path, workers: int) -> None:
    from hitforge.report.numbers import duration
    from hitforge.runs.before import in_bytes
    from hitforge.runs.estimate import estimate
    from hitforge.runs.run import Session

    with progress_bars() as progress:
        stages = estimate(plan, folder, Session(samples, cores(workers), progress))
    table = Table("stage", "events", "disk", "time", Column("note", overflow="fold"))
    for stage in stages:
        seconds = "unknown" if stage.seconds is None else duration(stage.seconds)
        events, disk = f"{stage.events:,}" if stage.events else "", in_bytes(stage.disk) if stage.disk else ""
        table.add_row(escape(stage.name), events, disk, seconds, escape(stage.note))
    total = duration(sum(stage.seconds or 0.0 for stage in stages))
    unknown = ", ".join(stage.name for stage in stages if stage.seconds is None)
    table.add_section()
    table.add_row("total", "", in_bytes(sum(stage.disk for stage in stages)), total, escape(f"without {unknown}"))
    out.print(table)
    out.print("an estimate from a few events and steps; nothing was run, and nothing is left behind")
    load = os.getloadavg()[0]
    if load > cores(0) + 1:
        out.print(f"other work is on this machine (load {load:.0f} on {cores(0)} cores): without it, a run is faster")
