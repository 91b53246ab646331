"""What a run needs, looked at before anything long begins."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from hitforge.core.errors import DataError, RunError
from hitforge.recipe.recipe import Recipe
from hitforge.runs.probe import counts_of, probe
from hitforge.runs.sample import place_of
from hitforge.training.engine import require_engine
from hitforge.training.processes import require_started

_LARGE = 10e6  # bytes of an event that hardly any is above: where these fit, nothing is tried out
_MARGIN = 1.2


def check_before(recipe: Recipe, compared: Sequence[Recipe], samples: Path, *, train: bool = True) -> None:
    """Refuse what cannot go to its end on this machine.

    Args:
        recipe: Of the run.
        compared: Of its other networks.
        samples: Folder of the samples.
        train: Networks are to be trained, and not only to answer.

    Raises:
        ConfigError: The processes of a training were not started.
        MissingExtraError: An engine is not installed.
        RunError: Device, precision, memory or disk are not there.
        DataError: The sample has no events in a split that is needed.
    """
    for one in (recipe, *compared):
        if one.model is None:
            continue
        if train:
            require_started(one.training)
        require_engine(one.training)
        _check_memory(one)
    _check_splits(recipe, train and recipe.model is not None)
    _check_disk(recipe, samples)


def free_memory() -> int | None:
    """Return the memory that new work may take [bytes]; None where the system does not tell."""
    found = []
    try:
        told = Path("/proc/meminfo").read_text(encoding="utf-8").partition("MemAvailable:")[2].split()
        found += [int(told[0]) * 1024] if told else []
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8").strip()
        if limit.isdigit():
            found.append(int(limit) - int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="utf-8")))
    except (OSError, ValueError):  # no Linux, or no limit
        pass
    return min(found) if found else None


def _check_memory(recipe: Recipe) -> None:
    """Two batches of inputs, one in use and one that is made, are the least that a training holds."""
    free = free_memory()
    if recipe.representation is None or free is None:
        return
    numbers = sum(math.prod(shape) for shape in recipe.representation.shapes().values())
    needed = 2 * recipe.training.batch_size * numbers * 4
    if needed > free:
        raise RunError(
            "the batches of a training must fit into memory",
            came=f"{in_bytes(free)} free, two batches of inputs alone take {in_bytes(needed)}",
            where=f"{recipe.name}: training.batch_size",
            do="give a smaller training.batch_size",
        )


def _check_splits(recipe: Recipe, train: bool) -> None:
    shards = recipe.source.splits()
    for split in ("train", "validation", "test") if train else ("test",):
        if not shards.get(split):
            have = ", ".join(f"{name} ({number} shards)" for name, number in shards.items() if number)
            raise DataError(
                f"the sample must have events in the split '{split}'",
                came=have or "no events at all",
                where=f"{recipe.name}: source",
            )


def _check_disk(recipe: Recipe, samples: Path) -> None:
    place = place_of(recipe.detector, recipe.source, samples)
    if (place / "dataset.json").exists():
        return
    above = next(folder for folder in place.absolute().parents if folder.exists())
    free = shutil.disk_usage(above).free
    counts = counts_of(recipe.source)
    if counts is not None and sum(counts.values()) * _LARGE < free:
        return
    told = probe(recipe.source)
    there = sum(path.stat().st_size for path in place.glob("*.parquet"))  # of an interrupted simulation
    events = sum(told.counts.values())
    needed = _MARGIN * events * told.disk - there
    if needed > free:
        raise RunError(
            "the disk must have room for the sample",
            came=f"{in_bytes(free)} free, about {in_bytes(needed)} needed: {events:,} events of "
            f"{in_bytes(told.disk)}, and a fifth more",
            where=above,
            do="choose another folder with --samples, or fewer events",
        )


def in_bytes(number: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
