"""Comparisons that the tests of all networks on graphs of hits make."""

from __future__ import annotations

from typing import Any

import torch

from hitforge.models import MODELS

FEATURES, GIVEN, LAYERS = 4, 3, 6
INPUTS: dict[str, tuple[int, ...]] = {
    "nodes": (FEATURES,),
    "layer": (),
    "event": (),
    "kind": (),
    "edges": (GIVEN,),
    "source": (),
    "destination": (),
}
SECOND: dict[str, tuple[int, ...]] = {"edges_1": (2,), "source_1": (), "destination_1": ()}
Batch = dict[str, torch.Tensor]


def network(block: dict[str, Any], outputs: int = 2, inputs: dict[str, tuple[int, ...]] = INPUTS) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build({"layers": LAYERS, **block}, where="test").torch(inputs, outputs)


def _edges(hits: int, edges: int, features: int, random: torch.Generator) -> list[torch.Tensor]:
    """Edges from a hit to a later one."""
    pair = torch.rand(edges, hits, generator=random).argsort(1)[:, :2].sort(1).values.int()  # (E, 2)
    return [torch.randn(edges, features, generator=random), pair[:, 0], pair[:, 1]]


def graph(hits: int = 30, edges: int = 70, seed: int = 0, *, second: bool = False) -> Batch:
    """One event."""
    random = torch.Generator().manual_seed(seed)
    found = {
        "nodes": torch.randn(hits, FEATURES, generator=random),
        "layer": (torch.arange(hits) * LAYERS // hits).int(),
        "event": torch.zeros(hits, dtype=torch.int32),
        "kind": torch.randint(0, 2, (hits,), generator=random).int(),
    }
    found["place"] = found["nodes"]
    found |= dict(zip(("edges", "source", "destination"), _edges(hits, edges, GIVEN, random), strict=True))
    if second:
        found |= dict(zip(SECOND, _edges(hits, edges + 9, 2, random), strict=True))
    return found


def joined(parts: list[Batch]) -> Batch:
    """Several events in one batch."""
    found, start = {name: [] for name in parts[0]}, 0
    for number, part in enumerate(parts):
        for name, value in part.items():
            shift = start if name.startswith(("source", "destination")) else number if name == "event" else 0
            found[name].append(value + shift if shift else value)
        start += len(part["nodes"])
    return {name: torch.cat(values) for name, values in found.items()}


def shuffled(batch: Batch) -> tuple[Batch, torch.Tensor, torch.Tensor]:
    """The same graph with hits and edges in another order, and the orders."""
    random = torch.Generator().manual_seed(3)
    hits, found = torch.randperm(len(batch["nodes"]), generator=random), dict(batch)
    place, first = hits.argsort().int(), torch.empty(0)
    for name in ("nodes", "place", "layer", "event", "kind"):
        found[name] = batch[name][hits]
    for suffix in ("", "_1"):
        if f"edges{suffix}" in batch:
            order = torch.randperm(len(batch[f"edges{suffix}"]), generator=random)
            first = order if not suffix else first
            found[f"edges{suffix}"] = batch[f"edges{suffix}"][order]
            for name in (f"source{suffix}", f"destination{suffix}"):
                found[name] = place[batch[name][order].long()]
    return found, hits, first


def assert_graph_model(block: dict[str, Any], inputs: dict[str, tuple[int, ...]] = INPUTS, unused: str = "") -> None:
    """An answer for each edge or hit; neither order nor other events matter; everything learns, and repeats."""
    module, second = network(block, inputs=inputs), "edges_1" in inputs
    per = MODELS.build(block, where="test").per
    batch = graph(second=second)
    module.train()
    first = module(**batch)
    assert first.shape == ({"hit": 30, "edge": 70}[per], 2)
    first.square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name
    again = network(block, inputs=inputs).train()
    assert torch.equal(again(**batch), first)
    again(**batch).square().sum().backward()
    module.zero_grad()
    module(**batch).square().sum().backward()
    for here, there in zip(module.parameters(), again.parameters(), strict=True):
        assert torch.equal(here.grad, there.grad)
    module.eval()
    outputs = module(**batch)
    turned, hits, edges = shuffled(batch)
    torch.testing.assert_close(module(**turned), outputs[hits if per == "hit" else edges], rtol=1e-4, atol=1e-5)
    other = graph(21, 33, seed=8, second=second)
    both = module(**joined([batch, other]))
    torch.testing.assert_close(both, torch.cat([outputs, module(**other)]), rtol=1e-4, atol=1e-5)
    for name in inputs:
        if name in ("event", unused) or name.startswith(("source", "destination", "kind")):
            continue
        changed = (batch[name] + 1) % LAYERS if name == "layer" else batch[name] * 2 + 1
        assert not torch.allclose(module(**{**batch, name: changed}), outputs), name


def assert_empty_graphs_are_fine(block: dict[str, Any], inputs: dict[str, tuple[int, ...]] = INPUTS) -> None:
    """No edges, or no hits at all: as many answers, all finite, and a backward pass."""
    module, second = network(block, inputs=inputs), "edges_1" in inputs
    full = graph(second=second)
    hits_only = {
        name: value[:0] if name not in ("nodes", "place", "layer", "event", "kind") else value
        for name, value in full.items()
    }
    nothing = {name: value[:0] for name, value in full.items()}
    per = MODELS.build(block, where="test").per
    for training in (True, False):
        for batch in (hits_only, nothing):
            outputs = module.train(training)(**batch)
            assert outputs.shape == (len(batch["nodes"]) if per == "hit" else 0, 2)
            assert outputs.isfinite().all()
            outputs.square().sum().backward()
            assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())
    assert module(**full).isfinite().all()


def chains(count: int, seed: int, *, second: bool = False) -> tuple[Batch, torch.Tensor, torch.Tensor]:
    """Chains of four hits, true or not as the first hit's feature says, joined by three edges.

    Returns:
        The batch, the truth of each edge, and whether the first hit is none of its own.
    """
    random, length = torch.Generator().manual_seed(seed), 4
    truth, hits = torch.randint(0, 2, (count,), generator=random), count * length
    nodes = torch.randn(hits, FEATURES, generator=random)
    nodes[:, 0] = 0.0
    nodes[::length, 0] = 2.0 * truth - 1
    start = (torch.arange(count)[:, None] * length + torch.arange(length - 1)).view(-1).int()
    batch = {
        "nodes": nodes,
        "layer": torch.arange(length).repeat(count).int(),
        "event": torch.zeros(hits, dtype=torch.int32),
        "kind": (torch.arange(length) > 1).repeat(count).int(),
        "edges": torch.randn(len(start), GIVEN, generator=random),
        "source": start,
        "destination": start + 1,
    }
    if second:
        batch |= {
            "edges_1": torch.randn(len(start), 2, generator=random),
            "source_1": start,
            "destination_1": start + 1,
        }
    return batch, truth.repeat_interleave(length - 1), torch.arange(len(start)) % (length - 1) >= 1


def learned(block: dict[str, Any], inputs: dict[str, tuple[int, ...]] = INPUTS, steps: int = 100) -> float:
    """Share of right answers on edges of unseen chains, or hits, that do not see the first hit themselves."""
    module, second = network(block, 1, inputs), "edges_1" in inputs
    per = MODELS.build(block, where="test").per
    optimiser = torch.optim.Adam(module.parameters(), lr=5e-3)
    for step in range(steps + 1):
        batch, truth, last = chains(120, step, second=second)
        if per == "hit":
            last = torch.arange(len(batch["nodes"])) % 4 >= 1
            truth = truth[::3].repeat_interleave(4)
        module.train(step < steps)
        outputs = module(**batch)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(outputs, truth.float())
        if step < steps:
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return ((outputs > 0) == truth)[last].float().mean().item()
