"""The network on edges without message passing."""

from __future__ import annotations

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.graph.edge_filter import FilterNetwork
from hitforge.models.layers.torch_incidence import Incidence
from tests.models.graph.tracks import assert_empty_graphs_are_fine, assert_graph_model, graph, learned, network

SMALL = {"name": "edge_filter", "width": 8}


def test_answers_for_each_edge_and_learns() -> None:
    assert_graph_model(SMALL)


def test_empty_graphs() -> None:
    assert_empty_graphs_are_fine(SMALL)


def test_cannot_know_what_only_a_far_hit_knows() -> None:
    """Where message passing is right nearly always, it guesses."""
    assert 0.3 < learned({"name": "edge_filter", "width": 16, "depth": 4}) < 0.7


def test_an_edge_hears_of_its_own_hits_alone() -> None:
    batch, module = graph(), network(SMALL).eval()
    outputs = module(**batch)
    changed = {**batch, "nodes": batch["nodes"].clone()}
    changed["nodes"][4] += 1.0
    touched = (batch["source"] == 4) | (batch["destination"] == 4)
    assert touched.any()
    assert torch.equal((module(**changed) != outputs).any(1), touched)


def test_images_are_refused() -> None:
    with pytest.raises(ConfigError, match="takes hits and edges"):
        MODELS.build(SMALL, where="test").check({"image": (8, 8, 1)})


def test_blocks_see_hits_as_they_came() -> None:
    torch.manual_seed(0)
    network = FilterNetwork(3, 2, 1, width=4, depth=2, layers=5).eval()
    inputs = {"nodes": torch.randn(5, 3), "layer": torch.arange(5).int(), "edges": torch.randn(4, 2)}
    inputs |= {"source": torch.arange(4).int(), "destination": torch.arange(1, 5).int()}
    graph = Incidence(inputs["source"], inputs["destination"], 5)
    x, e = network.node(inputs["nodes"], inputs["layer"]), network.edge(inputs["edges"])
    first, second = network.blocks
    expected = network.head(x, second(x, first(x, e, graph), graph), graph)
    torch.testing.assert_close(network(**inputs), expected)
