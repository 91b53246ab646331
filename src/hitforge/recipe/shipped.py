"""Recipes that come with hitforge, by name: ``electron_photon/demo``."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from hitforge.core.errors import ConfigError, did_you_mean

_FOLDER = Path(__file__).parents[1] / "recipes"


def shipped() -> list[str]:
    """Return the names of all recipes of the package, such as ``tracking/ttbar_20``, sorted."""
    return sorted(path.relative_to(_FOLDER).with_suffix("").as_posix() for path in _FOLDER.rglob("*.yaml"))


def find_recipe(text: str | Path) -> Path:
    """Return the file of a recipe: a file of this path, else the shipped recipe of this name.

    Raises:
        ConfigError: There is neither; the error names the recipes that exist.
    """
    path = Path(text)
    if path.is_file():
        return path
    known = shipped()
    name = path.as_posix().removesuffix(".yaml").removesuffix(".yml").removeprefix("recipes/")
    if name in known:
        return _FOLDER / f"{name}.yaml"
    must = f"a recipe must be a YAML file or the name of a shipped one: {did_you_mean(name, known)}"
    came = f"the folder {path}" if path.is_dir() else f"no file or folder {path}"
    beside = [] if path.is_dir() else [one.name for one in path.absolute().parent.glob("*")]
    near = get_close_matches(path.name, beside, n=1)
    raise ConfigError(must, came=came, do=f"look at {path.with_name(near[0])}, which is there" if near else None)
