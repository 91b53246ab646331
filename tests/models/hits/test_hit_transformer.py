from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from tests.models.hits.showers import INPUTS, SMALL, event, joined, network

BLOCK = {"name": "hit_transformer"}


@pytest.mark.parametrize("block", [{}, {"pool": 0, "blocks": 1, "orders": ["first"], "waves": 0}])
def test_hits_in_any_order_and_beside_any_event_get_the_same_answers(block: dict[str, Any]) -> None:
    module, batch = network({**BLOCK, **block}).eval(), event()
    outputs = module(**batch)
    assert outputs.shape == (30, 2)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(3))
    turned = module(**{name: value[order] for name, value in batch.items()})
    torch.testing.assert_close(turned, outputs[order], rtol=1e-4, atol=1e-5)
    other = event(21, seed=8)
    both = module(**joined([other, batch]))
    torch.testing.assert_close(both, torch.cat([module(**other), outputs]), rtol=1e-4, atol=1e-5)
    for name in ("nodes", "place", "layer"):
        changed = (batch[name] + 1) % 6 if name == "layer" else batch[name] * 2 + 1
        assert not torch.allclose(module(**{**batch, name: changed}), outputs), name


def test_everything_learns_and_repeats() -> None:
    batch = event()
    module, again = network(BLOCK).train(), network(BLOCK).train()
    for one in (module, again):
        one(**batch).square().sum().backward()
    for (name, here), there in zip(module.named_parameters(), again.parameters(), strict=True):
        assert here.grad is not None, name
        assert here.grad.isfinite().all(), name
        assert here.grad.abs().sum() > 0, name
        assert torch.equal(here.grad, there.grad), name


def test_no_hits_and_one_hit_are_fine() -> None:
    module = network(BLOCK).train()
    for count in (0, 1):
        outputs = module(**{name: value[:count] for name, value in event().items()})
        assert outputs.shape == (count, 2)
        outputs.square().sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())


def test_groups_see_the_whole_event() -> None:
    batch = event(60)
    changed = {**batch, "nodes": batch["nodes"].index_add(0, torch.tensor([7]), torch.ones(1, 4))}
    for pool, everywhere in ((5, True), (0, False)):
        module = network({**BLOCK, "pool": pool, "blocks": 2, "orders": ["plane"], "reach": 0}).eval()
        moved = (module(**batch) - module(**changed)).abs().amax(1) > 0
        assert moved[7]
        assert bool(moved.all()) == everywhere


def test_wrong_inputs_and_sizes_are_refused() -> None:
    model = MODELS.build({**SMALL, **BLOCK}, where="test")
    model.check(INPUTS)
    with pytest.raises(ConfigError, match=r"hits of a calorimeter.*shower_hits"):
        model.check({"nodes": (4,), "layer": (), "event": ()})
    with pytest.raises(ConfigError, match="multiple of heads"):
        MODELS.build({**SMALL, **BLOCK, "heads": 3}, where="test")
