"""GravNet."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.points.gravnet import GravBlock, GravNetwork
from tests.models.points.points import assert_empty_events_are_finite, assert_points_model

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
    sizes = {"space": 3, "passed": 5, "neighbours": 2}
    block = GravBlock(4, GRAVNET["width"], **sizes, exchange=False, norm="none", dropout=0.0)
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


COUNTS = [6, 3, 1, 0]
REAL = (torch.arange(6) < torch.tensor(COUNTS)[:, None])[..., None]  # (4, 6, 1)


def block(exchange: bool, neighbours: int = 3) -> GravBlock:
    torch.manual_seed(0)
    sizes = {"space": 2, "passed": 3, "neighbours": neighbours}
    return GravBlock(4, 5, **sizes, exchange=exchange, norm="none", dropout=0.0)


@pytest.mark.parametrize("exchange", [False, True])
@pytest.mark.parametrize("neighbours", [2, 4, 8])
def test_a_missing_neighbour_passes_nothing_on(exchange: bool, neighbours: int) -> None:
    layer = block(exchange, neighbours)
    x = torch.where(REAL, 0.3 * torch.randn(4, 6, 4), 50.0)
    found = layer(x, REAL)
    for event, count in enumerate(COUNTS):
        rows = x[event, :count]
        space, passed = layer.coordinates(rows).detach(), layer.passed(rows)
        for i in range(count):
            near = sorted((j for j in range(count) if j != i), key=lambda j: float((space[j] - space[i]).norm()))
            total, largest = torch.zeros(3), torch.full((3,), -torch.inf)
            for j in near[:neighbours]:
                weighted = torch.exp(-10 * ((space[j] - space[i]) ** 2).sum()) * passed[j]
                total, largest = total + weighted, torch.maximum(largest, weighted)
            if len(near) < neighbours:
                largest = largest.clamp(min=0)
            expected = layer.output(torch.cat([rows[i], total / neighbours, largest]))
            if exchange:
                expected = expected + layer.mean.weight @ rows.mean(0)
            torch.testing.assert_close(found[event, i], torch.relu(expected), rtol=1e-4, atol=1e-5)


def test_only_the_exchange_reaches_beyond_the_neighbours() -> None:
    """A far point moves the mean of the event, and nothing else."""
    torch.manual_seed(1)
    x = 0.3 * torch.randn(1, 6, 4)
    far = x.clone()
    far[0, 5] = 40.0
    x[0, 5] = 80.0
    real = torch.ones(1, 6, 1, dtype=torch.bool)
    for exchange in (False, True):
        layer = block(exchange)
        assert torch.allclose(layer(x, real)[0, :5], layer(far, real)[0, :5], atol=1e-5) is not exchange


def test_coordinates_learn_through_the_weights() -> None:
    layer = block(False)
    layer(torch.randn(4, 6, 4), REAL).sum().backward()
    assert layer.coordinates.weight.grad.abs().sum() > 0


def test_all_blocks_and_the_first_layer_reach_the_embedding() -> None:
    network = GravNetwork(3, 2, width=5, blocks=3)
    assert network.embed.in_features == 3 + 3
    assert network.embedding.in_features == 5 * 4
