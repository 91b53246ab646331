"""Inception blocks and network in Keras 3; the same network as in PyTorch, weight by weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from hitforge.models.layers.keras_convolution import FORMAT, convolution, head, image_input, image_model, norm, relu
from hitforge.representations import Shapes

if TYPE_CHECKING:
    from hitforge.models.inception import Inception


def _unit(x: Any, width: int, kernel: int, normalise: bool, name: str) -> Any:
    """Convolution, normalisation where wanted, ReLU."""
    x = convolution(x, width, f"{name}_convolution", kernel=kernel)
    return relu(norm(x, f"{name}_norm") if normalise else x, name)


def _block(x: Any, width: int, normalise: bool, name: str) -> Any:
    """Four branches, joined by their channels."""
    part = width // 4

    def unit(y: Any, kernel: int, branch: str) -> Any:
        return _unit(y, part, kernel, normalise, f"{name}_{branch}")

    pooled = layers.MaxPooling2D(3, strides=1, padding="same", data_format=FORMAT, name=f"{name}_pool")(x)
    branches = [
        unit(x, 1, "one"),
        unit(unit(x, 1, "three_in"), 3, "three"),
        unit(unit(unit(x, 1, "five_in"), 3, "five1"), 3, "five2"),
        unit(pooled, 1, "pooled"),
    ]
    return layers.Concatenate(name=f"{name}_join")(branches)


def inception_network(inputs: Shapes, outputs: int, config: Inception.Config) -> keras.Model:
    """Stages of blocks with poolings between them."""
    start, summary = image_input(inputs)
    x = start
    for i, width in enumerate(config.widths):
        if i:
            x = layers.MaxPooling2D(2, data_format=FORMAT, name=f"pool_{i}")(x)
        for j in range(config.blocks):
            x = _block(x, width, config.norm, f"stages_{i}_{j}")
    return image_model(start, summary, head(x, outputs, config, summary), "inception")
