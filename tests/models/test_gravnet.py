"""GravNet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.layers.torch_gravnet import GravBlock

sys.path.insert(0, str(Path(__file__).parent))
from points import assert_empty_events_are_finite, assert_points_model

GRAVNET = {"name": "gravnet", "width": 8, "passed": 5, "space": 3, "dense": 6, "neighbours": 4}


@pytest.mark.parametrize(
    ("kind", "without"),
    [
        ({}, ()),
        ({"norm": "batch", "exchange": False}, ("neighbours", "summary")),
        ({"neighbours": 30, "norm": "none", "pool": ["attention", "max"]}, ("neighbours",)),
    ],
)
def test_padding_and_order_do_not_matter_and_everything_learns(kind: dict[str, Any], without: tuple[str, ...]) -> None:
    assert_points_model({**GRAVNET, **kind}, without)


def test_empty_events_give_finite_outputs() -> None:
    assert_empty_events_are_finite(GRAVNET)


def test_block_weighs_the_nearest_by_their_distance() -> None:
    """Mean and maximum over the two nearest others of exp(-10 d^2) times what they pass on."""
    torch.manual_seed(5)
    _, config = MODELS.configure({**GRAVNET, "norm": "none", "exchange": False, "neighbours": 2}, where="test")
    block = GravBlock(4, config)
    x = 0.3 * torch.randn(1, 6, 4)
    space, passed = block.coordinates(x)[0], block.passed(x)[0]
    expected = []
    for i in range(6):
        distance = (space - space[i]).square().sum(1)
        near = distance.argsort()[1:3]
        weighted = torch.exp(-10 * distance[near])[:, None] * passed[near]
        received = torch.cat([x[0, i], weighted.mean(0), weighted.amax(0)])
        expected.append(torch.relu(block.output(received)))
    found = block(x, torch.ones(1, 6, 1, dtype=torch.bool))
    torch.testing.assert_close(found[0], torch.stack(expected))


def test_other_inputs_are_refused() -> None:
    with pytest.raises(ConfigError, match="takes points"):
        MODELS.build(GRAVNET, where="test").check({"volume": (4, 8, 8, 1)})
    assert MODELS.build(GRAVNET, where="test").engines() == ["torch"]
