"""Residual blocks in Keras against torch, and where their shortcuts and normalisations stand."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.models.layers.torch_residual import PostActivation, PreActivation
from hitforge.models.residual import Residual

sys.path.insert(0, str(Path(__file__).parent))
from twins import assert_twins, keras_block


@pytest.fixture(scope="module")
def blocks() -> Any:
    pytest.importorskip("keras")
    return importlib.import_module("hitforge.models.layers.keras_residual")


@pytest.mark.parametrize(("channels", "stride"), [(4, 1), (4, 2), (3, 1)])
def test_blocks_are_the_same_in_torch(blocks: Any, channels: int, stride: int) -> None:
    torch.manual_seed(0)
    shape = (6, 8, channels)  # even sides, where padding on one side would differ
    post, before = PostActivation(channels, 4, stride), PreActivation(channels, 4, stride)
    assert_twins(lambda x: blocks._post_activation(x, 4, stride, "block"), post, shape)
    assert_twins(lambda x: blocks._pre_activation(x, 4, stride, "block"), before, shape)


def test_a_silent_branch_leaves_the_shortcut(blocks: Any) -> None:
    x = np.random.default_rng(1).normal(size=(2, 5, 6, 4)).astype(np.float32)
    for build, silent, expected in (
        (blocks._post_activation, ("block_norm2", "gamma"), np.maximum(x, 0)),
        (blocks._pre_activation, ("block_convolution2", "kernel"), x),
    ):
        model = keras_block(lambda start, build=build: build(start, 4, 1, "block"), (5, 6, 4))
        weight = getattr(model.get_layer(silent[0]), silent[1])
        assert not np.allclose(np.asarray(model(x)), expected, atol=1e-3)
        weight.assign(np.zeros(weight.shape))
        np.testing.assert_array_equal(np.asarray(model(x)), expected)


@pytest.mark.parametrize("version", [1, 2])
def test_normalisation_stands_where_the_version_wants_it(blocks: Any, version: int) -> None:
    config = Residual.Config(version=version, widths=(3, 4), blocks=2)
    model = blocks.residual_network({"image": (9, 7, 2)}, 3, config)
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
