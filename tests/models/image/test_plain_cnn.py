"""The plain convolutional network."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.image.plain_cnn import PlainNetwork, plain_keras
from tests.models.image.images import (
    INPUTS,
    assert_every_parameter_learns,
    assert_same_in_keras,
    assert_summary_counts,
    images,
    network,
    tensor,
)

CNN = {"name": "plain_cnn", "widths": [4, 6]}
HEADS = [{}, {"pool": "flatten", "dense": 5}]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("count", [1, 6])
def test_gives_outputs_for_each_image(head: dict[str, Any], count: int) -> None:
    assert network({**CNN, **head}).eval()(image=tensor(images(count))).shape == (count, 3)


@pytest.mark.parametrize("head", HEADS)
def test_every_parameter_learns(head: dict[str, Any]) -> None:
    assert_every_parameter_learns(network({**CNN, **head}))


@pytest.mark.parametrize("head", HEADS)
def test_keras_has_the_same_network(head: dict[str, Any]) -> None:
    pytest.importorskip("keras")
    assert_same_in_keras({**CNN, **head})


def test_number_of_parameters() -> None:
    """Two convolutions of 3 x 3 in each of two stages, two numbers a channel to normalise, and the outputs."""
    count = sum(parameter.numel() for parameter in network(CNN).parameters())
    assert count == 9 * (2 * 4 + 4 * 4 + 4 * 6 + 6 * 6) + 2 * (4 + 4 + 6 + 6) + 6 * 3 + 3


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 8 x 8 cells"):
        MODELS.build({"name": "plain_cnn", "widths": [4] * 4}, where="test").check({"image": (6, 12, 1)})
    with pytest.raises(ConfigError, match="takes one image"):
        MODELS.build(CNN, where="test").check({"features": (12,)})
    with pytest.raises(ConfigError, match="takes one image"):
        MODELS.build(CNN, where="test").check({**INPUTS, "more": (2, 2, 1)})


def test_both_engines_are_supported() -> None:
    assert MODELS.build(CNN, where="test").engines() == ["torch", "keras"]


def test_a_summary_joins_the_features() -> None:
    assert_summary_counts(CNN)


def test_keras_has_the_same_network_with_a_summary() -> None:
    pytest.importorskip("keras")
    assert_same_in_keras(CNN, summary=4)


def test_cells_halve_between_stages_and_nowhere_else() -> None:
    torch.manual_seed(5)
    network = PlainNetwork(2, 3, widths=(3, 4, 5), convolutions=2).eval()
    x = torch.randn(2, 2, 9, 13)
    y = network.stages[0](x)
    assert y.shape == (2, 3, 9, 13)
    for stage, shape in zip(list(network.stages)[1:], [(2, 4, 4, 6), (2, 5, 2, 3)], strict=True):
        rows, columns = 2 * shape[2], 2 * shape[3]
        y = stage(y[:, :, :rows, :columns].reshape(2, -1, shape[2], 2, shape[3], 2).amax((3, 5)))
        assert y.shape == shape
    torch.testing.assert_close(network(image=x), network.head(y))


def test_cells_halve_between_stages_in_keras() -> None:
    pytest.importorskip("keras")
    model = plain_keras({"image": (9, 13, 2)}, 3, widths=(3, 4, 5), convolutions=2)
    shapes = [model.get_layer(f"stages_{i}_1_relu").output.shape[1:] for i in range(3)]
    assert shapes == [(9, 13, 3), (4, 6, 4), (2, 3, 5)]


def test_outputs_are_float32_where_the_rest_is_not() -> None:
    keras = pytest.importorskip("keras")

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = plain_keras({"image": (4, 4, 2)}, 3, widths=(4,))
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("stages_0_0_convolution").compute_dtype == "bfloat16"
    assert model.outputs[0].dtype == "float32"
