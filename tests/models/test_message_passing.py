"""Message passing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.layers.torch_messages import Attention, Edges

sys.path.insert(0, str(Path(__file__).parent))
from points import INPUTS, assert_empty_events_are_finite, assert_points_model, events, network

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
    _, config = MODELS.configure({**MESSAGES, "heads": heads}, where="test")
    layer, x = Attention(config), torch.randn(5, 8)
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
    torch.testing.assert_close(layer(x, Edges(index, valid, features)), expected)


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
