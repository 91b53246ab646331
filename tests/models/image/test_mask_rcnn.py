"""Mask R-CNN on two projections."""

from __future__ import annotations

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS


def test_both_views_go_through_one_network() -> None:
    model = MODELS.build({"name": "mask_rcnn", "proposals": 6, "candidates": 40}, where="test")
    assert model.per == "object"
    assert model.engines() == ["torch"]
    inputs = {"image": (16, 12, 2), "nodes": (5,), "place": (3,)}
    model.check(inputs)
    torch.manual_seed(0)
    module = model.torch(inputs, 3)
    image = torch.randn(2, 16, 12, 2).movedim(-1, 1)
    with torch.no_grad():
        found = module(image=image, nodes=torch.zeros(4, 5))
        turned = module(image=image.flip(1))
    assert found["proposals"].shape == (4, 6, 4)
    assert found["regions"].shape == (4, 6, 3 + 4 + 1)
    assert found["masks"].shape == (4, 6, 8, 8)
    for name in ("anchors", "proposals", "masks"):
        torch.testing.assert_close(turned[name], found[name][[1, 0, 3, 2]], rtol=1e-3, atol=1e-4)


def test_other_images_are_refused() -> None:
    model = MODELS.build({"name": "mask_rcnn"}, where="test")
    with pytest.raises(ConfigError, match="two channels are the projections"):
        model.check({"image": (16, 12, 3)})
    with pytest.raises(ConfigError, match="takes one image with 2 axes"):
        model.check({"volume": (16, 12, 3, 1)})
