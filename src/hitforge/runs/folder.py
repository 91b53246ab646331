"""The run folder: who may write into it, and what it records about the run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hitforge.core import provenance
from hitforge.core.config import read_yaml
from hitforge.core.errors import RunError
from hitforge.core.files import write_text
from hitforge.recipe.recipe import Recipe, resolve

_RECIPE = "recipe.yaml"
_TIMES = "times.json"
_DONE = "provenance.json"


def claim(folder: Path, recipe: Recipe, *, resume: bool) -> None:
    """Take a folder for a run of a recipe.

    Raises:
        RunError: The folder holds something else, a run of another recipe, or a run while ``resume`` is False.
    """
    written = folder / _RECIPE
    if written.exists():
        if not resume:
            raise RunError(
                "the folder of a new run must be empty",
                came="a run",
                where=folder,
                do="continue it with --resume, or choose another --out",
            )
        if open_recipe(folder).hash() != recipe.hash():
            raise RunError(
                "a run can only be resumed with its own recipe",
                came="other settings",
                where=folder,
                do=f"compare with {written}, or choose another --out",
            )
        return
    # a run that was killed while it wrote its recipe leaves a part of it
    if folder.exists() and set(folder.iterdir()) - set(folder.glob(f".{_RECIPE}.*.tmp")):
        raise RunError(
            "the folder of a new run must be empty", came="other files", where=folder, do="choose another --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_text(written, recipe.yaml())


def open_recipe(folder: Path) -> Recipe:
    """Return the resolved recipe of a run.

    Raises:
        RunError: The folder is not a run.
    """
    path = folder / _RECIPE
    if not path.exists():
        raise RunError("the folder must be a run (recipe.yaml)", came="none", where=folder)
    return resolve(read_yaml(path), str(path), folder)


def is_done(folder: Path) -> bool:
    """True if a run went to its end; ``provenance.json`` is written last."""
    return (folder / _DONE).exists()


@contextmanager
def timed(folder: Path, stage: str) -> Iterator[None]:
    """Add the seconds of a block to a stage of the run; interruptions before its end are not counted."""
    start = time.perf_counter()
    yield
    path = folder / _TIMES
    times = json.loads(path.read_text()) if path.exists() else {}
    times[stage] = round(times.get(stage, 0.0) + time.perf_counter() - start, 2)
    write_text(path, json.dumps(times))


def finish(folder: Path, record: dict[str, Any]) -> None:
    """Write ``provenance.json``, which marks the run as done."""
    times = json.loads((folder / _TIMES).read_text())
    write_text(folder / _DONE, json.dumps({**provenance.collect(), **record, "wall_s": times}, indent=1))
