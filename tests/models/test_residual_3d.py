"""The residual 3D network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS

sys.path.insert(0, str(Path(__file__).parent))
from volumes import INPUTS, assert_volume_model, network

RESIDUAL = {"name": "residual_3d", "widths": [4, 6], "blocks": 2, "dense": 5}


@pytest.mark.parametrize(("kind", "summary"), [({"version": 1}, True), ({"version": 2, "pool": "flatten"}, False)])
def test_gives_outputs_and_everything_learns(kind: dict[str, Any], summary: bool) -> None:
    assert_volume_model({**RESIDUAL, **kind}, summary)


def test_a_silent_branch_leaves_the_pre_activation_block_an_identity() -> None:
    block = network(RESIDUAL).blocks[0]  # type: ignore[index]
    torch.nn.init.zeros_(block.convolution2.weight)
    x = torch.randn(2, 4, 5, 5, 5)
    assert torch.equal(block(x), x)


def test_a_volume_that_is_too_small_is_refused() -> None:
    with pytest.raises(ConfigError, match="3 halvings need at least 8"):
        MODELS.build({**RESIDUAL, "widths": [4] * 3}, where="test").check(INPUTS)
    assert MODELS.build(RESIDUAL, where="test").engines() == ["torch"]
