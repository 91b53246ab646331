"""Message passing on two levels, part by part."""

from __future__ import annotations

import torch

from hitforge.models.hierarchical_network import HierarchicalNetwork as Plugin
from hitforge.models.layers.torch_hierarchical import HierarchicalNetwork, HierarchicalStep, Lift
from hitforge.models.layers.torch_incidence import Grouped, Incidence
from hitforge.models.layers.torch_pooling import Links, Pooled

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
    network = HierarchicalNetwork(3, 2, 1, Plugin.Config(width=4, iterations=2, rounds=3, shared=True))
    assert network.flat[0] is network.flat[1]
    assert network.both[0] is network.both[2]


def test_clusters_of_chains_are_learned_from_their_edges_alone() -> None:
    """Two chains crossed by false edges: once it is trained, super-nodes are the chains."""
    torch.manual_seed(2)
    config = Plugin.Config(width=8, iterations=2, rounds=1, embedding=4, layers=5)
    network = HierarchicalNetwork(2, 1, 1, config)
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
