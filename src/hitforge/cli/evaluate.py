"""hitforge evaluate: a trained run, measured on another sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hitforge.cli._console import Samples, Set, Workers, cores, pair
from hitforge.cli._progress import progress_bars
from hitforge.cli._tables import print_summary
from hitforge.cli.run import write_report_of


def evaluate(
    trained: Annotated[Path, typer.Argument(help="Finished run.")],
    to: Annotated[Path, typer.Option("--out", help="New folder for the measurement.")],
    settings: Set = [],  # noqa: B006
    samples: Samples = Path("samples"),
    workers: Workers = 0,
) -> None:
    """Measure a trained run on another sample.

    Example: `hitforge evaluate runs/demo --out runs/demo_seed9 --set source.seed=9 --set source.train=0`
    """
    from hitforge.runs.run import Session
    from hitforge.runs.run import evaluate as measure_again

    with progress_bars() as progress:
        changed = dict(pair(text) for text in settings)
        folder = measure_again(trained, to, Session(samples, cores(workers), progress), changed, write_report_of)
    print_summary(folder)
