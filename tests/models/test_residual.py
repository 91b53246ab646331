"""The residual network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS

sys.path.insert(0, str(Path(__file__).parent))
from images import assert_every_parameter_learns, assert_same_in_keras, assert_summary_counts, images, network, tensor

RESIDUAL = {"name": "residual", "widths": [4, 6], "blocks": 2}
KINDS: list[dict[str, Any]] = [{"version": 1}, {"version": 2}, {"version": 2, "pool": "flatten", "dense": 5}]


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


def test_a_summary_joins_the_features() -> None:
    assert_summary_counts(RESIDUAL)


def test_keras_has_the_same_network_with_a_summary() -> None:
    pytest.importorskip("keras")
    assert_same_in_keras(RESIDUAL, summary=4)
