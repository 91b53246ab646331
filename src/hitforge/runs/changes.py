"""What may change between a run and its continuation, and what is to be done again, then."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitforge.core.errors import RunError
from hitforge.methods.network import WEIGHTS
from hitforge.recipe.recipe import WORDS, Recipe
from hitforge.training.config import TrainingConfig

_LONGER = ("training.epochs", "training.patience")  # the training goes on
_FREE = ("training.threads",)
_ANSWERS = ("evaluation.fields", "evaluation.saliency", "evaluation.tile")
_NUMBERS = ("evaluation.metrics", "evaluation.seed")


@dataclass(frozen=True)
class Changes:
    """What a continuation asks for that the run before it did not.

    Attributes:
        keys: The settings, as dotted keys.
        train: The network is to be trained further.
        answer: All methods are to answer again.
        measure: Their answers are to be measured again.
        baselines: Classical algorithms that are gone or have other settings.
        words: Titles and labels are others.
        epochs: How many are trained, and how many are to be.
    """

    keys: tuple[str, ...] = ()
    train: bool = False
    answer: bool = False
    measure: bool = False
    baselines: tuple[str, ...] = ()
    words: bool = False
    epochs: tuple[int, int] = (0, 0)

    def __bool__(self) -> bool:
        return bool(self.keys) or self.words

    def continued(self, config: TrainingConfig) -> dict[str, Any] | None:
        """Return what is told of a training that goes on, for ``provenance.json``; None where it does not.

        Args:
            config: The new ``training`` block.
        """
        done, epochs = self.epochs
        if not self.train or not done:
            return None
        same = config.schedule == "constant" and not config.warmup
        text = f"the same as a training of {epochs} epochs from the start"
        if not same:
            text = (
                f"epochs 1 to {done} had the learning rates of a training of another length, those behind them have "
                f"what the schedule '{config.schedule}' gives to a training of {epochs}: not the same as one from "
                "the start"
            )
        return {"epochs": [done, epochs], "schedule": config.schedule, "as_from_the_start": same, "text": text}


def changed_settings(there: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ between two resolved recipes, by dotted key; lists are compared as a whole."""
    found: dict[str, tuple[Any, Any]] = {}
    for key in {**there, **asked}:
        first, second = there.get(key), asked.get(key)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            found |= {f"{key}.{name}": pair for name, pair in changed_settings(first, second).items()}
        elif first != second:
            found[key] = (first, second)
    return found


def changes_of(folder: Path, there: Recipe, asked: Recipe) -> Changes:
    """Return how a recipe differs from the one that a run began with.

    Raises:
        RunError: A setting differs that a continuation cannot change.
    """
    found = changed_settings(there.resolved, asked.resolved)
    words = any(key in ("title", "label") for key in found)
    found = {key: pair for key, pair in found.items() if key.partition(".")[0] not in WORDS}
    free = (*_LONGER, *_FREE, "evaluation")
    wrong = {key: pair for key, pair in found.items() if not _begins(key, free)}
    if wrong:
        listed = "; ".join(f"{key}: {_short(a)} in the folder, {_short(b)} asked for" for key, (a, b) in wrong.items())
        raise RunError(
            "a run can only be resumed with its own recipe, but for 'training.epochs' and 'evaluation'",
            came=listed,
            where=folder,
            do="give the folder alone (hitforge run FOLDER --resume), or choose another --out",
        )
    train = any(key in _LONGER for key in found) and asked.model is not None
    before = {one.name: one.config for one in there.baselines}
    after = {one.name: one.config for one in asked.baselines}
    return Changes(
        tuple(found),
        train=train,
        answer=any(_begins(key, _ANSWERS) for key in found),
        measure=any(_begins(key, _NUMBERS) for key in found),
        baselines=tuple(name for name, config in before.items() if after.get(name) != config),
        words=words,
        epochs=_epochs(folder, there, asked) if train else (0, 0),
    )


def forget(folder: Path, changes: Changes) -> None:
    """Remove what a run holds that its new settings make stale; what is trained and fitted stays."""
    (folder / "provenance.json").unlink(missing_ok=True)
    if changes.train:
        (folder / WEIGHTS).unlink(missing_ok=True)
    for name in changes.baselines:
        shutil.rmtree(folder / "baselines" / name, ignore_errors=True)
    for home in (folder, *folder.glob("baselines/*")):
        answer = changes.answer or (changes.train and home == folder)
        if answer or changes.measure:
            (home / "metrics.json").unlink(missing_ok=True)
        if answer:
            for stale in ("predictions.parquet", "saliency.npz", "saliency_space.npz"):
                (home / stale).unlink(missing_ok=True)


def _begins(key: str, blocks: tuple[str, ...]) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in blocks)


def _epochs(folder: Path, there: Recipe, asked: Recipe) -> tuple[int, int]:
    """Epochs that a run has trained, and that it is to have.

    Raises:
        RunError: They are more than it is to have, or cannot be gone on from.
    """
    done, epochs = _trained_epochs(folder), asked.training.epochs
    ended = (folder / WEIGHTS).exists()
    if epochs < done:
        raise RunError(
            "a training can go on to more epochs, but not back", came=f"{epochs} epochs, {done} are trained",
            where=folder, do="choose another --out",
        )  # fmt: skip
    if ended and not (folder / "checkpoints" / "last.safetensors").exists():
        raise RunError("a training goes on from its checkpoint", came="none", where=folder / "checkpoints")
    if ended and done < there.training.epochs and asked.training.patience == there.training.patience:
        raise RunError(
            f"the training stopped behind epoch {done}, because nothing improved for {there.training.patience} "
            "(training.patience)",
            came=f"training.epochs: {epochs}",
            where=folder,
            do="add --set training.patience=0",
        )
    return done, epochs


def _trained_epochs(folder: Path) -> int:
    history = folder / "history.csv"
    if not history.exists():
        return 0
    with history.open(encoding="utf-8", newline="") as handle:
        return len(list(csv.DictReader(handle)))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
