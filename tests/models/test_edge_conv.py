"""The dynamic graph network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.layers.torch_edge_conv import EdgeBlock

sys.path.insert(0, str(Path(__file__).parent))
from points import INPUTS, assert_empty_events_are_finite, assert_points_model, events, network

EDGE = {"name": "edge_conv", "widths": [6, 8], "embedding": 8, "dense": 6, "neighbours": 3}


@pytest.mark.parametrize(
    ("kind", "without"),
    [
        ({}, ()),
        ({}, ("neighbours", "summary")),
        ({"graph": "given", "norm": "batch", "neighbours": 20}, ()),
        ({"neighbours": 20, "norm": "none", "aggregate": "mean"}, ("neighbours",)),
        ({"aggregate": "mean", "pool": ["sum"], "dense": 0}, ()),
    ],
)
def test_padding_and_order_do_not_matter_and_everything_learns(kind: dict[str, Any], without: tuple[str, ...]) -> None:
    assert_points_model({**EDGE, **kind}, without)


def test_empty_events_give_finite_outputs() -> None:
    assert_empty_events_are_finite(EDGE)
    assert_empty_events_are_finite({**EDGE, "norm": "batch", "aggregate": "mean"})


@pytest.mark.parametrize("aggregate", ["max", "mean"])
def test_block_is_the_published_edge_convolution(aggregate: str) -> None:
    """max or mean over j of relu(A x_i + B (x_j - x_i) + bias), edge by edge."""
    torch.manual_seed(2)
    _, config = MODELS.configure({**EDGE, "norm": "none", "aggregate": aggregate}, where="test")
    block = EdgeBlock(4, 5, config)
    torch.nn.init.normal_(block.own_other.bias)
    x, index = torch.randn(1, 7, 4), (torch.arange(7)[:, None] + torch.tensor([1, 2, 5])) % 7
    c, b = block.own_other.weight.chunk(2)
    first, second = block.own_other.bias.chunk(2)
    expected = []
    for i in range(7):
        edges = [torch.relu((c + b) @ x[0, i] + b @ (x[0, j] - x[0, i]) + first + second) for j in index[i].tolist()]
        stacked = torch.stack(edges)
        expected.append(stacked.amax(0) if aggregate == "max" else stacked.mean(0))
    found = block(x, index, torch.ones(1, 7, 1, dtype=torch.bool))
    torch.testing.assert_close(found[0], torch.stack(expected))


def test_settings_that_do_not_fit_are_refused() -> None:
    model = MODELS.build({**EDGE, "graph": "given"}, where="test")
    with pytest.raises(ConfigError, match="needs the neighbours"):
        model.check({name: shape for name, shape in INPUTS.items() if name != "neighbours"})
    with pytest.raises(ConfigError, match="takes points"):
        model.check({"image": (8, 8, 1)})
    with pytest.raises(ConfigError, match="may stand once"):
        MODELS.build({**EDGE, "pool": ["max", "max"]}, where="test")
    assert model.engines() == ["torch"]


def test_dropout_is_random_only_in_training() -> None:
    module, inputs = network({**EDGE, "dropout": 0.4}), events()
    assert not torch.equal(module(**inputs), module(**inputs))
    module.eval()
    assert torch.equal(module(**inputs), module(**inputs))


def test_a_framework_that_the_model_lacks_is_refused_by_name() -> None:
    model = MODELS.build("edge_conv", where="test")
    assert model.engines() == ["torch"]
    with pytest.raises(ConfigError, match=r"no Keras network.*set training.engine to torch"):
        model.keras({}, 1)
