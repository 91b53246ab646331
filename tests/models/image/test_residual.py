"""The residual network."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import batch_norm, conv2d

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.image import residual as blocks
from hitforge.models.image.residual import PostActivation, PreActivation, ResidualNetwork, residual_keras
from tests.models.image.images import (
    assert_every_parameter_learns,
    assert_same_in_keras,
    assert_summary_counts,
    images,
    network,
    tensor,
)
from tests.models.layers.twins import assert_twins, keras_block

RESIDUAL = {"name": "residual", "widths": [4, 6], "blocks": 2}
KINDS: list[dict[str, Any]] = [
    {"version": 1},
    {"version": 2},
    {"version": 2, "pool": "flatten", "dense": 5},
    {"version": 2, "stride": 2, "pool": "flatten"},
    {"version": 1, "stride": 3},
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(12, 12, 2), (7, 9, 1)])
def test_gives_outputs_for_each_image(kind: dict[str, Any], shape: tuple[int, int, int]) -> None:
    module = network({**RESIDUAL, **kind}, shape=shape).eval()
    assert module(image=tensor(images(shape=shape))).shape == (6, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(kind: dict[str, Any]) -> None:
    assert_every_parameter_learns(network({**RESIDUAL, **kind}))


@pytest.mark.parametrize("kind", KINDS)
def test_keras_has_the_same_network(kind: dict[str, Any]) -> None:
    pytest.importorskip("keras")
    assert_same_in_keras({**RESIDUAL, "blocks": 1, **kind}, shape=(7, 9, 2))


def test_a_silent_branch_leaves_the_pre_activation_block_an_identity() -> None:
    block = network(RESIDUAL).stages[0][0]  # type: ignore[index]
    torch.nn.init.zeros_(block.convolution2.weight)
    x = torch.randn(2, 4, 5, 5)
    assert torch.equal(block(x), x)


def test_initial_weights_keep_the_scale() -> None:
    weight = network({**RESIDUAL, "widths": [64, 128]}).stages[1][1].convolution1.weight  # type: ignore[index]
    assert weight.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)


def test_keras_has_the_same_initial_scale() -> None:
    pytest.importorskip("keras")
    twin = MODELS.build({**RESIDUAL, "blocks": 1, "widths": [64, 128]}, where="test").keras({"image": (8, 8, 2)}, 2)
    weight = twin.get_layer("stages_1_0_convolution2").kernel.value.numpy()
    assert np.std(weight) == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)


def test_an_image_that_is_too_small_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 4 x 4 cells"):
        MODELS.build({"name": "residual", "widths": [4, 4, 4]}, where="test").check({"image": (3, 9, 1)})


def test_a_stride_must_leave_enough_for_the_halvings() -> None:
    with pytest.raises(ConfigError, match="at least 12 x 12 cells"):
        MODELS.build({"name": "residual", "widths": [4, 4, 4], "stride": 3}, where="test").check({"image": (11, 12, 1)})


def test_a_summary_joins_the_features() -> None:
    assert_summary_counts(RESIDUAL)


def test_keras_has_the_same_network_with_a_summary() -> None:
    pytest.importorskip("keras")
    assert_same_in_keras(RESIDUAL, summary=4)


def normal(x: torch.Tensor) -> torch.Tensor:
    """Batch normalisation with the weights of the start."""
    return batch_norm(x, None, None, training=True, eps=1e-5)


@pytest.mark.parametrize(("channels", "stride"), [(4, 1), (4, 2), (3, 1)])
def test_a_post_activation_block_activates_the_sum(channels: int, stride: int) -> None:
    torch.manual_seed(0)
    block, x = PostActivation(channels, 4, stride), torch.randn(3, channels, 7, 6)
    y = normal(conv2d(x, block.convolution1.weight, stride=stride, padding=1)).clamp(min=0)
    y = normal(conv2d(y, block.convolution2.weight, padding=1))
    short = x
    if (channels, stride) != (4, 1):
        short = normal(conv2d(x, block.shortcut.weight, stride=stride))
    torch.testing.assert_close(block(x), (short + y).clamp(min=0), rtol=1e-4, atol=1e-5)
    assert (block.shortcut is None) == ((channels, stride) == (4, 1))


@pytest.mark.parametrize(("channels", "stride"), [(4, 1), (4, 2), (3, 1)])
def test_a_pre_activation_block_leaves_the_sum(channels: int, stride: int) -> None:
    torch.manual_seed(1)
    block, x = PreActivation(channels, 4, stride), torch.randn(3, channels, 7, 6)
    start = normal(x).clamp(min=0)
    y = normal(conv2d(start, block.convolution1.weight, stride=stride, padding=1)).clamp(min=0)
    y = conv2d(y, block.convolution2.weight, padding=1)
    short = x
    if (channels, stride) != (4, 1):
        short = conv2d(start, block.shortcut.weight, stride=stride)
    torch.testing.assert_close(block(x), short + y, rtol=1e-4, atol=1e-5)
    assert (block.shortcut is None) == ((channels, stride) == (4, 1))


def test_a_silent_branch_leaves_a_post_activation_block_the_activation_of_its_input() -> None:
    torch.manual_seed(2)
    block, x = PostActivation(4, 4, 1), torch.randn(2, 4, 5, 5)
    torch.nn.init.zeros_(block.norm2.weight)
    assert torch.equal(block(x), x.clamp(min=0))


@pytest.mark.parametrize("version", [1, 2])
def test_normalisation_stands_where_the_version_wants_it(version: int) -> None:
    torch.manual_seed(3)
    network = ResidualNetwork(2, 3, version=version, widths=(3, 4), blocks=2)
    x = torch.randn(2, 2, 9, 7)
    y = network.stem(x)
    y = normal(y).clamp(min=0) if version == 1 else y
    first = network.stages[0](y)
    second = network.stages[1](first)
    assert first.shape == (2, 3, 9, 7)
    assert second.shape == (2, 4, 5, 4)
    y = second if version == 1 else normal(second).clamp(min=0)
    torch.testing.assert_close(network(image=x), network.head(y), rtol=1e-4, atol=1e-5)


needs_keras = pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not there")


@needs_keras
@pytest.mark.parametrize(("channels", "stride"), [(4, 1), (4, 2), (3, 1)])
def test_blocks_are_the_same_in_torch(channels: int, stride: int) -> None:
    torch.manual_seed(0)
    shape = (6, 8, channels)  # even sides, where padding on one side would differ
    post, before = PostActivation(channels, 4, stride), PreActivation(channels, 4, stride)
    assert_twins(lambda x: blocks._keras_post_activation(x, 4, stride, "block"), post, shape)
    assert_twins(lambda x: blocks._keras_pre_activation(x, 4, stride, "block"), before, shape)


@needs_keras
def test_a_silent_branch_leaves_the_shortcut() -> None:
    x = np.random.default_rng(1).normal(size=(2, 5, 6, 4)).astype(np.float32)
    for build, silent, expected in (
        (blocks._keras_post_activation, ("block_norm2", "gamma"), np.maximum(x, 0)),
        (blocks._keras_pre_activation, ("block_convolution2", "kernel"), x),
    ):
        model = keras_block(lambda start, build=build: build(start, 4, 1, "block"), (5, 6, 4))
        weight = getattr(model.get_layer(silent[0]), silent[1])
        assert not np.allclose(np.asarray(model(x)), expected, atol=1e-3)
        weight.assign(np.zeros(weight.shape))
        np.testing.assert_array_equal(np.asarray(model(x)), expected)


@needs_keras
@pytest.mark.parametrize("version", [1, 2])
def test_normalisation_stands_where_the_version_wants_it_in_keras(version: int) -> None:
    model = residual_keras({"image": (9, 7, 2)}, 3, version=version, widths=(3, 4), blocks=2)
    names = [layer.name for layer in model.layers]
    channels = model.get_layer("norm").gamma.shape[0]
    if version == 1:
        assert names.index("stem") < names.index("norm") < names.index("stages_0_0_add")
        assert channels == 3
    else:
        assert names.index("stages_1_1_add") < names.index("norm") < names.index("head_pool")
        assert channels == 4
    shapes = [model.get_layer(f"stages_{i}_{j}_add").output.shape[1:] for i in range(2) for j in range(2)]
    assert shapes == [(9, 7, 3), (9, 7, 3), (5, 4, 4), (5, 4, 4)]
    shortcuts = [name for name in names if name.endswith("_shortcut")]
    assert shortcuts == ["stages_1_0_shortcut"]
