"""Models: networks by family, one file each. A model knows no physics: arrays in, numbers out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin, Registry
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import keras
    import torch


class Model(Plugin, ABC):
    """A family of networks. A subclass overrides ``torch``, ``keras`` or both; what it overrides, it supports."""

    @abstractmethod
    def check(self, inputs: Shapes) -> None:
        """Say whether the model can take these inputs.

        Raises:
            ConfigError: It cannot; the error says what it takes.
        """

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network.

        Its ``forward`` takes one float tensor for each input, by name. An image arrives as (B, channels, rows,
        columns) in channels-last memory. It returns (B, outputs).
        """
        raise NotImplementedError

    def keras(self, inputs: Shapes, outputs: int) -> keras.Model:
        """Build the Keras 3 network; it takes a dict of inputs by name, images as (rows, columns, channels)."""
        raise NotImplementedError

    def engines(self) -> list[str]:
        """Engines that the model can be built for."""
        return [name for name in ("torch", "keras") if getattr(type(self), name) is not getattr(Model, name)]

    def require_image(self, inputs: Shapes) -> tuple[int, int, int]:
        """Return (rows, columns, channels) of the one image input.

        Raises:
            ConfigError: The inputs are not exactly one image.
        """
        shapes = list(inputs.values())
        if len(shapes) != 1 or len(shapes[0]) != 3:
            raise ConfigError(
                f"the model '{self.name}' takes one image (rows, columns, channels)",
                came=inputs,
                do="use the representation 'image'",
            )
        return shapes[0][0], shapes[0][1], shapes[0][2]


MODELS: Registry[Model] = Registry("models", Model)  # type: ignore[type-abstract]

__all__ = ["MODELS", "Model"]
