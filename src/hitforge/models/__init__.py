"""Models: networks by the arrays that they take, one file each. A model knows no physics: arrays in, numbers out.

A file holds the settings of a recipe, ``Config``, and the networks: ordinary PyTorch modules, some Keras models too,
with plain keyword arguments of the same names, which can be used without a recipe. ``layers`` holds what two files
share.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin, Registry
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import keras
    import torch


class Model(Plugin, ABC):
    """A family of networks. A subclass overrides ``torch``, ``keras`` or both; what it overrides, it supports."""

    @property
    def per(self) -> Per:
        """What the network answers for: each event, hit or edge."""
        return "event"

    @abstractmethod
    def check(self, inputs: Shapes) -> None:
        """Say whether the model can take these inputs.

        Raises:
            ConfigError: It cannot; the error says what it takes.
        """

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network.

        Its ``forward`` takes one tensor for each input, by name, and returns (B, outputs), or rows of what ``per``
        says. Which inputs there are, the text of the model's folder says, such as ``hitforge.models.image``.

        Raises:
            ConfigError: The model has no PyTorch network.
        """
        raise self._without("PyTorch")

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the Keras 3 network; it takes a dict of inputs by name, images as (rows, columns, channels).

        Raises:
            ConfigError: The model has no Keras network.
        """
        raise self._without("Keras")

    def engines(self) -> list[str]:
        """Engines that the model can be built for."""
        return [name for name in ("torch", "keras") if getattr(type(self), name) is not getattr(Model, name)]

    def _without(self, framework: str) -> ConfigError:
        return ConfigError(
            f"the model '{self.name}' has no {framework} network",
            came=framework,
            do=f"set training.engine to {' or '.join(self.engines()) or 'that of another model'}",
        )

    def summary_length(self, inputs: Shapes) -> int:
        """Return the numbers in the ``summary`` that comes beside other inputs, 0 without."""
        return inputs.get("summary", (0,))[0]


MODELS: Registry[Model] = Registry("models", Model, skip=("layers",))  # type: ignore[type-abstract]

__all__ = ["MODELS", "Model"]
