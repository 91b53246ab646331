"""Models: networks by family, one file each. A model knows no physics: arrays in, numbers out."""

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

        Its ``forward`` takes one tensor for each input, by name, and returns (B, outputs). An image arrives as (B,
        channels, rows, columns) and a volume as (B, channels, layers, rows, columns), both in channels-last memory.
        Points arrive as ``points`` (B, P, F), ``position`` (B, P, 3), ``mask`` (B, P, 1), 1 where a point is real, and
        ``neighbours`` (B, P, K) int32, indices along P; P is that of the fullest event of the batch. ``summary`` (B, S)
        comes beside any of these: numbers about the whole event.

        Tracks arrive flat over the H hits and E edges of all events of a batch: ``nodes`` (H, F), ``layer``, ``event``
        and ``kind`` (H,) int32, ``edges`` (E, G), ``source`` and ``destination`` (E,) int32, indices along H; the
        network then returns (H, outputs) or (E, outputs), as ``per`` says.

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

    def require_volume(self, inputs: Shapes) -> tuple[tuple[int, int, int, int], int]:
        """Return (layers, rows, columns, channels) of the one volume, and the length of ``summary``, 0 without.

        Raises:
            ConfigError: The inputs are not one volume with or without a summary.
        """
        shape, summary = inputs.get("volume", ()), inputs.get("summary", (0,))
        if len(shape) != 4 or set(inputs) - {"volume", "summary"}:
            raise ConfigError(
                f"the model '{self.name}' takes one volume (layers, rows, columns, channels)",
                came=inputs,
                do="use the representation 'voxels' with layout: volume",
            )
        return (shape[0], shape[1], shape[2], shape[3]), summary[0]

    def require_points(self, inputs: Shapes) -> tuple[int, int, int]:
        """Return features of a point, neighbours of a point (0 without), and the length of ``summary``, 0 without.

        Raises:
            ConfigError: The inputs are not points.
        """
        if not {"points", "position", "mask"} <= inputs.keys():
            raise ConfigError(
                f"the model '{self.name}' takes points", came=inputs, do="use the representation 'points'"
            )
        neighbours, summary = inputs.get("neighbours", (0, 0)), inputs.get("summary", (0,))
        return inputs["points"][1], neighbours[1], summary[0]

    def require_hits(self, inputs: Shapes) -> int:
        """Return the features of a hit.

        Raises:
            ConfigError: The inputs are not hits of a tracker.
        """
        if "nodes" not in inputs:
            raise ConfigError(
                f"the model '{self.name}' takes hits of a tracker",
                came=inputs,
                do="use the representation 'track_hits' or 'track_graph'",
            )
        return inputs["nodes"][0]

    def require_graph(self, inputs: Shapes) -> tuple[int, int]:
        """Return the features of a hit and of an edge.

        Raises:
            ConfigError: The inputs are not hits and edges.
        """
        if not {"nodes", "edges", "source", "destination"} <= inputs.keys():
            raise ConfigError(
                f"the model '{self.name}' takes hits and edges", came=inputs, do="use the representation 'track_graph'"
            )
        return inputs["nodes"][0], inputs["edges"][0]

    def require_image(self, inputs: Shapes) -> tuple[int, int, int]:
        """Return (rows, columns, channels) of the one image, beside which there may be a ``summary``.

        Raises:
            ConfigError: The inputs are not one image.
        """
        shapes = [shape for name, shape in inputs.items() if name != "summary"]
        if len(shapes) != 1 or len(shapes[0]) != 3:
            raise ConfigError(
                f"the model '{self.name}' takes one image (rows, columns, channels)",
                came=inputs,
                do="use the representation 'image'",
            )
        return shapes[0][0], shapes[0][1], shapes[0][2]


MODELS: Registry[Model] = Registry("models", Model, skip=("layers",))  # type: ignore[type-abstract]

__all__ = ["MODELS", "Model"]
