"""The interaction network."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.graph.interaction_network import InteractionNetwork
from tests.models.graph.tracks import INPUTS, assert_empty_graphs_are_fine, assert_graph_model, graph, learned, network

SMALL = {"name": "interaction_network", "width": 8, "iterations": 2}


@pytest.mark.parametrize("more", [{}, {"readout": "hit"}, {"shared": True}, {"checkpoint": True}])
def test_answers_for_each_edge_or_hit_and_learns(more: dict[str, Any]) -> None:
    assert_graph_model({**SMALL, **more})


@pytest.mark.parametrize("readout", ["edge", "hit"])
def test_empty_graphs(readout: str) -> None:
    assert_empty_graphs_are_fine({**SMALL, "readout": readout})


def test_answers_for_what_the_readout_says() -> None:
    assert MODELS.build(SMALL, where="test").per == "edge"
    assert MODELS.build({**SMALL, "readout": "hit"}, where="test").per == "hit"


@pytest.mark.parametrize("readout", ["edge", "hit"])
def test_messages_carry_what_only_a_far_hit_knows(readout: str) -> None:
    assert learned({"name": "interaction_network", "width": 16, "iterations": 3, "readout": readout}) > 0.97


def test_messages_reach_as_far_as_there_are_rounds() -> None:
    """On a chain, a hit at a distance of two edges matters to an edge after two rounds and not after one."""
    batch = graph(6, 5)
    batch["source"], batch["destination"] = torch.arange(5).int(), torch.arange(1, 6).int()
    changed = {**batch, "nodes": batch["nodes"].clone()}
    changed["nodes"][0] += 1.0
    for iterations in (1, 2, 3):
        module = network({**SMALL, "iterations": iterations}).eval()
        differs = (module(**batch) != module(**changed)).any(1)
        assert differs.tolist() == [edge <= iterations for edge in range(5)]


def test_shared_weights_are_those_of_one_round() -> None:
    def count(iterations: int, shared: bool) -> int:
        module = network({**SMALL, "iterations": iterations, "shared": shared})
        return sum(parameter.numel() for parameter in module.parameters())

    assert count(4, True) == count(1, True) == count(1, False) < count(4, False)


def test_saved_memory_changes_no_number() -> None:
    gradients = []
    for checkpoint in (False, True):
        module = network({**SMALL, "checkpoint": checkpoint})
        module(**graph()).square().sum().backward()
        gradients.append([parameter.grad for parameter in module.parameters()])
    for plain, saved in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, saved)


def test_hits_without_edges_are_refused() -> None:
    model = MODELS.build(SMALL, where="test")
    with pytest.raises(ConfigError, match="takes hits and edges"):
        model.check({name: INPUTS[name] for name in ("nodes", "layer", "event", "kind")})


def test_the_network_runs_in_bf16() -> None:
    torch.manual_seed(8)
    network = InteractionNetwork(6, 6, 1, width=16, iterations=2, layers=4).eval()
    inputs = {"nodes": torch.randn(4, 6), "layer": torch.arange(4), "edges": torch.randn(4, 6)}
    inputs |= {"source": torch.tensor([0, 3, 1, 0]), "destination": torch.tensor([1, 2, 2, 3])}
    exact = network(**inputs)
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(**inputs)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1)
    rough.float().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
