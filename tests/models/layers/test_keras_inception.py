"""Inception blocks in Keras against torch and against their branches."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.models.inception import Inception
from hitforge.models.layers.torch_inception import InceptionBlock, Unit

sys.path.insert(0, str(Path(__file__).parent))
from twins import assert_twins, keras_block


@pytest.fixture(scope="module")
def blocks() -> Any:
    pytest.importorskip("keras")
    return importlib.import_module("hitforge.models.layers.keras_inception")


@pytest.mark.parametrize("normalise", [True, False])
def test_units_and_blocks_are_the_same_in_torch(blocks: Any, normalise: bool) -> None:
    torch.manual_seed(0)
    assert_twins(lambda x: blocks._unit(x, 4, 3, normalise, "block"), Unit(3, 4, 3, normalise), (6, 5, 3))
    assert_twins(lambda x: blocks._block(x, 8, normalise, "block"), InceptionBlock(3, 8, normalise), (6, 5, 3))


def test_four_branches_of_a_quarter_each_are_joined(blocks: Any) -> None:
    import keras

    model = keras_block(lambda x: blocks._block(x, 8, True, "block"), (6, 5, 3))
    branches = [model.get_layer(f"block_{name}_relu").output for name in ("one", "three", "five2", "pooled")]
    assert [branch.shape for branch in branches] == [(None, 6, 5, 2)] * 4
    x = np.random.default_rng(1).normal(size=(2, 6, 5, 3)).astype(np.float32)
    parts = keras.Model(model.input, branches)(x)
    joined = np.concatenate([np.asarray(part) for part in parts], axis=3)
    np.testing.assert_allclose(np.asarray(model(x)), joined, rtol=1e-6, atol=1e-6)


def test_the_pooled_branch_reads_the_largest_of_nine_cells(blocks: Any) -> None:
    import keras

    model = keras_block(lambda x: blocks._block(x, 4, False, "block"), (5, 6, 2))
    x = np.random.default_rng(2).normal(-3, 1, size=(2, 5, 6, 2)).astype(np.float32)
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    expected = np.lib.stride_tricks.sliding_window_view(wide, (3, 3), axis=(1, 2)).max((4, 5))
    found = keras.Model(model.input, model.get_layer("block_pool").output)(x)
    np.testing.assert_array_equal(np.asarray(found), expected)


def test_cells_halve_between_stages(blocks: Any) -> None:
    model = blocks.inception_network({"image": (9, 12, 2)}, 3, Inception.Config(widths=(4, 8), blocks=2))
    shapes = [model.get_layer(f"stages_{i}_{j}_join").output.shape[1:] for i in range(2) for j in range(2)]
    assert shapes == [(9, 12, 4), (9, 12, 4), (4, 6, 8), (4, 6, 8)]
