"""Comparisons that the tests of all image models make."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from hitforge.models import MODELS

SHAPE = (12, 12, 2)
INPUTS = {"image": SHAPE}


def network(block: dict[str, Any], outputs: int = 3, shape: tuple[int, int, int] = SHAPE) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build(block, where="test").torch({"image": shape}, outputs)


def images(count: int = 6, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32)


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2)


def assert_every_parameter_learns(module: torch.nn.Module, shape: tuple[int, int, int] = SHAPE) -> None:
    outputs = module(image=tensor(images(shape=shape)))
    outputs.square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def assert_same_in_keras(block: dict[str, Any], outputs: int = 3, shape: tuple[int, int, int] = SHAPE) -> None:
    """Move the weights to Keras: as many of them, and the same outputs, in training mode and in evaluation."""
    module = network(block, outputs, shape)
    twin = MODELS.build(block, where="test").keras({"image": shape}, outputs)
    kinds = {
        "kernel": "weight",
        "gamma": "weight",
        "beta": "bias",
        "bias": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    state = {name.replace(".", "_"): value for name, value in module.state_dict().items()}
    for variable in twin.weights:
        layer, _, kind = variable.path.rpartition("/")
        value = state.pop(f"{layer}_{kinds[kind]}").numpy()
        variable.assign(value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T)
    assert not [name for name in state if not name.endswith("num_batches_tracked")]
    assert sum(p.numel() for p in module.parameters()) == sum(int(np.prod(v.shape)) for v in twin.trainable_variables)
    array = images(32, shape)
    for training in (True, False):  # the first pass also moves the running averages of both
        module.train(training)
        with torch.inference_mode():
            expected = module(image=tensor(array)).numpy()
        found = np.asarray(twin({"image": array}, training=training))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
