"""ParticleNet: edge convolutions with several layers an edge."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.points.particle_net import EdgeLayers
from tests.models.points.points import assert_empty_events_are_finite, assert_points_model

NET = {"name": "particle_net", "widths": [[6, 5], [8, 7, 4]], "neighbours": 3, "dense": 6, "dropout": 0.0}


@pytest.mark.parametrize(
    ("kind", "without"),
    [
        ({}, ()),
        ({"norm": "layer"}, ("neighbours", "summary", "momentum")),
        ({"norm": "none", "neighbours": 20, "pool": ["mean", "max"]}, ("neighbours",)),
    ],
)
def test_padding_and_order_do_not_matter_and_everything_learns(kind: dict[str, Any], without: tuple[str, ...]) -> None:
    assert_points_model({**NET, **kind}, without)


def test_empty_events_give_finite_outputs() -> None:
    assert_empty_events_are_finite(NET)


def test_block_is_the_published_one() -> None:
    """Mean over j of layers on (x_i, x_j - x_i), and a shortcut, edge by edge."""
    torch.manual_seed(2)
    block = EdgeLayers(4, (5, 3), "none")
    for layer in (block.own_other, block.layers[0], block.shortcut):
        torch.nn.init.normal_(layer.bias)
    x, index = torch.randn(1, 7, 4), (torch.arange(7)[:, None] + torch.tensor([1, 2, 5])) % 7
    c, b = block.own_other.weight.chunk(2)
    first = sum(block.own_other.bias.chunk(2))
    expected = []
    for i in range(7):
        edges = [
            torch.relu(block.layers[0](torch.relu((c + b) @ x[0, i] + b @ (x[0, j] - x[0, i]) + first)))
            for j in index[i].tolist()
        ]
        expected.append(torch.relu(torch.stack(edges).mean(0) + block.shortcut(x[0, i])))
    found = block(x, index, torch.ones(1, 7, 1, dtype=torch.bool))
    torch.testing.assert_close(found[0], torch.stack(expected))


def test_a_point_that_stands_in_for_a_missing_neighbour_is_no_edge() -> None:
    torch.manual_seed(3)
    block = EdgeLayers(4, (5, 3), "none")
    x, real = torch.randn(1, 3, 4), torch.ones(1, 3, 1, dtype=torch.bool)
    alone, filled = torch.tensor([[1], [0], [0]]), torch.tensor([[1, 0], [0, 1], [0, 2]])
    torch.testing.assert_close(block(x, filled, real), block(x, alone, real))


def test_what_is_no_set_of_points_is_refused() -> None:
    with pytest.raises(ConfigError, match="takes points"):
        MODELS.build(NET, where="test").check({"image": (8, 8, 1)})
