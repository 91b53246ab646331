"""Message passing."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.points.message_passing import EdgeAttention, EdgeTable, MessageBlock, MessageNetwork, Messages
from tests.models.points.points import INPUTS, assert_empty_events_are_finite, assert_points_model, events, network

MESSAGES = {"name": "message_passing", "width": 8, "edge": 4, "dense": 6}


@pytest.mark.parametrize(
    ("kind", "without"),
    [
        ({}, ()),
        ({"heads": 2, "norm": "batch"}, ("summary",)),
        ({"aggregate": "mean", "norm": "none"}, ()),
        ({"aggregate": "max", "expansion": 2.0, "pool": ["mean"]}, ()),
    ],
)
def test_padding_and_order_do_not_matter_and_everything_learns(kind: dict[str, Any], without: tuple[str, ...]) -> None:
    assert_points_model({**MESSAGES, **kind}, without)


def test_empty_events_give_finite_outputs() -> None:
    assert_empty_events_are_finite(MESSAGES)


@pytest.mark.parametrize("heads", [1, 2])
def test_attention_is_a_weighted_mean_of_neighbours_and_edges(heads: int) -> None:
    torch.manual_seed(6)
    layer, x = EdgeAttention(8, 4, heads), torch.randn(5, 8)
    index = torch.tensor([[1, 2, 0], [0, 1, 1], [4, 3, 1], [3, 3, 3], [0, 1, 2]])
    valid = index != torch.arange(5)[:, None]
    features = torch.randn(5, 3, 4)
    expected = torch.zeros(5, 8)
    size = 8 // heads
    for i in range(5):
        near = [k for k in range(3) if valid[i, k]]
        for head in range(heads if near else 0):
            part = slice(head * size, (head + 1) * size)
            scores, values = [], []
            for k in near:
                j = int(index[i, k])
                score = (layer.own(x[i]) + layer.other(x[j]) + layer.edge(features[i, k]))[head]
                scores.append(torch.nn.functional.leaky_relu(score, 0.2))
                values.append(layer.value(x[j])[part] + features[i, k] @ layer.edge_value[head])
            expected[i, part] = torch.stack(scores).softmax(0) @ torch.stack(values)
    torch.testing.assert_close(layer(x, EdgeTable(index, valid, features)), expected)


@pytest.mark.parametrize("aggregate", ["attention", "mean", "max"])
def test_a_point_that_stands_in_for_a_neighbour_is_no_edge(aggregate: str) -> None:
    module, inputs = network({**MESSAGES, "aggregate": aggregate}).eval(), events()
    own = torch.arange(9, dtype=torch.int32)[None, :, None].expand(6, 9, 2)
    more = {**inputs, "neighbours": torch.cat([inputs["neighbours"], own], dim=2)}
    torch.testing.assert_close(module(**more), module(**inputs))


def test_settings_that_do_not_fit_are_refused() -> None:
    model = MODELS.build(MESSAGES, where="test")
    with pytest.raises(ConfigError, match="needs the neighbours"):
        model.check({name: shape for name, shape in INPUTS.items() if name != "neighbours"})
    with pytest.raises(ConfigError, match="multiple of heads"):
        MODELS.build({**MESSAGES, "heads": 3}, where="test")
    assert model.engines() == ["torch"]


INDEX = torch.tensor([[1, 2, 0], [0, 4, 1], [4, 3, 1], [3, 3, 3], [0, 1, 2]])
EDGES = EdgeTable(
    INDEX, torch.arange(5)[:, None] != INDEX, torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
)


@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_messages_are_those_of_the_edges_that_there_are(aggregate: str) -> None:
    torch.manual_seed(1)
    layer, x = Messages(6, 4, aggregate), torch.randn(5, 6)
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
    layer, x = EdgeAttention(6, 4, heads=1), torch.randn(1, 6).expand(5, 6)
    torch.nn.init.zeros_(layer.edge_value)
    expected = layer.value(x) * EDGES.valid.any(1, keepdim=True)
    torch.testing.assert_close(layer(x, EDGES), expected)
    assert not expected[3].any()


@pytest.mark.parametrize("aggregate", ["attention", "mean", "max"])
def test_a_block_is_two_branches_beside_shortcuts(aggregate: str) -> None:
    torch.manual_seed(3)
    block = MessageBlock(6, 4, aggregate=aggregate, heads=1, expansion=2.0, norm="layer", dropout=0.0)
    x, real = torch.randn(1, 5, 6), torch.ones(1, 5, 1, dtype=torch.bool)
    middle = x + block.mix(block.messages(block.norm1(x, real)[0], EDGES))
    expected = middle + block.dense2(block.dense1(block.norm2(middle, real)).clamp(min=0))
    torch.testing.assert_close(block(x, EDGES, real), expected)
    assert block.dense1.out_features == 12
    for layer in (block.mix, block.dense2):
        torch.nn.init.zeros_(layer.weight)
    assert torch.equal(block(x, EDGES, real), x)


def test_edges_carry_differences_of_positions_and_their_length() -> None:
    torch.manual_seed(4)
    network, position = MessageNetwork(3, 2, width=6, edge=4, aggregate="mean"), torch.randn(2, 5, 3)
    found = network._edges(position, INDEX.expand(2, 5, 3).int())
    assert torch.equal(found.rows, torch.cat([INDEX, INDEX + 5]))
    assert torch.equal(found.valid, torch.cat([EDGES.valid, EDGES.valid]))
    for event in range(2):
        for i in range(5):
            for k in range(3):
                step = position[event, INDEX[i, k]] - position[event, i]
                given = torch.cat([step, (step.square().sum(0, keepdim=True) + 1e-6).sqrt()])
                torch.testing.assert_close(found.features[5 * event + i, k], torch.relu(network.edge(given)))
