"""Sums over edges and groups."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.layers.torch_incidence import Grouped, Incidence, apply_map, connected, groups, sum_rows

SOURCE = torch.tensor([0, 3, 1, 0, 4], dtype=torch.int32)
DESTINATION = torch.tensor([1, 4, 4, 3, 0], dtype=torch.int32)


def test_rows_are_summed_in_groups() -> None:
    x, index = torch.arange(8.0).view(4, 2), torch.tensor([3, 0, 1], dtype=torch.int32)
    offsets = torch.tensor([0, 2, 2, 3], dtype=torch.int32)
    assert sum_rows(x, index, offsets).tolist() == [[6.0, 8.0], [0.0, 0.0], [2.0, 3.0]]
    assert sum_rows(x, index[:0], offsets[:1]).shape == (0, 2)
    assert sum_rows(x[:0], index[:0], 0 * offsets).tolist() == [[0.0, 0.0]] * 3


def test_groups_are_rows_in_order() -> None:
    order, offsets = groups(torch.tensor([2, 0, 2, 3]), 4)
    assert order.tolist() == [1, 0, 2, 3]
    assert offsets.tolist() == [0, 1, 1, 3, 4]
    assert order.dtype == offsets.dtype == torch.int32


def test_a_map_and_its_transpose_are_each_others_gradient() -> None:
    grouped, x = Grouped(torch.tensor([1, 0, 1, 3]), 4), torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: apply_map(x, grouped.members, grouped.owner), x)
    assert torch.autograd.gradcheck(grouped.spread, x)
    assert torch.autograd.gradgradcheck(grouped.total, x)


def test_groups_give_sums_and_hand_out() -> None:
    number, x = torch.tensor([1, 0, 1, 3]), torch.randn(4, 3)
    grouped = Grouped(number, 4)
    torch.testing.assert_close(grouped.total(x), torch.zeros(4, 3).index_add(0, number, x))
    assert torch.equal(grouped.spread(x), x[number])


def test_edges_read_both_of_their_ends() -> None:
    graph, x = Incidence(SOURCE, DESTINATION, 5), torch.randn(5, 6)
    torch.testing.assert_close(graph.expand(x), x[SOURCE.long(), :3] + x[DESTINATION.long(), 3:])


@pytest.mark.parametrize("weighted", [False, True])
def test_nodes_collect_what_leaves_and_what_comes(weighted: bool) -> None:
    graph, e, weight = Incidence(SOURCE, DESTINATION, 5), torch.randn(5, 3), torch.rand(5)
    given, zero = e * weight[:, None] if weighted else e, torch.zeros(5, 3)
    expected = torch.cat([zero.index_add(0, end.long(), given) for end in (SOURCE, DESTINATION)], dim=1)
    torch.testing.assert_close(graph.collect(e, weight if weighted else None), expected)


def test_gradients_of_edges_and_nodes() -> None:
    graph = Incidence(SOURCE, DESTINATION, 5)
    e, weight = torch.randn(5, 2, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    x = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    e.requires_grad_(), weight.requires_grad_()
    assert torch.autograd.gradcheck(graph.expand, x)
    assert torch.autograd.gradcheck(graph.collect, e)
    assert torch.autograd.gradcheck(graph.collect, (e, weight))


def test_sums_in_bf16_are_made_in_float32() -> None:
    """Of 4,000 edges into one node, a sum that is rounded at each step would stop at 256."""
    edges = 4000
    graph = Incidence(torch.zeros(edges, dtype=torch.int32), torch.ones(edges, dtype=torch.int32), 2)
    for weight in (None, torch.ones(edges)):
        total = graph.collect(torch.ones(edges, 1, dtype=torch.bfloat16), weight)
        assert total.dtype == torch.bfloat16
        torch.testing.assert_close(total[1, 1].item(), 4000.0, rtol=0.01, atol=0)


@pytest.mark.parametrize("nodes", [0, 3])
def test_no_edges(nodes: int) -> None:
    graph = Incidence(SOURCE[:0], DESTINATION[:0], nodes)
    assert graph.expand(torch.ones(nodes, 6)).shape == (0, 3)
    for weight in (None, torch.empty(0)):
        total = graph.collect(torch.empty(0, 3), weight)
        assert total.shape == (nodes, 6)
        assert not total.any()


def test_hits_without_an_edge_are_left_out() -> None:
    nodes, layer = torch.arange(12.0).reshape(6, 2), torch.arange(6, dtype=torch.int32)
    inputs = {
        "nodes": nodes,
        "layer": layer,
        "edges": torch.ones(3, 1),
        "source": torch.tensor([1, 1, 3], dtype=torch.int32),
        "destination": torch.tensor([3, 5, 5], dtype=torch.int32),
    }
    left = connected(inputs)
    assert left["layer"].tolist() == [1, 3, 5]
    assert left["edges"] is inputs["edges"]
    for end in ("source", "destination"):
        assert left[end].dtype == torch.int32
        torch.testing.assert_close(left["nodes"][left[end].long()], nodes[inputs[end].long()])
    none = torch.zeros(0, dtype=torch.int32)
    assert len(connected({**inputs, "source": none, "destination": none})["nodes"]) == 0
