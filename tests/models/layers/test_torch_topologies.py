"""Several graphs over the same hits, part by part."""

from __future__ import annotations

import torch

from hitforge.models._graph import MessageConfig
from hitforge.models.layers.torch_interaction import InteractionNetwork
from hitforge.models.layers.torch_topologies import TopologiesNetwork


def test_a_second_set_without_edges_leaves_an_interaction_network() -> None:
    torch.manual_seed(0)
    config = MessageConfig(width=6, iterations=2, layers=6)
    network, plain = TopologiesNetwork(3, [2, 4], 2, config).eval(), InteractionNetwork(3, 2, 2, config).eval()
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
