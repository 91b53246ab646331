"""Edge convolutions on batches of events that are not full."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.edge_conv import EdgeConv
from hitforge.models.layers.torch_edge_conv import EdgeBlock, EdgeNetwork
from hitforge.models.layers.torch_neighbours import flat_index

REAL = (torch.arange(6) < torch.tensor([[6], [4]]))[..., None]  # (2, 6, 1)


def test_a_mean_counts_only_the_edges_that_there_are() -> None:
    torch.manual_seed(0)
    block = EdgeBlock(3, 4, EdgeConv.Config(norm="none", aggregate="mean"))
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
    block = EdgeBlock(3, 4, EdgeConv.Config(norm="none", aggregate="max"))
    x, neighbours = torch.randn(2, 6, 3), (torch.arange(6)[:, None] + torch.tensor([1, 2, 4])) % 6
    own, other = block.own_other(x).chunk(2, dim=2)
    expected = (own[:, :, None] + other[:, neighbours]).clamp(min=0).amax(2)
    torch.testing.assert_close(block(x, flat_index(neighbours.expand(2, 6, 3)), REAL), expected)


def test_normalisation_reads_the_real_points_alone() -> None:
    torch.manual_seed(2)
    block = EdgeBlock(3, 4, EdgeConv.Config(norm="batch"))
    x, index = torch.randn(2, 6, 3), flat_index(torch.zeros(2, 6, 1, dtype=torch.int64))
    found = block(x, index, REAL)[REAL[..., 0]]  # (10, 4)
    torch.testing.assert_close(found.mean(0), torch.zeros(4), rtol=0, atol=1e-5)
    changed = torch.where(REAL, x, 1e3)
    torch.testing.assert_close(block(changed, index, REAL)[REAL[..., 0]], found)


@pytest.mark.parametrize("graph", ["dynamic", "given"])
def test_a_dynamic_graph_is_searched_among_the_features_of_the_block_before(graph: str) -> None:
    torch.manual_seed(3)
    config = EdgeConv.Config(widths=(4, 5), graph=graph, neighbours=2, embedding=6, norm="none")
    network, seen = EdgeNetwork(3, 0, 2, config), []
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
    network = EdgeNetwork(3, 0, 2, EdgeConv.Config(widths=(4, 5), embedding=6))
    assert network.blocks[0].own_other.in_features == 3 + 3
    assert network.blocks[1].own_other.in_features == 4
    assert network.embedding.in_features == 4 + 5
