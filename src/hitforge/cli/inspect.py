"""hitforge inspect: what a recipe, a dataset or a run holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hitforge.cli._console import out
from hitforge.cli._tables import print_dataset, print_summary


def inspect(
    what: Annotated[str, typer.Argument(help="A recipe, a dataset or a run.")],
    verify: Annotated[bool, typer.Option(help="Compare a dataset's shards with their SHA-256.")] = False,
) -> None:
    """Show what a recipe resolves to, what a dataset holds, or what a run measured.

    Example: `hitforge inspect runs/demo`
    """
    from hitforge.events import Dataset
    from hitforge.recipe.recipe import read_recipe

    path = Path(what)
    if not path.is_dir():
        out.print(read_recipe(what).yaml(), highlight=True, markup=False)
    elif (path / "recipe.yaml").exists():
        print_summary(path)
    else:
        print_dataset(path)
        if verify:
            Dataset(path).verify()
            out.print("every shard is as it was written")
