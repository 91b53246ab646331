"""The network on edges without message passing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS

sys.path.insert(0, str(Path(__file__).parent))
from tracks import assert_empty_graphs_are_fine, assert_graph_model, graph, learned, network

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
