"""The network for pixels and strips."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS

sys.path.insert(0, str(Path(__file__).parent))
from tracks import INPUTS, assert_empty_graphs_are_fine, assert_graph_model, graph, learned, network

SMALL = {"name": "heterogeneous_network", "width": 8, "iterations": 2}


@pytest.mark.parametrize("more", [{}, {"readout": "hit"}, {"shared": True}, {"checkpoint": True}])
def test_answers_for_each_edge_or_hit_and_learns(more: dict[str, Any]) -> None:
    assert_graph_model({**SMALL, **more})


@pytest.mark.parametrize("readout", ["edge", "hit"])
def test_empty_graphs(readout: str) -> None:
    assert_empty_graphs_are_fine({**SMALL, "readout": readout})


@pytest.mark.parametrize("readout", ["edge", "hit"])
def test_messages_carry_what_only_a_far_hit_knows_across_kinds(readout: str) -> None:
    assert learned({"name": "heterogeneous_network", "width": 16, "iterations": 3, "readout": readout}) > 0.97


def test_the_kind_of_a_hit_matters_and_unknown_kinds_are_the_last() -> None:
    module, batch = network(SMALL).eval(), graph()
    outputs = module(**batch)
    assert not torch.allclose(module(**{**batch, "kind": 1 - batch["kind"]}), outputs)
    assert torch.equal(module(**{**batch, "kind": batch["kind"] * 3}), outputs)


@pytest.mark.parametrize("kind", [0, 1])
def test_hits_of_one_kind_alone(kind: int) -> None:
    module, batch = network(SMALL), graph()
    outputs = module(**{**batch, "kind": torch.full_like(batch["kind"], kind)})
    outputs.square().sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    used = {name.split(".")[1] for name, p in module.named_parameters() if name.startswith("edge.") and p.grad.any()}
    assert used == {str(3 * kind)}


def test_hits_without_kinds_are_refused() -> None:
    model = MODELS.build(SMALL, where="test")
    with pytest.raises(ConfigError, match="kind of each hit"):
        model.check({name: shape for name, shape in INPUTS.items() if name != "kind"})
