"""Tasks: what a network is asked, how it is punished, and what its numbers mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from hitforge.core.registry import Plugin, Registry
from hitforge.events import Events

if TYPE_CHECKING:
    import torch

Array = NDArray[Any]


class Task(Plugin, ABC):
    """Target, loss and decoding.

    Attributes:
        usual_metrics: What is measured where a recipe names no metrics.
        competing: True if the outputs compete as the logits of classes do: one is then explained against the others.
    """

    usual_metrics: ClassVar[tuple[str, ...]] = ()
    competing: ClassVar[bool] = False

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Numbers that a network must give for each event."""

    @abstractmethod
    def target(self, events: Events) -> Array:
        """Return what is to be learned, (N,) or (N, ...).

        Where answers are counted from a reference that the hits give (a raw energy sum, a centroid), the target's
        further columns hold that reference, so that ``decode`` can add it again.

        Raises:
            DataError: A label is unknown, or the events lack the truth.
        """

    @abstractmethod
    def torch_loss(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of a batch; outputs (B, ``outputs``) float32."""

    @abstractmethod
    def keras_loss(self) -> Callable[[Any, Any], Any]:
        """Return the same loss for Keras, a function of (target, outputs)."""

    @abstractmethod
    def decode(self, outputs: Array, target: Array) -> dict[str, Array]:
        """Turn network outputs, (N, ``outputs``), and targets into named columns of truth and prediction, each (N,).

        A predicted column depends on the outputs and on what the target holds of the hits, never on the truth.
        """

    def score(self, outputs: Array, target: Array) -> dict[str, float]:
        """Return numbers that a training shows after each epoch."""
        return {}


TASKS: Registry[Task] = Registry("tasks", Task)  # type: ignore[type-abstract]

__all__ = ["TASKS", "Task"]
