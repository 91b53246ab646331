"""Residual blocks and network in Keras 3; the same network as in PyTorch, weight by weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from hitforge.models.layers.keras_convolution import convolution, head, image_input, image_model, norm, relu
from hitforge.representations import Shapes

if TYPE_CHECKING:
    from hitforge.models.residual import Residual


def _post_activation(x: Any, width: int, stride: int, name: str) -> Any:
    """Block of He et al., arXiv 1512.03385: the sum is activated."""
    y = relu(norm(convolution(x, width, f"{name}_convolution1", stride=stride), f"{name}_norm1"), f"{name}_1")
    y = norm(convolution(y, width, f"{name}_convolution2"), f"{name}_norm2")
    if stride != 1 or x.shape[-1] != width:
        x = norm(convolution(x, width, f"{name}_shortcut", kernel=1, stride=stride), f"{name}_shortcut_norm")
    return relu(layers.Add(name=f"{name}_add")([x, y]), f"{name}_2")


def _pre_activation(x: Any, width: int, stride: int, name: str) -> Any:
    """Block of He et al., arXiv 1603.05027: normalised and activated first, the sum stays as it is."""
    y = relu(norm(x, f"{name}_norm1"), f"{name}_1")
    if stride != 1 or x.shape[-1] != width:
        x = convolution(y, width, f"{name}_shortcut", kernel=1, stride=stride)
    y = convolution(y, width, f"{name}_convolution1", stride=stride)
    y = convolution(relu(norm(y, f"{name}_norm2"), f"{name}_2"), width, f"{name}_convolution2")
    return layers.Add(name=f"{name}_add")([x, y])


def residual_network(inputs: Shapes, outputs: int, config: Residual.Config) -> keras.Model:
    """Stem, stages of blocks, head."""
    start, summary = image_input(inputs)
    x = convolution(start, config.widths[0], "stem")
    if config.version == 1:
        x = relu(norm(x, "norm"), "norm")
    block = _post_activation if config.version == 1 else _pre_activation
    for i, width in enumerate(config.widths):
        for j in range(config.blocks):
            x = block(x, width, stride=2 if i and not j else 1, name=f"stages_{i}_{j}")
    if config.version == 2:
        x = relu(norm(x, "norm"), "norm")
    return image_model(start, summary, head(x, outputs, config, summary), "residual")
