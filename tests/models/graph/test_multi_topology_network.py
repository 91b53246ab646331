"""The network over several graphs of the same hits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.graph.interaction_network import InteractionNetwork
from hitforge.models.graph.multi_topology_network import MultiTopologyNetwork
from tests.models.graph.tracks import (
    INPUTS,
    SECOND,
    assert_empty_graphs_are_fine,
    assert_graph_model,
    graph,
    learned,
    network,
)

SMALL = {"name": "multi_topology_network", "width": 8, "iterations": 2}
BOTH = {**INPUTS, **SECOND}


@pytest.mark.parametrize("more", [{}, {"readout": "hit"}, {"shared": True}, {"checkpoint": True}])
def test_answers_for_each_edge_or_hit_and_learns(more: dict[str, Any]) -> None:
    assert_graph_model({**SMALL, **more}, BOTH)


@pytest.mark.parametrize("readout", ["edge", "hit"])
def test_empty_graphs(readout: str) -> None:
    assert_empty_graphs_are_fine({**SMALL, "readout": readout}, BOTH)


def test_messages_carry_what_only_a_far_hit_knows() -> None:
    assert learned({"name": "multi_topology_network", "width": 16, "iterations": 3}, BOTH) > 0.97


def test_messages_take_the_ways_of_the_second_set() -> None:
    """A hit that no edge of the first set joins to the others matters once an edge of the second does."""
    batch, module = graph(6, 4, second=True), network(SMALL, inputs=BOTH).eval()
    batch["source"], batch["destination"] = torch.arange(4).int(), torch.arange(1, 5).int()
    for name in SECOND:
        batch[name] = batch[name][:1]
    changed = {**batch, "nodes": batch["nodes"].clone()}
    changed["nodes"][5] += 1.0
    for joined in (False, True):
        batch["source_1"], batch["destination_1"] = torch.tensor([4]).int(), torch.tensor([5 if joined else 3]).int()
        changed |= {name: batch[name] for name in ("source_1", "destination_1")}
        assert torch.equal(module(**changed), module(**batch)) is not joined


def test_a_third_set_is_taken() -> None:
    more = {f"{name}_2": shape for name, shape in (("edges", (1,)), ("source", ()), ("destination", ()))}
    module, batch = network(SMALL, inputs={**BOTH, **more}), graph(second=True)
    third = {"edges_2": torch.ones(3, 1), "source_2": torch.arange(3).int(), "destination_2": torch.arange(3, 6).int()}
    assert module(**batch, **third).shape == (70, 2)


@pytest.mark.parametrize(
    ("without", "message"),
    [(set(SECOND), "edges_1, source_1, destination_1 of set 2"), ({"source_1"}, "but source_1 of")],
)
def test_what_is_missing_is_named(without: set[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MODELS.build(SMALL, where="test").check({name: shape for name, shape in BOTH.items() if name not in without})


def test_a_second_set_without_edges_leaves_an_interaction_network() -> None:
    torch.manual_seed(0)
    settings = {"width": 6, "iterations": 2, "layers": 6}
    network = MultiTopologyNetwork(3, [2, 4], 2, **settings).eval()
    plain = InteractionNetwork(3, 2, 2, **settings).eval()
    network.node.load_state_dict(plain.node.state_dict())
    network.edge[0].load_state_dict(plain.edge.state_dict())
    network.edge_head.load_state_dict(plain.edge_head.state_dict())
    for several, one in zip(network.steps, plain.steps, strict=True):
        several.edges[0].load_state_dict(one.edge.state_dict())
        several.gates[0].load_state_dict(one.gate.state_dict())
        several.nodes[0].load_state_dict(one.node.state_dict())
    inputs = {"nodes": torch.randn(6, 3), "layer": torch.arange(6), "edges": torch.randn(8, 2)}
    inputs |= {"source": torch.randint(0, 6, (8,)), "destination": torch.randint(0, 6, (8,))}
    none = torch.empty(0, dtype=torch.int32)
    second = {"edges_1": torch.empty(0, 4), "source_1": none, "destination_1": none}
    torch.testing.assert_close(network(**inputs, **second), plain(**inputs))
    second = {"edges_1": torch.randn(1, 4), "source_1": torch.tensor([0]), "destination_1": torch.tensor([5])}
    assert not torch.allclose(network(**inputs, **second), plain(**inputs))
