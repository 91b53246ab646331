"""The two-stage detector in 3D."""

from __future__ import annotations

import torch

from hitforge.models import MODELS


def test_takes_the_volume_and_leaves_the_hits() -> None:
    model = MODELS.build({"name": "two_stage_detector", "proposals": 6, "candidates": 40}, where="test")
    assert model.per == "object"
    assert model.engines() == ["torch"]
    inputs = {"volume": (9, 12, 12, 2), "nodes": (5,), "place": (3,), "energy": ()}
    model.check(inputs)
    torch.manual_seed(0)
    module = model.torch(inputs, 3)
    volume = torch.randn(1, 9, 12, 12, 2).movedim(-1, 1)
    with torch.no_grad():
        found = module(volume=volume, nodes=torch.zeros(4, 5), place=torch.zeros(4, 3), energy=torch.zeros(4))
    assert found["proposals"].shape == (1, 6, 6)
    assert found["regions"].shape == (1, 6, 3 + 6 + 1)
    assert found["masks"].shape == (1, 6, 8, 8, 8)
    grid = found["grid"]
    assert len(grid) == 3 * (5 * 6 * 6 + 3 * 3 * 3)  # stages of half and a quarter of the sides
    assert (grid[:, 3] - grid[:, 0] > grid[:, 4] - grid[:, 1]).all()  # long along the depth
