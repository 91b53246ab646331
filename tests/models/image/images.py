"""Comparisons that the tests of all image models make."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from hitforge.models import MODELS

SHAPE = (12, 12, 2)
INPUTS = {"image": SHAPE}


def network(
    block: dict[str, Any], outputs: int = 3, shape: tuple[int, int, int] = SHAPE, summary: int = 0
) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build(block, where="test").torch(_inputs(shape, summary), outputs)


def _inputs(shape: tuple[int, int, int], summary: int) -> dict[str, tuple[int, ...]]:
    return {"image": shape, "summary": (summary,)} if summary else {"image": shape}


def assert_summary_counts(block: dict[str, Any]) -> None:
    """Outputs follow the summary, and a network without one has the same weights in front of its head."""
    module, plain = network(block, summary=4), network(block)
    image, summary = tensor(images()), torch.randn(6, 4) * 5 + 3
    module(image=image, summary=summary)
    outputs = module.eval()(image=image, summary=summary)
    assert outputs.shape == (6, 3)
    assert not torch.allclose(module(image=image, summary=summary.flip(0)), outputs)
    own = dict(module.named_parameters())
    shared = [name for name in own if not name.startswith(("head", "output"))]
    assert shared
    assert all(torch.equal(own[name], dict(plain.named_parameters())[name]) for name in shared)


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


def assert_same_in_keras(
    block: dict[str, Any], outputs: int = 3, shape: tuple[int, int, int] = SHAPE, summary: int = 0
) -> None:
    """Move the weights to Keras: as many of them, and the same outputs, in training mode and in evaluation."""
    module = network(block, outputs, shape, summary)
    twin = MODELS.build(block, where="test").keras(_inputs(shape, summary), outputs)
    kinds = {
        "kernel": "weight",
        "gamma": "weight",
        "beta": "bias",
        "bias": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    state = {name.replace(".", "_"): value for name, value in module.state_dict().items()}
    extra = {"summary": 2 + np.random.default_rng(1).normal(size=(32, summary)).astype(np.float32)} if summary else {}
    for variable in twin.weights:
        layer, _, kind = variable.path.rpartition("/")
        own = kind not in kinds  # a weight of the network itself, which torch keeps as it is
        value = state.pop(kind if own else f"{layer}_{kinds[kind]}").numpy()
        variable.assign(value.transpose(2, 3, 1, 0) if value.ndim == 4 else value if own else value.T)
    assert not [name for name in state if not name.endswith("num_batches_tracked")]
    assert sum(p.numel() for p in module.parameters()) == sum(int(np.prod(v.shape)) for v in twin.trainable_variables)
    array = images(32, shape)
    for training in (True, False):  # the first pass also moves the running averages of both
        module.train(training)
        with torch.inference_mode():
            expected = module(image=tensor(array), **{k: torch.from_numpy(v) for k, v in extra.items()}).numpy()
        found = np.asarray(twin({"image": array, **extra}, training=training))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
