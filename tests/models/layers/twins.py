"""A Keras block beside its torch twin, with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

KINDS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def keras_block(build: Callable[[Any], Any], shape: tuple[int, ...]) -> Any:
    """The model from an input (B, *shape) to what the block makes of it."""
    import keras

    start = keras.Input(shape)
    return keras.Model(start, build(start))


def assert_twins(build: Callable[[Any], Any], module: torch.nn.Module, shape: tuple[int, int, int]) -> None:
    """Equal outputs in training and, with the averages that training left, in evaluation.

    Layers of the Keras block are called ``block_`` and then as in torch; each weight must have found its twin.
    """
    twin = keras_block(build, shape)
    random = torch.Generator().manual_seed(7)
    for name, parameter in module.named_parameters():
        if parameter.ndim == 1:  # scales and shifts that differ from channel to channel
            with torch.no_grad():
                parameter.copy_(torch.rand(parameter.shape, generator=random) + ("norm" in name) * 0.5)
    state = {f"block_{name.replace('.', '_')}": value for name, value in module.state_dict().items()}
    for variable in twin.weights:
        layer, _, kind = variable.path.rpartition("/")
        value = state.pop(f"{layer}_{KINDS[kind]}").numpy()
        variable.assign(value.transpose(2, 3, 1, 0) if value.ndim == 4 else value)
    assert not [name for name in state if not name.endswith("num_batches_tracked")]
    x = np.random.default_rng(8).normal(1, 2, size=(5, *shape)).astype(np.float32)
    for training in (True, False):
        module.train(training)
        with torch.inference_mode():
            expected = module(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
        np.testing.assert_allclose(np.asarray(twin(x, training=training)), expected, rtol=1e-4, atol=1e-4)
