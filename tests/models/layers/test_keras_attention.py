"""Tokens and attention in Keras against torch and against their formulas."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.models.image.vision_transformer import TransformerBlock
from tests.models.layers.twins import KINDS, keras_block


@pytest.fixture(scope="module")
def attention() -> Any:
    pytest.importorskip("keras")
    return importlib.import_module("hitforge.models.layers.keras_attention")


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_a_block_is_that_of_torch(attention: Any, heads: int) -> None:
    torch.manual_seed(0)
    module = TransformerBlock(8, heads, 16, 0.0, 0.0)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    model = keras_block(lambda x: attention.block(x, "block", heads=heads, hidden=16, dropout=0.0, skip=0.0), (5, 8))
    state = {f"block_{name.replace('.', '_')}": value for name, value in module.state_dict().items()}
    for variable in model.weights:
        layer, _, kind = variable.path.rpartition("/")
        variable.assign(state.pop(f"{layer}_{KINDS[kind]}").numpy().T)
    assert not state
    x = normal(3, 5, 8)
    with torch.inference_mode():
        expected = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(np.asarray(model(x)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("token", [False, True])
def test_patches_are_tokens_row_by_row_and_zeros_fill_the_last(attention: Any, token: bool) -> None:
    model = keras_block(lambda x: attention.patch_tokens(x, 6, 2, token=token), (3, 4, 2))
    weights = {variable.path: variable for variable in model.weights}
    for variable in weights.values():
        variable.assign(normal(*variable.shape))
    kernel = np.asarray(weights["patches/kernel"]).reshape(-1, 6)
    x = normal(2, 3, 4, 2)
    wide = np.pad(x, ((0, 0), (0, 1), (0, 0), (0, 0)))
    patches = [wide[:, i : i + 2, j : j + 2].reshape(2, -1) @ kernel for i in (0, 2) for j in (0, 2)]
    rows = [patch + np.asarray(weights["patches/bias"]) for patch in patches]
    if token:
        rows.insert(0, np.tile(np.asarray(weights["places/token"]), (2, 1)))
    expected = np.stack(rows, axis=1) + np.asarray(weights["places/position"])
    np.testing.assert_allclose(np.asarray(model(x)), expected, rtol=1e-4, atol=1e-4)


def test_a_branch_is_dropped_for_whole_events_and_only_in_training(attention: Any) -> None:
    model = keras_block(lambda x: attention.block(x, "block", heads=1, hidden=4, dropout=0.0, skip=0.5), (3, 4))
    for variable in model.weights:
        variable.assign(normal(*variable.shape))
    x = np.tile(normal(1, 3, 4), (200, 1, 1))
    trained, rested = np.asarray(model(x, training=True)), np.asarray(model(x, training=False))
    kinds = np.unique(trained.round(4).reshape(200, -1), axis=0)
    assert len(kinds) == 4  # none, one or both of the two branches
    assert np.allclose(rested, rested[:1], rtol=1e-4, atol=1e-4)


def test_initial_weights_keep_the_scale(attention: Any) -> None:
    model = keras_block(lambda x: attention.block(x, "block", heads=4, hidden=128, dropout=0.0, skip=0.0), (5, 64))
    for name, width in (("attention_query_key_value", 64**-0.5), ("dense1", (2 / 64) ** 0.5), ("dense2", 128**-0.5)):
        weight = np.asarray(model.get_layer(f"block_{name}").kernel)
        assert weight.std() == pytest.approx(width, rel=0.03)
