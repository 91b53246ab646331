"""Message passing over several sets of edges, against one set at a time."""

from __future__ import annotations

import torch

from hitforge.models.layers.torch_edge_sets import EdgeSetsStep, sum_of
from hitforge.models.layers.torch_incidence import Incidence


def test_sets_bring_their_sums_to_hits_of_each_kind() -> None:
    torch.manual_seed(0)
    graphs = [
        Incidence(torch.tensor([0, 1]), torch.tensor([2, 2]), 5),
        Incidence(torch.tensor([4, 0, 3]), torch.tensor([1, 3, 2]), 5),
    ]
    step, x, e = EdgeSetsStep(6, 2, 2), torch.randn(5, 6), [torch.randn(2, 6), torch.randn(3, 6)]
    updated, found = step(x, e, graphs, [2, 3])
    message = torch.zeros(5, 12)
    for i in range(2):
        torch.testing.assert_close(found[i], step.edges[i](x, e[i], graphs[i]))
        message = message + step.gates[i](found[i], graphs[i])
    torch.testing.assert_close(updated[:2], step.nodes[0](x[:2], message[:2]))
    torch.testing.assert_close(updated[2:], step.nodes[1](x[2:], message[2:]))


def test_sums_of_tensors() -> None:
    x = torch.ones(2)
    assert sum_of([x]).tolist() == [1.0, 1.0]
    assert sum_of([x, 2 * x, x]).tolist() == [4.0, 4.0]
