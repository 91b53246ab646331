"""The network on hits and on clusters of hits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS

sys.path.insert(0, str(Path(__file__).parent))
from tracks import INPUTS, assert_empty_graphs_are_fine, assert_graph_model, graph, joined, learned, network

SMALL = {"name": "hierarchical_network", "width": 8, "iterations": 1, "rounds": 2, "embedding": 3, "least": 2}


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
    module = network({**SMALL, "least": 1000, "readout": readout})
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
    for least in (2, 1000):
        module = network({**SMALL, "least": least, "rounds": 1}).eval()
        reach[least] = int((module(**batch) != module(**changed)).any(1).nonzero().max())
    assert reach[1000] == 2
    assert reach[2] > 3


def test_hits_without_events_are_refused() -> None:
    model = MODELS.build(SMALL, where="test")
    with pytest.raises(ConfigError, match="number of the event"):
        model.check({name: shape for name, shape in INPUTS.items() if name != "event"})
