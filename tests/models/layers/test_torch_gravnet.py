"""GravNet blocks on events that are not full, against explicit loops."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.gravnet import GravNet
from hitforge.models.layers.torch_gravnet import GravBlock, GravNetwork

COUNTS = [6, 3, 1, 0]
REAL = (torch.arange(6) < torch.tensor(COUNTS)[:, None])[..., None]  # (4, 6, 1)


def block(exchange: bool, neighbours: int = 3) -> GravBlock:
    torch.manual_seed(0)
    config = GravNet.Config(norm="none", width=5, space=2, passed=3, neighbours=neighbours, exchange=exchange)
    return GravBlock(4, config)


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
    network = GravNetwork(3, 0, 2, GravNet.Config(width=5, blocks=3))
    assert network.embed.in_features == 3 + 3
    assert network.embedding.in_features == 5 * 4
