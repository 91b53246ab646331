"""The run folder: who may write into it, and what it records about the run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hitforge.core import provenance
from hitforge.core.config import read_yaml
from hitforge.core.errors import HitforgeError, RunError
from hitforge.core.files import read_json, write_text
from hitforge.recipe.overrides import apply
from hitforge.recipe.recipe import Recipe, resolve
from hitforge.runs.changes import Changes, changes_of, forget

_RECIPE = "recipe.yaml"
_ORIGIN = "origin.json"
_DONE = "provenance.json"


def claim(folder: Path, recipe: Recipe, *, resume: bool) -> None:
    """Take a folder for a run of a recipe; see ``asked_of`` and ``take``."""
    take(folder, recipe, asked_of(folder, recipe, resume=resume))


def asked_of(folder: Path, recipe: Recipe, *, resume: bool) -> Changes | None:
    """Return what a recipe asks for that the run in a folder did not; None where the run is new. Nothing is written.

    Raises:
        RunError: The folder holds something else, a run of another recipe, or a run while ``resume`` is False.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError("a run must have a folder", came="a file", where=folder, do="choose another --out")
    if (folder / _RECIPE).exists():
        if not resume:
            raise RunError(
                "the folder of a new run must be empty",
                came="a run",
                where=folder,
                do="continue it with --resume, or choose another --out",
            )
        return changes_of(folder, open_recipe(folder), recipe)
    # a run that was killed while it wrote its recipe leaves a part of it
    if folder.exists() and set(folder.iterdir()) - set(folder.glob(f".{_RECIPE}.*.tmp")):
        raise RunError(
            "the folder of a new run must be empty", came="other files", where=folder, do="choose another --out"
        )
    return None


def take(folder: Path, recipe: Recipe, changes: Changes | None, trained_in: Path | None = None) -> None:
    """Write whose run a folder is, and whose methods it measures; what new settings make stale is removed before."""
    path = folder / _ORIGIN
    origin: dict[str, Any] = read_json(path, dict) if path.exists() else {}
    if changes is None:
        folder.mkdir(parents=True, exist_ok=True)
    elif changes:
        forget(folder, changes)
        told = changes.continued(recipe.training)
        if told is not None:
            origin["continued"] = [*(one for one in origin.get("continued", []) if one != told), told]
    elif origin:
        return
    home = {"name": recipe.name, "folder": str(recipe.folder.absolute()), "settings": list(recipe.settings)}
    home |= {} if trained_in is None else {"trained_in": str(trained_in.absolute())}
    if changes is None:  # the recipe first: it is what makes a folder a run
        write_text(folder / _RECIPE, recipe.yaml())
    write_text(path, json.dumps({**origin, **home}, indent=1))
    if changes:
        write_text(folder / _RECIPE, recipe.yaml())


@contextmanager
def undone(folder: Path, new: bool) -> Iterator[None]:
    """Leave no folder behind where a new run is refused in a block; one that is interrupted stays, to be resumed."""
    try:
        yield
    except HitforgeError:
        if new:
            for name in (_RECIPE, _ORIGIN, "times.json"):
                (folder / name).unlink(missing_ok=True)
            with suppress(OSError):
                folder.rmdir()
        raise


def open_recipe(folder: Path, overrides: Sequence[str] = (), *, network: bool = True) -> Recipe:
    """Return the resolved recipe of a run, which names other files from where it was read first.

    Args:
        folder: Of the run.
        overrides: Settings to change, ``key=value``.
        network: Check the model too, which imports its framework.

    Raises:
        RunError: The folder is not a run.
    """
    path = folder / _RECIPE
    if not path.exists():
        raise RunError("the folder must be a run (recipe.yaml)", came="none", where=folder)
    origin = _origin(folder)
    raw = read_yaml(path)
    apply(raw, overrides)
    home = Path(origin["folder"]) if "folder" in origin else folder
    changed = {text.partition("=")[0].strip() for text in overrides}
    settings = [text for text in origin.get("settings", []) if text.partition("=")[0].strip() not in changed]
    return resolve(
        raw,
        origin.get("name", folder.resolve().name),
        home if home.is_dir() else folder,  # the run may have been carried to another machine
        network=network,
        settings=[*settings, *overrides],
    )


def is_done(folder: Path) -> bool:
    """True if a run went to its end; ``provenance.json`` is written last."""
    return (folder / _DONE).exists()


def measured_run(folder: Path) -> Path | None:
    """Return the run whose methods a folder measures; None of a run that trains its own."""
    done = folder / _DONE
    told = _origin(folder).get("trained_in") or (read_json(done, dict).get("trained_in") if done.exists() else None)
    return None if told is None else Path(told)


def continuations(folder: Path) -> list[dict[str, Any]]:
    """Return how the training of a run went on to more epochs, each time; see ``Changes.continued``."""
    found: list[dict[str, Any]] = _origin(folder).get("continued", [])
    return found


def finish(folder: Path, record: dict[str, Any]) -> None:
    """Write ``provenance.json``, which marks the run as done."""
    origin = _origin(folder)
    told = {key: origin[key] for key in ("settings", "continued") if key in origin}
    write_text(folder / _DONE, json.dumps({**provenance.collect(), **told, **record}, indent=1))


def add_to_provenance(folder: Path, record: dict[str, Any]) -> None:
    """Change entries of the ``provenance.json`` of a finished run."""
    kept: dict[str, Any] = read_json(folder / _DONE, dict)
    write_text(folder / _DONE, json.dumps({**kept, **record}, indent=1))


def _origin(folder: Path) -> dict[str, Any]:
    """Name and folder of the recipe, what changed it, and how the training went on; empty if it is not known."""
    path = folder / _ORIGIN
    found: dict[str, Any] = read_json(path, dict) if path.exists() else {}
    return found
