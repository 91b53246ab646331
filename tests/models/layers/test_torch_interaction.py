"""Parts of interaction networks, against plain sums."""

from __future__ import annotations

import torch
from torch.nn import functional

from hitforge.models.layers.torch_incidence import Incidence
from hitforge.models.layers.torch_interaction import (
    EdgeHead,
    EdgeUpdate,
    Encoder,
    Gate,
    HitHead,
    InteractionStep,
    NodeUpdate,
    run_step,
    steps,
)

SOURCE, DESTINATION = torch.tensor([0, 3, 1, 0]), torch.tensor([1, 2, 2, 3])
GRAPH = Incidence(SOURCE, DESTINATION, 4)
X, E = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(0))


def test_an_edge_adds_what_it_and_its_hits_say() -> None:
    torch.manual_seed(1)
    layer = EdgeUpdate(6)
    a, b = layer.ends.weight.chunk(2)
    hidden = X[SOURCE] @ a.T + X[DESTINATION] @ b.T + layer.edge(E)
    torch.testing.assert_close(layer(X, E, GRAPH), E + layer.norm(layer.output(functional.silu(hidden))))


def test_a_hit_adds_what_it_is_and_hears() -> None:
    torch.manual_seed(2)
    layer, message = NodeUpdate(6, 12), torch.randn(4, 12)
    hidden = functional.silu(layer.own(X) + layer.message(message))
    torch.testing.assert_close(layer(X, message), X + layer.norm(layer.output(hidden)))


def test_gated_sums_stand_apart_for_both_ends() -> None:
    torch.manual_seed(3)
    layer, zero = Gate(6), torch.zeros(4, 6)
    gated = E * torch.sigmoid(layer.gate(E))
    expected = torch.cat([zero.index_add(0, SOURCE, gated), zero.index_add(0, DESTINATION, gated)], dim=1)
    torch.testing.assert_close(layer(E, GRAPH), expected)


def test_a_step_updates_edges_first() -> None:
    torch.manual_seed(4)
    step = InteractionStep(6)
    x, e = step(X, E, GRAPH)
    torch.testing.assert_close(e, step.edge(X, E, GRAPH))
    torch.testing.assert_close(x, step.node(X, step.gate(e, GRAPH)))


def test_heads() -> None:
    torch.manual_seed(5)
    edge, hit, more = EdgeHead(6, 2), HitHead(6, 3), torch.randn(4, 6)
    a, b = edge.ends.weight.chunk(2)
    hidden = X[SOURCE] @ a.T + X[DESTINATION] @ b.T + edge.edge(E)
    torch.testing.assert_close(edge(X, E, GRAPH), edge.output(functional.silu(hidden)))
    torch.testing.assert_close(edge(X, E, GRAPH, more), edge.output(functional.silu(hidden + more)))
    torch.testing.assert_close(hit(X), hit.output(functional.silu(hit.hidden(X))))


def test_an_encoder_normalises_and_knows_layers_up_to_the_last() -> None:
    torch.manual_seed(6)
    encoder, given = Encoder(3, 5, layers=4), torch.randn(8, 3)
    layer = torch.tensor([0, 1, 2, 3, 3, 0, 9, -1]).int()
    assert torch.equal(encoder(given, layer), encoder(given, layer.clamp(0, 3)))
    torch.testing.assert_close(encoder(100 * given + 7, layer), encoder(given, layer), rtol=1e-3, atol=1e-3)
    encoder.eval()
    assert not torch.allclose(encoder(given, layer), encoder(given, 3 - layer.clamp(0, 3)))
    before = encoder.norm.running_mean.clone()
    assert encoder.train()(given[:0], layer[:0]).shape == (0, 5)
    assert torch.equal(encoder.norm.running_mean, before)


def test_steps_share_weights_or_not() -> None:
    assert len({id(step) for step in steps(lambda: InteractionStep(4), 3, shared=False)}) == 3
    assert len({id(step) for step in steps(lambda: InteractionStep(4), 3, shared=True)}) == 1


def test_saving_memory_changes_no_gradient() -> None:
    torch.manual_seed(7)
    step, gradients = InteractionStep(6), []
    for saving in (False, True):
        x = X.clone().requires_grad_()
        sum(part.square().sum() for part in run_step(step, saving, x, E, GRAPH)).backward()
        gradients.append(x.grad)
    torch.testing.assert_close(*gradients)
