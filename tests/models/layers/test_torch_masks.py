from __future__ import annotations

import torch

from hitforge.models.layers.torch_masks import MaskLayer


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
