"""What ``hf.run`` and ``hf.simulate`` are given, as a recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hitforge.core.config import read_yaml
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin
from hitforge.recipe.overrides import override
from hitforge.recipe.recipe import Recipe, resolve
from hitforge.recipe.shipped import find_recipe
from hitforge.recipe.sweep import slug

_NAMED = ("detector", "source", "target", "representation", "model", "task")


def recipe_of(
    what: str | Path | Mapping[str, Any], settings: Mapping[str, Any] | None = None, *, network: bool = True
) -> Recipe:
    """Return a recipe, checked as a whole.

    Args:
        what: The name of a shipped one, a YAML file, or its blocks: names, dicts, or what ``hf.detector`` and the like
            return.
        settings: Settings to change, by dotted key.
        network: Check the model too, which imports its framework.

    Raises:
        ConfigError: A key, name, value or combination is wrong.
    """
    if isinstance(what, (str, Path)):
        path = find_recipe(what)
        raw, name, folder = read_yaml(path), path.stem, path.parent
    elif isinstance(what, Mapping):
        raw = {str(key): _block(str(key), value) for key, value in what.items()}
        raw = json.loads(json.dumps(raw, default=_plain))  # the caller's dicts stay as they are
        name, folder = slug(str(raw.get("title") or "run")) or "run", Path.cwd()
    else:
        raise ConfigError("a recipe must be a name, a file or a dict of blocks", came=type(what).__name__)
    for key, value in changes(settings).items():
        override(raw, key, _block(key, value))
    return resolve(raw, name, folder, network=network, settings=told(settings))


def changes(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return settings to change, by dotted key.

    Raises:
        ConfigError: They are no dict, such as the list that the command line takes.
    """
    if not isinstance(settings, (Mapping, type(None))):
        must = "'settings' must be a dict by dotted key, such as {'training.epochs': 2}"
        raise ConfigError(must, came=f"{settings!r}")
    return dict(settings or {})


def told(settings: Mapping[str, Any] | None) -> list[str]:
    """Settings as the command line writes them, ``key=value``; they stand in the report."""
    return [f"{key}={json.dumps(_block(key, value), default=_plain)}" for key, value in (settings or {}).items()]


def _block(key: str, value: Any) -> Any:
    """A plug-in as its block; a bare name where a block must stand."""
    if isinstance(value, Plugin):
        return value.block
    if key in _NAMED and isinstance(value, str):
        return {"name": value}
    if isinstance(value, Mapping):
        return {inner: _block(f"{key}.{inner}", one) for inner, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_block(f"{key}.", one) for one in value]
    return value


def _plain(value: Any) -> Any:
    """NumPy numbers and paths as JSON holds them."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise ConfigError("a setting must be a number, text, list or dict", came=f"{value!r}")
