"""hitforge simulate: the sample of a recipe as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hitforge.cli._console import RecipeFile, Set, Workers, cores
from hitforge.cli._progress import progress_bars
from hitforge.cli._tables import print_dataset


def simulate(
    recipe: RecipeFile,
    to: Annotated[Path, typer.Option("--out", help="Folder of the dataset; new or interrupted.")],
    settings: Set = [],  # noqa: B006
    workers: Workers = 0,
) -> None:
    """Make the sample of a recipe as a dataset of its own.

    Example: `hitforge simulate electron_photon/demo --out my_sample --set source.test=1000`
    """
    from hitforge.events import build_dataset
    from hitforge.recipe.recipe import read_recipe
    from hitforge.runs.sample import description_of

    plan = read_recipe(recipe, settings, network=False)
    description = description_of(plan.detector, plan.source)
    with progress_bars() as progress:
        dataset = build_dataset(plan.source, to, description, workers=cores(workers), progress=progress)
    print_dataset(dataset.path)
