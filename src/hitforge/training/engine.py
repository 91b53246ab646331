"""The contract between a run and a framework."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.models import Model
from hitforge.representations import Shapes
from hitforge.tasks import Better, Task
from hitforge.training.config import TrainingConfig

Outputs = Array | dict[str, Array]
"""What a network answers: (rows, K) float32, or several arrays by name."""
Score = Callable[[Any, Any], dict[str, float]]
"""(network outputs (N, K), target (N, ...)) -> named validation numbers; both may be several arrays by name."""
Whole = Callable[[], dict[str, float]]
"""() -> named validation numbers that take more than outputs and targets, with the weights of the moment."""
ENGINES = {"torch": "hitforge.training.torch_engine:TorchEngine", "keras": "hitforge.training.keras_engine:KerasEngine"}


def require_engine(config: TrainingConfig) -> None:
    """Refuse a ``training`` block that this machine cannot follow; see ``Engine.require``."""
    module, _, name = ENGINES[config.engine].partition(":")
    engine: type[Engine] = getattr(importlib.import_module(module), name)
    engine.require(config)


class Batches(Protocol):
    """A sample, batch by batch."""

    def __len__(self) -> int:
        """Number of batches in an epoch."""

    @property
    def events(self) -> int:
        """Number of events in an epoch."""

    def epoch(self, number: int) -> Iterator[tuple[dict[str, Array], Any]]:
        """Yield (inputs, target) of epoch ``number``; the same number gives the same batches.

        The target is an array, or several by name.

        Inputs are (B, ...) float32 as the representation's ``shapes`` says; images are (B, rows, columns, channels).
        """

    def share(self, rank: int, size: int) -> Batches:
        """Return the batches that one of several processes answers for: each batch's events, shared in their order."""

    @property
    def share_events(self) -> int:
        """Number of events in a batch, or in this process's share of it."""

    @property
    def wait(self) -> float:
        """Seconds that the consumer of the last epoch waited for data."""


def share_of(count: int, rank: int, size: int) -> slice:
    """The part of ``count`` consecutive things that falls to one of ``size`` processes."""
    return slice(count * rank // size, count * (rank + 1) // size)


class Engine(ABC):
    """Trains, predicts and explains one network. Weights are safetensors, never a pickle.

    Args:
        model: Family of the network.
        task: Loss.
        config: The ``training`` block.
        inputs: Shapes of the inputs.
        folder: Run folder: ``checkpoints/`` for exact resume, ``events/`` for TensorBoard, ``history.csv``.
    """

    def __init__(self, model: Model, task: Task, config: TrainingConfig, inputs: Shapes, folder: Path) -> None:
        self.model, self.task, self.config, self.inputs, self.folder = model, task, config, inputs, folder

    @classmethod
    @abstractmethod
    def require(cls, config: TrainingConfig) -> None:
        """Refuse a device, a precision or a framework that this machine does not have, before any work.

        Raises:
            RunError: There is no such device, or it cannot compute so.
            MissingExtraError: The framework is not installed.
        """

    @property
    @abstractmethod
    def parameters(self) -> int:
        """Number of trainable parameters."""

    @property
    @abstractmethod
    def device(self) -> str:
        """Name of the device and precision, such as 'NVIDIA H200, bf16'."""

    @abstractmethod
    def fit(
        self,
        train: Batches,
        validation: Batches,
        score: Score,
        progress: Progress,
        better: Better = "max",
        whole: Whole | None = None,
    ) -> None:
        """Train to the end, from the last checkpoint where there is one; then hold the best weights.

        After each epoch: validation outputs -> ``score`` -> history.csv (epoch, train_loss, validation_loss, the
        scores, lr, seconds, wait_seconds), TensorBoard, checkpoint. A resumed run gives the same numbers as one that
        was never interrupted.

        Args:
            train: What is learned from.
            validation: What each epoch is measured on.
            score: Gives the validation numbers, ``training.monitor`` among them unless it is the loss.
            progress: Receives each step.
            better: Whether more or less of the monitored number is better; of the loss it is less.
            whole: Further validation numbers, computed once an epoch.

        Raises:
            RunError: The checkpoint is of another model, damaged, or a pickle; or the loss is not finite.
        """

    @abstractmethod
    def predict(self, batches: Batches) -> tuple[Array, Array]:
        """Return outputs (N, K) float32 and targets (N, ...) in the order of the batches."""

    def infer(self, inputs: dict[str, Array]) -> Outputs:
        """Return the outputs of one batch, (rows, K) float32, or arrays by name where the network gives several.

        Raises:
            ConfigError: The framework answers for whole samples only.
        """
        raise ConfigError("hits and edges are answered for by PyTorch", came=type(self).__name__)

    @abstractmethod
    def saliency(self, inputs: dict[str, Array], output: int, steps: int = 32) -> dict[str, dict[str, Array]]:
        """Return, for each input, ``gradient`` and ``integrated`` gradients of one output.

        The number explained is ``output``, where outputs compete (logits) minus the mean of the others. Integrated
        gradients (Sundararajan et al., arXiv 1703.01365) run from an all-zero input in ``steps`` midpoint steps. Same
        shapes as the inputs.
        """

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the weights as safetensors, with the model's configuration in the header."""

    @abstractmethod
    def load(self, path: Path, *, strict: bool = True) -> int:
        """Read weights, and return how many tensors were taken.

        Args:
            path: A safetensors file that ``save`` wrote.
            strict: If False, they may belong to another model of the same framework: tensors that have the same name
                and shape in both, at least half of the file's, are taken, and the others left as they are.

        Raises:
            RunError: The file is not safetensors (such as a pickle), or belongs to another model, or too few fit.
        """
