"""Messages along edges against explicit loops."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.layers.torch_messages import Attention, Edges, MessageBlock, MessageNetwork, Messages
from hitforge.models.message_passing import MessagePassing

INDEX = torch.tensor([[1, 2, 0], [0, 4, 1], [4, 3, 1], [3, 3, 3], [0, 1, 2]])
EDGES = Edges(
    INDEX, torch.arange(5)[:, None] != INDEX, torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
)


def config(aggregate: str) -> MessagePassing.Config:
    return MessagePassing.Config(width=6, edge=4, aggregate=aggregate, expansion=2.0)


@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_messages_are_those_of_the_edges_that_there_are(aggregate: str) -> None:
    torch.manual_seed(1)
    layer, x = Messages(config(aggregate)), torch.randn(5, 6)
    own, other = layer.own_other.weight.chunk(2)
    expected = torch.zeros(5, 6)
    for i in range(5):
        found = [
            torch.relu(own @ x[i] + other @ x[INDEX[i, k]] + layer.edge.weight @ EDGES.features[i, k])
            for k in range(3)
            if INDEX[i, k] != i
        ]
        if found:
            stacked = torch.stack(found)
            expected[i] = stacked.mean(0) if aggregate == "mean" else stacked.amax(0)
    torch.testing.assert_close(layer(x, EDGES), expected)


def test_attention_sums_to_one_over_the_edges() -> None:
    """With equal values everywhere and silent edges the weights drop out, and a lonely point gets nothing."""
    torch.manual_seed(2)
    layer, x = Attention(config("attention")), torch.randn(1, 6).expand(5, 6)
    torch.nn.init.zeros_(layer.edge_value)
    expected = layer.value(x) * EDGES.valid.any(1, keepdim=True)
    torch.testing.assert_close(layer(x, EDGES), expected)
    assert not expected[3].any()


@pytest.mark.parametrize("aggregate", ["attention", "mean", "max"])
def test_a_block_is_two_branches_beside_shortcuts(aggregate: str) -> None:
    torch.manual_seed(3)
    block, x, real = MessageBlock(config(aggregate)), torch.randn(1, 5, 6), torch.ones(1, 5, 1, dtype=torch.bool)
    middle = x + block.mix(block.messages(block.norm1(x, real)[0], EDGES))
    expected = middle + block.dense2(block.dense1(block.norm2(middle, real)).clamp(min=0))
    torch.testing.assert_close(block(x, EDGES, real), expected)
    assert block.dense1.out_features == 12
    for layer in (block.mix, block.dense2):
        torch.nn.init.zeros_(layer.weight)
    assert torch.equal(block(x, EDGES, real), x)


def test_edges_carry_differences_of_positions_and_their_length() -> None:
    torch.manual_seed(4)
    network, position = MessageNetwork(3, 0, 2, config("mean")), torch.randn(2, 5, 3)
    found = network._edges(position, INDEX.expand(2, 5, 3).int())
    assert torch.equal(found.rows, torch.cat([INDEX, INDEX + 5]))
    assert torch.equal(found.valid, torch.cat([EDGES.valid, EDGES.valid]))
    for event in range(2):
        for i in range(5):
            for k in range(3):
                step = position[event, INDEX[i, k]] - position[event, i]
                given = torch.cat([step, (step.square().sum(0, keepdim=True) + 1e-6).sqrt()])
                torch.testing.assert_close(found.features[5 * event + i, k], torch.relu(network.edge(given)))
