"""The network on hits and on clusters of hits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.graph._pooling import Links, Pooled
from hitforge.models.graph.hierarchical_network import HierarchicalNetwork, HierarchicalStep, Lift
from hitforge.models.layers.torch_incidence import Grouped, Incidence
from tests.models.graph.tracks import (
    INPUTS,
    assert_empty_graphs_are_fine,
    assert_graph_model,
    graph,
    joined,
    learned,
    network,
)

SMALL = {"name": "hierarchical_network", "width": 8, "iterations": 1, "rounds": 2, "embedding": 3, "min_hits": 2}


@pytest.mark.parametrize("more", [{}, {"readout": "hit"}, {"shared": True}, {"checkpoint": True}])
def test_answers_for_each_edge_or_hit_and_learns(more: dict[str, Any]) -> None:
    assert_graph_model({**SMALL, **more})


@pytest.mark.parametrize("readout", ["edge", "hit"])
def test_empty_graphs(readout: str) -> None:
    assert_empty_graphs_are_fine({**SMALL, "readout": readout})


@pytest.mark.parametrize("readout", ["edge", "hit"])
def test_messages_carry_what_only_a_far_hit_knows(readout: str) -> None:
    block = {"name": "hierarchical_network", "width": 16, "iterations": 3, "rounds": 1, "readout": readout}
    assert learned(block, steps=70) > 0.97


@pytest.mark.parametrize("readout", ["edge", "hit"])
def test_no_super_node_leaves_a_flat_network(readout: str) -> None:
    module = network({**SMALL, "min_hits": 1000, "readout": readout})
    outputs = module(**graph())
    assert outputs.isfinite().all()
    outputs.square().sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert not module.assign(**graph()).probability.any()


def test_hits_are_assigned_to_super_nodes_of_their_own_event() -> None:
    module, parts = network(SMALL).eval(), [graph(), graph(21, 33, seed=8)]
    whole = module.assign(**joined(parts))
    count = int(whole.super_node.max())  # stands for none
    first, second = whole.super_node[:30], whole.super_node[30:]
    assert not set(first[first < count].tolist()) & set(second[second < count].tolist())
    assert ((whole.probability > 0) == (whole.super_node < count)).all()
    assert (whole.probability.sum(1) < 1).all()
    alone = module.assign(**parts[1])
    torch.testing.assert_close(whole.probability[30:], alone.probability, rtol=1e-4, atol=1e-5)


def test_super_nodes_carry_messages_farther_than_the_rounds_on_hits() -> None:
    """Along a chain, a hit matters to an edge as far away as there are rounds, or in or beside its super-node."""
    batch = graph(30, 29)
    batch["source"], batch["destination"] = torch.arange(29).int(), torch.arange(1, 30).int()
    changed = {**batch, "nodes": batch["nodes"].clone()}
    changed["nodes"][0] += 1e-3  # clusters stay what they are
    reach = {}
    for min_hits in (2, 1000):
        module = network({**SMALL, "min_hits": min_hits, "rounds": 1}).eval()
        reach[min_hits] = int((module(**batch) != module(**changed)).any(1).nonzero().max())
    assert reach[1000] == 2
    assert reach[2] > 3


def test_hits_without_events_are_refused() -> None:
    model = MODELS.build(SMALL, where="test")
    with pytest.raises(ConfigError, match="number of the event"):
        model.check({name: shape for name, shape in INPUTS.items() if name != "event"})


POOLED = Pooled(
    number=2,
    label=torch.tensor([0, 0, 1, 1, 2]),
    candidates=torch.tensor([[0, 2], [0, 1], [1, 0], [1, 2], [2, 2]]),
    bundle=torch.tensor([1, 0, 1]),
    ends=(torch.tensor([0]), torch.tensor([1])),
)


def test_a_group_is_lifted_from_the_mean_of_its_members() -> None:
    torch.manual_seed(0)
    lift, x = Lift(4), torch.randn(5, 4)
    expected = lift.norm(lift.dense(torch.stack([x[:2].mean(0), x[2:4].mean(0)])))
    torch.testing.assert_close(lift(x, Grouped(POOLED.label, 3)), expected)


def test_a_step_passes_messages_on_and_between_both_levels() -> None:
    torch.manual_seed(1)
    graph, coarse = Incidence(torch.tensor([0, 1, 2]), torch.tensor([1, 2, 3]), 5), Incidence(*POOLED.ends, 2)
    step, links = HierarchicalStep(4), Links(POOLED)
    x, e, y, f = torch.randn(5, 4), torch.randn(3, 4), torch.randn(2, 4), torch.randn(1, 4)
    weight = torch.where(links.real, torch.rand(5, 2), 0.0)
    found = step((x, e, graph), (y, f, coarse), links, weight)
    edges, super_edges = step.edge(x, e, graph), step.super_edge(y, f, coarse)
    hits = step.node(x, torch.cat([step.gate(edges, graph), links.down(y, weight)], dim=1))
    supers = step.super_node(y, torch.cat([step.super_gate(super_edges, coarse), links.up(x, weight)], dim=1))
    for one, other in zip(found, (hits, edges, supers, super_edges), strict=True):
        torch.testing.assert_close(one, other)


def test_shared_weights_are_shared_on_both_levels() -> None:
    network = HierarchicalNetwork(3, 2, 1, width=4, iterations=2, rounds=3, shared=True)
    assert network.flat[0] is network.flat[1]
    assert network.both[0] is network.both[2]


def test_clusters_of_chains_are_learned_from_their_edges_alone() -> None:
    """Two chains crossed by false edges: once it is trained, super-nodes are the chains."""
    torch.manual_seed(2)
    network = HierarchicalNetwork(2, 1, 1, width=8, iterations=2, rounds=1, embedding=4, layers=5)
    chain = torch.arange(10) % 2  # hits of both chains take turns
    nodes = torch.stack([2.0 * chain - 1, torch.arange(10) / 5.0], dim=1)
    source = torch.cat([torch.arange(8), torch.arange(8)])
    destination = torch.cat([torch.arange(2, 10), torch.arange(1, 9)])
    inputs = {"nodes": nodes, "layer": torch.arange(10) // 2, "event": torch.zeros(10), "edges": torch.zeros(16, 1)}
    inputs |= {"source": source, "destination": destination}
    truth = (chain[source] == chain[destination]).float()
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(network(**inputs)[:, 0], truth).backward()
        optimiser.step()
    with torch.no_grad():
        assert ((network(**inputs)[:, 0] > 0) == truth.bool()).all()
        first = network.assign(**inputs).super_node[:, 0]
    assert len(first.unique()) == 2
    assert (first[::2] == first[0]).all()
    assert (first[1::2] == first[1]).all()
