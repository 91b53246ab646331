"""Networks of other runs that a representation uses: found where they were trained already, else trained first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from hitforge.core.errors import RunError
from hitforge.core.files import read_json, sha256, write_text
from hitforge.core.progress import Progress
from hitforge.methods.network import WEIGHTS
from hitforge.recipe.recipe import Recipe, read_recipe
from hitforge.runs.folder import is_done, open_recipe
from hitforge.runs.methods import for_answers, network_of

_RECORD = "depends_on.json"
_ABOVE = 4  # folders above a run that are searched: those of the run that it is compared in


def provide(
    recipe: Recipe,
    folder: Path,
    train: Callable[[Recipe, Path], Path],
    progress: Progress,
    *,
    keep: bool = True,
) -> None:
    """Hand a recipe's representation each network that it needs.

    A finished run of the same recipe is used where there is one: in ``depends_on/`` of the run's folder or of one above
    it, or beside the run under the recipe's name. The run keeps the SHA-256 of the weights in ``depends_on.json``, and
    from then on, also where it is resumed or measured anew, no other network will do.

    Args:
        recipe: Whose representation is served.
        folder: Its run.
        train: Runs a recipe into a folder, and returns the folder.
        progress: Receives what is run first.
        keep: Record the weights in the run's folder.

    Raises:
        RunError: The needed run is not there and was not made, or is not the one that this run began with.
    """
    if recipe.representation is None or not recipe.blocks.depends_on:
        return
    known = _known(folder)
    used: dict[str, str] = {}
    for name in recipe.blocks.depends_on:
        home = _home_or_recipe(recipe, folder, name, known)
        if isinstance(home, Recipe):
            needed = home
            progress.say(f"first the run that this one needs: {needed.title}")
            home = train(needed, folder / "depends_on" / name)
            if not is_done(home):
                raise RunError("the needed run must have gone to its end", came="an unfinished run", where=home)
        trained = open_recipe(home)
        provide(trained, home, train, progress, keep=keep)
        if trained.representation is None:
            raise RunError("the needed run must have a network", came="only classical algorithms", where=home)
        network = network_of(for_answers(trained), home)
        network.load(home)
        recipe.representation.provide(name, network.engine.infer, trained.representation)
        used[name] = sha256(home / WEIGHTS)
    if not known and keep:
        write_text(folder / _RECORD, json.dumps(used, indent=1))


def to_train_first(recipe: Recipe, folder: Path) -> list[Recipe]:
    """Return the recipes of the networks that must be trained before this one, those that they need among them.

    Raises:
        RunError: A needed run is not there and cannot be made; see ``provide``.
        ConfigError: The recipe of one is wrong.
    """
    found: list[Recipe] = []
    for name in recipe.blocks.depends_on:
        needed = _home_or_recipe(recipe, folder, name, _known(folder))
        if isinstance(needed, Recipe):
            found += [*to_train_first(needed, folder / "depends_on" / name), needed]
    return found


def _known(folder: Path) -> dict[str, str]:
    """SHA-256 of the networks that a run began with; empty of one that has not."""
    found: dict[str, str] = read_json(folder / _RECORD, dict) if (folder / _RECORD).exists() else {}
    return found


def _home_or_recipe(recipe: Recipe, folder: Path, name: str, known: dict[str, str]) -> Path | Recipe:
    """The finished run of a needed network, or where there is none the recipe that trains it."""
    file = recipe.blocks.depends_on[name]
    there = name not in known and (recipe.folder / file).exists()
    needed = read_recipe(recipe.folder / file) if there else None
    home = next((place for place in _places(folder, name, file) if _serves(place, needed, known.get(name))), None)
    if home is not None:
        return home
    if name in known:
        raise RunError(
            f"the network '{name}' that the run began with must be there",
            came="none with the same weights",
            where=folder,
            do=f"put its run back into {folder / 'depends_on' / name}, or begin anew with another --out",
        )
    if needed is None:
        raise RunError(f"'depends_on.{name}' must name a recipe", came=f"no file {recipe.folder / file}")
    return needed


def _places(folder: Path, name: str, file: str) -> list[Path]:
    above = [folder, *list(folder.resolve().parents)[:_ABOVE]]
    return [*(place / "depends_on" / name for place in above), *(place.parent / Path(file).stem for place in above)]


def _serves(place: Path, needed: Recipe | None, weights: str | None) -> bool:
    """True if a folder holds a finished run with the weights of that hash, else of the needed recipe, else of any."""
    if not is_done(place):
        return False
    if weights is not None:
        return (place / WEIGHTS).exists() and sha256(place / WEIGHTS) == weights
    return needed is None or open_recipe(place).hash() == needed.hash()
