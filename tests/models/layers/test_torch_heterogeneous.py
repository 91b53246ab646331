"""Hits and edges by their kind."""

from __future__ import annotations

import torch

from hitforge.models.heterogeneous_network import HeterogeneousNetwork as Plugin
from hitforge.models.layers.torch_heterogeneous import ByKind, HeterogeneousNetwork
from hitforge.models.layers.torch_interaction import InteractionNetwork

KIND = torch.tensor([1, 0, 2, 0, 1, 1])


def test_rows_go_to_their_kind_and_come_back() -> None:
    rows, x = ByKind(KIND, 4), torch.arange(6.0)[:, None]
    parts = rows.split(x)
    assert [part[:, 0].tolist() for part in parts] == [[1, 3], [0, 4, 5], [2], []]
    assert rows.sizes == [2, 3, 1, 0]
    assert torch.equal(rows.join(parts), x)


def test_with_equal_weights_for_all_kinds_it_is_an_interaction_network() -> None:
    torch.manual_seed(0)
    config = Plugin.Config(width=6, iterations=2, layers=6, kinds=2)
    network, plain = HeterogeneousNetwork(3, 2, 2, config).eval(), InteractionNetwork(3, 2, 2, config).eval()
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
