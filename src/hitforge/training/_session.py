"""What a training remembers between its epochs, whatever the framework: history, best weights, checkpoints."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, RunError, did_you_mean
from hitforge.core.files import write_text
from hitforge.tasks import Better
from hitforge.training import _weights
from hitforge.training._events import EventFile
from hitforge.training._schedule import learning_rate
from hitforge.training.config import TrainingConfig

Tensors = dict[str, Array]
_FREE = {"threads", "epochs", "patience"}  # fields that may change between a run and its continuation


class TrainingSession:
    """One training: where it stands, and its files in the run folder.

    ``checkpoints/last.safetensors`` holds all that an exact continuation needs, ``checkpoints/best.safetensors`` the
    weights of the best epoch. Each is written to a temporary file and renamed, the best before the last: an interrupted
    epoch is simply repeated with the same numbers.

    Args:
        config: The ``training`` block.
        identity: What the weights belong to: model, its configuration, engine, inputs, outputs.
        sample: Numbers of batches and events; a continuation must have the same.
        folder: Run folder.
        better: Whether more or less of the monitored number is better; of the loss it is less.

    Raises:
        RunError: There is a checkpoint, but it is damaged or of another training.
    """

    def __init__(
        self,
        config: TrainingConfig,
        identity: Mapping[str, Any],
        sample: Mapping[str, int],
        folder: Path,
        better: Better = "max",
    ) -> None:
        self.config, self.identity, self.folder = config, identity, folder
        self.better: Better = "min" if config.monitor == "loss" else better
        training = config.model_dump(mode="json", exclude=_FREE)
        self.header = {"identity": identity, "sample": dict(sample), "training": training}
        self.steps = sample["train_batches"]
        self.rows: list[dict[str, float]] = []
        self.best_epoch = 0
        self.tensors: Tensors | None = None
        self.best_path = folder / "checkpoints" / "best.safetensors"
        self._last_path = folder / "checkpoints" / "last.safetensors"
        if self._last_path.exists():
            self._resume()
        self._events: EventFile | None = None

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        return len(self.rows)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""
        waited = self.epoch - self.best_epoch
        return self.epoch >= self.config.epochs or bool(self.config.patience and waited >= self.config.patience)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from the start of the training."""
        return learning_rate(self.config, step, self.config.epochs * self.steps)

    def end_epoch(
        self,
        losses: tuple[float, float],
        scores: Mapping[str, float],
        seconds: tuple[float, float],
        weights: Callable[[], Tensors],
        state: Callable[[], Tensors],
    ) -> None:
        """Record an epoch: best weights where they improved, checkpoint, history, TensorBoard.

        Args:
            losses: Of training and of validation.
            scores: Named validation numbers.
            seconds: Of the epoch, and thereof waited for data.
            weights: Gives the weights that were validated.
            state: Gives all that a continuation needs.

        Raises:
            ConfigError: The monitored number is not among the scores.
        """
        epoch = self.epoch + 1
        row = {
            "epoch": epoch,
            "train_loss": losses[0],
            "validation_loss": losses[1],
            **scores,
            "lr": self.rate(epoch * self.steps - 1),
            "seconds": seconds[0],
            "wait_seconds": seconds[1],
        }
        improved = self._improves(row)
        self.rows.append(row)
        if improved:
            self.best_epoch = epoch
            _weights.write(self.best_path, weights(), {"identity": self.identity, "epoch": epoch})
        _weights.write(self._last_path, state(), {**self.header, "rows": self.rows, "best_epoch": self.best_epoch})
        self._write_history()
        if self._events is None:
            self._events = EventFile(self.folder / "events", ((int(r["epoch"]), _scalars(r)) for r in self.rows))
        else:
            self._events.add(epoch, _scalars(row))

    def note(self, loss: float) -> str:
        """Return one line on where the training stands."""
        text = f"epoch {self.epoch + 1}/{self.config.epochs}, loss {loss:.4f}"
        if self.rows:
            text += f", {self.config.monitor} {self._monitored(self.rows[-1]):.4f}"
        return text

    def check_finite(self, losses: Array, step: int) -> None:
        """Refuse a loss that is not finite.

        Args:
            losses: Losses of consecutive steps, (S,).
            step: Step in the epoch of the first of them, from 0.

        Raises:
            RunError: One is NaN or infinite; the error names epoch and step.
        """
        for i, loss in enumerate(losses.tolist()):
            if not math.isfinite(loss):
                where = f"epoch {self.epoch + 1}, step {step + i + 1}"
                raise RunError(
                    "the loss must be finite",
                    came=loss,
                    where=where,
                    do="lower training.lr, set training.clip, or look for extreme values in the inputs",
                )

    def mean_loss(self, losses: Array, sizes: Sequence[int]) -> float:
        """Return the loss of the epoch that runs.

        Args:
            losses: Of each step, (S,).
            sizes: What each is a mean over: events, hits or edges.

        Raises:
            RunError: No step had anything to learn from.
        """
        if not sum(sizes):
            raise RunError(
                "the training batches must hold something to learn from",
                came=f"no event, hit or edge with a target in {len(sizes)} batches",
                where=f"epoch {self.epoch + 1}",
                do="look at the training events with 'hitforge inspect', and widen 'target' and the cuts of "
                "'representation', such as those on edges",
            )
        return float(np.average(losses, weights=sizes))

    def close(self) -> None:
        """Close the TensorBoard file."""
        if self._events is not None:
            self._events.close()
            self._events = None

    def _monitored(self, row: Mapping[str, float]) -> float:
        name = "validation_loss" if self.config.monitor == "loss" else self.config.monitor
        if name not in row:
            known = ["loss", *(key for key in row if key not in _OTHERS)]
            raise ConfigError(f"no validation number '{name}': {did_you_mean(name, known)}", where="training.monitor")
        return row[name]

    def _improves(self, row: Mapping[str, float]) -> bool:
        value = self._monitored(row)
        if not self.best_epoch:
            return True
        best = self._monitored(self.rows[self.best_epoch - 1])
        if math.isnan(value) or math.isnan(best):
            return math.isnan(best) and not math.isnan(value)
        return value > best if self.better == "max" else value < best

    def _write_history(self) -> None:
        text = io.StringIO()
        scores = sorted(set(self.rows[0]) - set(_OTHERS))  # a checkpoint does not keep their order
        names = [*_OTHERS[:3], *scores, *_OTHERS[3:]]
        writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.folder / "history.csv", text.getvalue())

    def _resume(self) -> None:
        tensors, header = _weights.read(self._last_path)
        for key, expected in self.header.items():
            differing = differences(header.get(key), expected, key)
            if differing:
                raise RunError(
                    "the checkpoint belongs to another training",
                    came="; ".join(differing),
                    where=self._last_path,
                    do="continue with the same recipe, or choose another output folder",
                )
        if not self.best_path.exists():
            raise RunError(
                "a checkpoint needs its best weights beside it",
                came="no such file",
                where=self.best_path,
                do="delete the folder 'checkpoints' to start anew",
            )
        self.tensors, self.rows, self.best_epoch = tensors, header["rows"], header["best_epoch"]
        if self.rows:
            self._write_history()


_OTHERS = ("epoch", "train_loss", "validation_loss", "lr", "seconds", "wait_seconds")


def _scalars(row: Mapping[str, float]) -> dict[str, float]:
    """Every number of a row but the epoch, which is the step."""
    return {name: value for name, value in row.items() if name != "epoch"}


def differences(came: Any, expected: Any, key: str = "") -> list[str]:
    """Return what differs between two descriptions made of JSON values, one sentence for each key."""
    if isinstance(came, Mapping) and isinstance(expected, Mapping):
        keys = sorted({*came, *expected})
        found = (differences(came.get(name), expected.get(name), f"{key}.{name}" if key else name) for name in keys)
        return [sentence for sentences in found for sentence in sentences]
    return [] if came == expected else [f"{key} is {came!r} there and {expected!r} here"]


class Clock:
    """Seconds since it was made, and those of them that were spent waiting."""

    def __init__(self) -> None:
        self._start, self.waited = time.perf_counter(), 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start
