"""The inception network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS

sys.path.insert(0, str(Path(__file__).parent))
from images import assert_every_parameter_learns, assert_same_in_keras, images, network, tensor

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
