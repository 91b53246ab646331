"""The plain convolutional network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS

sys.path.insert(0, str(Path(__file__).parent))
from images import (
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
