"""The network for pixels and strips."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.graph.heterogeneous_network import ByKind, HeterogeneousNetwork
from hitforge.models.graph.interaction_network import InteractionNetwork
from tests.models.graph.tracks import INPUTS, assert_empty_graphs_are_fine, assert_graph_model, graph, learned, network

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


KIND = torch.tensor([1, 0, 2, 0, 1, 1])


def test_rows_go_to_their_kind_and_come_back() -> None:
    rows, x = ByKind(KIND, 4), torch.arange(6.0)[:, None]
    parts = rows.split(x)
    assert [part[:, 0].tolist() for part in parts] == [[1, 3], [0, 4, 5], [2], []]
    assert rows.sizes == [2, 3, 1, 0]
    assert torch.equal(rows.join(parts), x)


def test_with_equal_weights_for_all_kinds_it_is_an_interaction_network() -> None:
    torch.manual_seed(0)
    settings = {"width": 6, "iterations": 2, "layers": 6}
    network = HeterogeneousNetwork(3, 2, 2, **settings, kinds=2).eval()
    plain = InteractionNetwork(3, 2, 2, **settings).eval()
    for encoder in network.node:
        encoder.load_state_dict(plain.node.state_dict())
    for number in range(4):
        network.edge[number].load_state_dict(plain.edge.state_dict())
        network.edge_heads[number].load_state_dict(plain.edge_head.state_dict())
    for several, one in zip(network.steps, plain.steps, strict=True):
        for parts, part in ((several.edges, one.edge), (several.gates, one.gate), (several.nodes, one.node)):
            for module in parts:
                module.load_state_dict(part.state_dict())
    inputs = {"nodes": torch.randn(6, 3), "layer": torch.arange(6), "kind": KIND, "edges": torch.randn(8, 2)}
    inputs |= {"source": torch.randint(0, 6, (8,)), "destination": torch.randint(0, 6, (8,))}
    torch.testing.assert_close(network(**inputs), plain(**inputs))
