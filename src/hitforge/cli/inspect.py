"""hitforge inspect: what a recipe, a dataset or a run holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hitforge.cli._console import Set, out
from hitforge.cli._tables import print_dataset, print_summary
from hitforge.core.errors import ConfigError


def inspect(
    what: Annotated[str, typer.Argument(help="A recipe, a dataset or a run.")],
    settings: Set = [],  # noqa: B006
    network: Annotated[
        bool, typer.Option(help="Fill in and check the model's settings of a recipe, too, which imports its framework.")
    ] = False,
    full: Annotated[bool, typer.Option(help="Every number of a run.")] = False,
    verify: Annotated[bool, typer.Option(help="Compare a dataset's shards with their SHA-256.")] = False,
) -> None:
    """Show what a recipe resolves to, what a dataset holds, or what a run measured.

    Example: `hitforge inspect runs/demo`
    """
    path = Path(what)
    kind = "recipe" if not path.is_dir() else "run" if (path / "recipe.yaml").exists() else "dataset"
    given = {"--set": settings, "--network": network, "--full": full, "--verify": verify}
    fitting = {"recipe": ("--set", "--network"), "run": ("--full",), "dataset": ("--verify",)}[kind]
    idle = [option for option, value in given.items() if value and option not in fitting]
    if idle:
        raise ConfigError(f"{' and '.join(idle)} cannot be used with a {kind}", came=what)
    if kind == "recipe":
        from hitforge.recipe.recipe import read_recipe

        recipe = read_recipe(what, settings, network=network)
        out.print(recipe.yaml(network=network), highlight=True, markup=False)
    elif kind == "run":
        print_summary(path, full=full)
    else:
        from hitforge.events import Dataset

        print_dataset(path)
        if verify:
            Dataset(path).verify()
            out.print("every shard is as it was written")
