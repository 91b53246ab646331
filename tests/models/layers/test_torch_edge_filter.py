"""The network on edges alone, part by part."""

from __future__ import annotations

import torch

from hitforge.models.edge_filter import EdgeFilter
from hitforge.models.layers.torch_edge_filter import FilterNetwork
from hitforge.models.layers.torch_incidence import Incidence


def test_blocks_see_hits_as_they_came() -> None:
    torch.manual_seed(0)
    network = FilterNetwork(3, 2, 1, EdgeFilter.Config(width=4, depth=2, layers=5)).eval()
    inputs = {"nodes": torch.randn(5, 3), "layer": torch.arange(5).int(), "edges": torch.randn(4, 2)}
    inputs |= {"source": torch.arange(4).int(), "destination": torch.arange(1, 5).int()}
    graph = Incidence(inputs["source"], inputs["destination"], 5)
    x, e = network.node(inputs["nodes"], inputs["layer"]), network.edge(inputs["edges"])
    first, second = network.blocks
    expected = network.head(x, second(x, first(x, e, graph), graph), graph)
    torch.testing.assert_close(network(**inputs), expected)
