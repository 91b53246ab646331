from __future__ import annotations

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.hits.mask_transformer import MaskLayer
from tests.models.hits.showers import event, joined, network

BLOCK = {"name": "mask_transformer", "queries": 5, "decoder": 2}


def test_hits_in_any_order_and_beside_any_event_get_the_same_answers() -> None:
    module, batch = network(BLOCK, 4).eval(), event()
    outputs = module(**batch)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {"objects": (1, 5, 4), "masks": (30, 5)}
    order = torch.randperm(30, generator=torch.Generator().manual_seed(3))
    turned = module(**{name: value[order] for name, value in batch.items()})
    torch.testing.assert_close(turned["masks"], outputs["masks"][order], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(turned["objects"], outputs["objects"], rtol=1e-4, atol=1e-5)
    other = event(21, seed=8)
    both, alone = module(**joined([other, batch])), module(**other)
    for name in outputs:
        torch.testing.assert_close(both[name], torch.cat([alone[name], outputs[name]]), rtol=1e-4, atol=1e-5)


def test_all_layers_answer_in_training_and_everything_learns() -> None:
    module = network(BLOCK, 4).train()
    outputs = module(**joined([event(), event(9, seed=4)]))
    assert set(outputs) == {"objects", "masks", "objects_0", "masks_0", "objects_1", "masks_1"}
    assert outputs["objects_1"].shape == (2, 5, 4)
    assert outputs["masks_1"].shape == (39, 5)
    sum(value.square().sum() for value in outputs.values()).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_no_hits_and_events_without_hits_are_fine() -> None:
    module = network(BLOCK, 4)
    batch = event(12)
    nothing = module(**{name: value[:0] for name, value in batch.items()})
    assert nothing["objects"].shape == (0, 5, 4)
    assert nothing["masks"].shape == (0, 5)
    batch["event"] += 1
    outputs = module(**batch)
    assert outputs["objects"].shape == (2, 5, 4)
    sum(value.square().sum() for value in outputs.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_inputs_without_places_are_refused() -> None:
    with pytest.raises(ConfigError, match="hits of a calorimeter"):
        MODELS.build(BLOCK, where="test").check({"nodes": (4,), "layer": (), "event": ()})


def test_queries_see_their_hits_and_each_other() -> None:
    torch.manual_seed(0)
    module = MaskLayer(4, 2, 8)
    queries, start, hits = torch.randn(2, 3, 4), torch.randn(3, 4), torch.randn(2, 5, 4)
    seen = torch.zeros(2, 3, 5, dtype=torch.bool)
    seen[:, :, 0] = True
    y = module(queries, start, hits, seen)
    assert y.shape == (2, 3, 4)
    unseen = hits.clone()
    unseen[:, 1:] += 1.0
    assert torch.equal(module(queries, start, unseen, seen), y)
    changed = queries.clone()
    changed[0, 1] = torch.randn(4)
    moved = (module(changed, start, hits, seen) - y).abs().amax(2) > 1e-6
    assert moved[0].all()
    assert not moved[1].any()
