"""The inception network."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.image import inception as blocks
from hitforge.models.image.inception import InceptionBlock, InceptionNetwork, Unit, inception_keras
from tests.models.image.images import assert_every_parameter_learns, assert_same_in_keras, images, network, tensor
from tests.models.layers.twins import assert_twins, keras_block

INCEPTION = {"name": "inception", "widths": [8, 12]}
KINDS: list[dict[str, Any]] = [{}, {"norm": False, "pool": "flatten", "dense": 5, "blocks": 2}]


@pytest.mark.parametrize("kind", KINDS)
def test_gives_outputs_and_everything_learns(kind: dict[str, Any]) -> None:
    module = network({**INCEPTION, **kind}, shape=(7, 9, 2))
    assert module(image=tensor(images(shape=(7, 9, 2)))).shape == (6, 3)
    assert_every_parameter_learns(module, (7, 9, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_keras_has_the_same_network(kind: dict[str, Any]) -> None:
    pytest.importorskip("keras")
    assert_same_in_keras({**INCEPTION, **kind}, summary=4)


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 4"):
        MODELS.build({"name": "inception", "widths": [6]}, where="test")
    with pytest.raises(ConfigError, match="at least 8 x 8 cells"):
        MODELS.build({"name": "inception", "widths": [4] * 4}, where="test").check({"image": (6, 12, 1)})
    assert MODELS.build(INCEPTION, where="test").engines() == ["torch", "keras"]


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("normalise", [True, False])
def test_a_unit_is_convolution_normalisation_and_relu(kernel: int, normalise: bool) -> None:
    torch.manual_seed(0)
    unit, x = Unit(2, 3, kernel, normalise), torch.randn(4, 2, 5, 6)
    y = torch.nn.functional.conv2d(x, unit.convolution.weight, padding=kernel // 2)
    if normalise:
        mean, variance = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), correction=0, keepdim=True)
        y = (y - mean) / (variance + 1e-5).sqrt()
    torch.testing.assert_close(unit(x), y.clamp(min=0), rtol=1e-4, atol=1e-5)
    assert unit.convolution.kernel_size == (kernel, kernel)


def test_four_branches_of_a_quarter_each_are_joined() -> None:
    torch.manual_seed(1)
    block, x = InceptionBlock(3, 8, normalise=True).eval(), torch.randn(2, 3, 6, 7)
    wide = torch.nn.functional.pad(x, (1, 1, 1, 1), value=-torch.inf)
    pooled = wide.unfold(2, 3, 1).unfold(3, 3, 1).amax((4, 5))
    branches = [
        block.one(x),
        block.three(block.three_in(x)),
        block.five2(block.five1(block.five_in(x))),
        block.pooled(pooled),
    ]
    assert [tuple(branch.shape) for branch in branches] == [(2, 2, 6, 7)] * 4
    torch.testing.assert_close(block(x), torch.cat(branches, dim=1))


def test_branches_see_one_three_and_five_cells() -> None:
    """The input's gradient of the middle cell reaches as far as the branch sees."""
    torch.manual_seed(2)
    block = InceptionBlock(1, 4, normalise=False)
    for parameter in block.parameters():
        torch.nn.init.ones_(parameter)  # so that no path is cut by a ReLU
    for channel, side in enumerate([1, 3, 5]):
        x = torch.rand(1, 1, 9, 9, requires_grad=True)
        block(x)[0, channel, 4, 4].backward()
        expected = torch.zeros(9, 9, dtype=torch.bool)
        half = side // 2
        expected[4 - half : 5 + half, 4 - half : 5 + half] = True
        assert torch.equal(x.grad[0, 0] != 0, expected)


def test_cells_halve_between_stages() -> None:
    torch.manual_seed(3)
    network = InceptionNetwork(2, 3, widths=(4, 8), blocks=2).eval()
    x, shapes = torch.randn(2, 2, 9, 12), []
    for stage in network.stages:
        stage.register_forward_hook(lambda _, __, y: shapes.append(tuple(y.shape)))
    y = network.stages[1](torch.nn.functional.max_pool2d(network.stages[0](x), 2))
    shapes.clear()
    torch.testing.assert_close(network(image=x), network.head(y))
    assert shapes == [(2, 4, 9, 12), (2, 8, 4, 6)]
    assert [len(stage) for stage in network.stages] == [2, 2]


needs_keras = pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not there")


@needs_keras
@pytest.mark.parametrize("normalise", [True, False])
def test_blocks_are_the_same_in_torch(normalise: bool) -> None:
    torch.manual_seed(0)
    assert_twins(lambda x: blocks._keras_block(x, 8, normalise, "block"), InceptionBlock(3, 8, normalise), (6, 5, 3))


@needs_keras
def test_four_branches_of_a_quarter_each_are_joined_in_keras() -> None:
    import keras

    model = keras_block(lambda x: blocks._keras_block(x, 8, True, "block"), (6, 5, 3))
    branches = [model.get_layer(f"block_{name}_relu").output for name in ("one", "three", "five2", "pooled")]
    assert [branch.shape for branch in branches] == [(None, 6, 5, 2)] * 4
    x = np.random.default_rng(1).normal(size=(2, 6, 5, 3)).astype(np.float32)
    parts = keras.Model(model.input, branches)(x)
    joined = np.concatenate([np.asarray(part) for part in parts], axis=3)
    np.testing.assert_allclose(np.asarray(model(x)), joined, rtol=1e-6, atol=1e-6)


@needs_keras
def test_the_pooled_branch_reads_the_largest_of_nine_cells() -> None:
    import keras

    model = keras_block(lambda x: blocks._keras_block(x, 4, False, "block"), (5, 6, 2))
    x = np.random.default_rng(2).normal(-3, 1, size=(2, 5, 6, 2)).astype(np.float32)
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    expected = np.lib.stride_tricks.sliding_window_view(wide, (3, 3), axis=(1, 2)).max((4, 5))
    found = keras.Model(model.input, model.get_layer("block_pool").output)(x)
    np.testing.assert_array_equal(np.asarray(found), expected)


@needs_keras
def test_cells_halve_between_stages_in_keras() -> None:
    model = inception_keras({"image": (9, 12, 2)}, 3, widths=(4, 8), blocks=2)
    shapes = [model.get_layer(f"stages_{i}_{j}_join").output.shape[1:] for i in range(2) for j in range(2)]
    assert shapes == [(9, 12, 4), (9, 12, 4), (4, 6, 8), (4, 6, 8)]
