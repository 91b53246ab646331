"""The dynamic graph network."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.layers.torch_neighbours import flat_index
from hitforge.models.points.edge_conv import EdgeBlock, EdgeNetwork
from tests.models.points.points import INPUTS, assert_empty_events_are_finite, assert_points_model, events, network

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
    block = EdgeBlock(4, 5, norm="none", aggregate=aggregate, dropout=0.0)
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
    with pytest.raises(ConfigError, match="must differ from each other"):
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


REAL = (torch.arange(6) < torch.tensor([[6], [4]]))[..., None]  # (2, 6, 1)


def test_a_mean_counts_only_the_edges_that_there_are() -> None:
    torch.manual_seed(0)
    block = EdgeBlock(3, 4, norm="none", aggregate="mean", dropout=0.0)
    x = torch.randn(2, 6, 3)
    neighbours = torch.tensor([[1, 2, 0], [0, 2, 3], [2, 2, 2], [1, 0, 3], [5, 3, 0], [5, 4, 5]]).expand(2, 6, 3)
    matrix, bias = block.own_other.weight, block.own_other.bias
    expected = torch.zeros(2, 6, 4)
    for event in range(2):
        for i in range(6):
            near = [j for j in neighbours[event, i].tolist() if j != i]  # a point never neighbours itself
            for j in near:
                own, other = matrix[:4] @ x[event, i] + bias[:4], matrix[4:] @ x[event, j] + bias[4:]
                expected[event, i] += (own + other).clamp(min=0) / len(near)
    torch.testing.assert_close(block(x, flat_index(neighbours), REAL), expected)


def test_the_largest_edge_is_found_without_making_edges() -> None:
    torch.manual_seed(1)
    block = EdgeBlock(3, 4, norm="none", aggregate="max", dropout=0.0)
    x, neighbours = torch.randn(2, 6, 3), (torch.arange(6)[:, None] + torch.tensor([1, 2, 4])) % 6
    own, other = block.own_other(x).chunk(2, dim=2)
    expected = (own[:, :, None] + other[:, neighbours]).clamp(min=0).amax(2)
    torch.testing.assert_close(block(x, flat_index(neighbours.expand(2, 6, 3)), REAL), expected)


def test_normalisation_reads_the_real_points_alone() -> None:
    torch.manual_seed(2)
    block = EdgeBlock(3, 4, norm="batch", aggregate="max", dropout=0.0)
    x, index = torch.randn(2, 6, 3), flat_index(torch.zeros(2, 6, 1, dtype=torch.int64))
    found = block(x, index, REAL)[REAL[..., 0]]  # (10, 4)
    torch.testing.assert_close(found.mean(0), torch.zeros(4), rtol=0, atol=1e-5)
    changed = torch.where(REAL, x, 1e3)
    torch.testing.assert_close(block(changed, index, REAL)[REAL[..., 0]], found)


@pytest.mark.parametrize("graph", ["dynamic", "given"])
def test_a_dynamic_graph_is_searched_among_the_features_of_the_block_before(graph: str) -> None:
    torch.manual_seed(3)
    network, seen = EdgeNetwork(3, 2, widths=(4, 5), graph=graph, neighbours=2, embedding=6, norm="none"), []
    for block in network.blocks:
        block.register_forward_pre_hook(lambda _, given: seen.append(given[:2]))
    neighbours = (torch.arange(6)[:, None] + torch.tensor([1, 2])).expand(2, 6, 2) % 6
    full = torch.ones(2, 6, 1)
    network(points=torch.randn(2, 6, 3), position=torch.randn(2, 6, 3), mask=full, neighbours=neighbours.int())
    (_, first), (features, second) = seen
    assert torch.equal(first, flat_index(neighbours))
    if graph == "given":
        assert torch.equal(second, first)
        return
    distance = torch.cdist(features.double(), features.double()) + 1e9 * torch.eye(6)
    expected = flat_index(distance.argsort(2)[..., :2])
    assert torch.equal(second.sort(1).values, expected.sort(1).values)
    assert not torch.equal(second.sort(1).values, first.sort(1).values)


def test_all_blocks_reach_the_embedding() -> None:
    network = EdgeNetwork(3, 2, widths=(4, 5), embedding=6)
    assert network.blocks[0].own_other.in_features == 3 + 3
    assert network.blocks[1].own_other.in_features == 4
    assert network.embedding.in_features == 4 + 5
