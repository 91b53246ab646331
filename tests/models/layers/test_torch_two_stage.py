"""The network of two stages."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.layers import torch_boxes as boxing
from hitforge.models.layers.torch_two_stage import Pyramid, TwoStage

SIZES = {2: (((3.0, 2.0), (5.0, 4.0)),), 3: (((3.0, 2.0, 2.0),), ((5.0, 4.0, 4.0), (6.0, 5.0, 5.0)))}
SHAPES = {2: (7, 9), 3: (6, 8, 7)}


def network(dimensions: int, **more: object) -> TwoStage:
    torch.manual_seed(0)
    values = {"widths": (4, 6), "width": 8, "anchors": SIZES[dimensions], "candidates": 30, "proposals": 5, "pool": 2}
    values |= {"mask": 3, "mask_width": 4, "dense": 16}
    name = "image" if dimensions == 2 else "volume"
    return TwoStage(SHAPES[dimensions], 1 if dimensions == 2 else 2, 3, name, **{**values, **more})


def maps(dimensions: int, count: int = 2) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return {"image" if dimensions == 2 else "volume": torch.randn(count, 2, *SHAPES[dimensions], generator=random)}


@pytest.mark.parametrize("dimensions", [2, 3])
def test_outputs_have_their_shapes_and_everything_learns(dimensions: int) -> None:
    module, d = network(dimensions), dimensions
    found = module(**maps(d))
    n = 4 if d == 2 else 2  # two views of each event
    anchors = {2: 4 * 5 * 2, 3: 6 * 8 * 7 + 3 * 4 * 4 * 2}[d]
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "anchors": (n, anchors, 1 + 2 * d),
        "grid": (anchors, 2 * d),
        "proposals": (n, 5, 2 * d),
        "valid": (n, 5),
        "regions": (n, 5, 3 + 2 * d + 1),
        "boxes": (n, 5, 2 * d),
        "frames": (n, 5, 2 * d),
        "masks": (n, 5, *[3] * d),
    }
    assert all(value.dtype == torch.float32 for value in found.values())
    assert not any(found[name].requires_grad for name in ("grid", "proposals", "valid", "boxes", "frames"))
    sum(found[name].square().sum() for name in ("anchors", "regions", "masks")).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("dimensions", [2, 3])
def test_each_event_is_answered_by_itself(dimensions: int) -> None:
    module, inputs = network(dimensions).eval(), maps(dimensions, 3)
    with torch.no_grad():
        found = module(**inputs)
        alone = module(**{name: value[1:2] for name, value in inputs.items()})
    for name in ("proposals", "regions", "masks"):
        part = found[name].unflatten(0, (3, -1))[1]
        torch.testing.assert_close(alone[name], part, rtol=1e-3, atol=1e-4)


def test_proposals_are_inside_sorted_and_apart() -> None:
    module = network(3, proposals=12, suppress=0.3)
    found = module(**maps(3))
    real = found["valid"] > 0
    assert real.any()
    for i in range(2):
        boxes = found["proposals"][i][real[i]]
        assert (boxes >= 0).all()
        assert (boxes <= torch.tensor([6, 8, 7, 6, 8, 7])).all()
        assert boxing.box_overlaps(boxes, boxes).fill_diagonal_(0).max() <= 0.3
        decoded = boxing.clip(boxing.decode(found["anchors"][i][:, 1:], found["grid"]), SHAPES[3])
        best = decoded[found["anchors"][i, :, 0].argmax()]
        torch.testing.assert_close(boxes[0], best)


def test_refined_boxes_are_what_the_regions_say() -> None:
    found = network(3, grow=2.0)(**maps(3))
    boxes = boxing.clip(boxing.decode(found["regions"][..., 3:-1], found["proposals"]), SHAPES[3])
    torch.testing.assert_close(found["boxes"], boxes)
    torch.testing.assert_close(found["frames"], boxing.enlarged(boxes, 2.0))


def test_large_regions_take_coarse_maps() -> None:
    module = network(3)
    flat = [torch.full((1, 8, 6, 8, 7), 1.0), torch.full((1, 8, 3, 4, 4), 2.0)]
    boxes = torch.tensor([[[1.0, 1, 1, 3, 3, 3], [0, 0, 0, 6, 8, 7]]])
    found = module._features(flat, [1, 2], boxes, 2)
    assert found.shape == (1, 2, 8, 2, 2, 2)
    assert (found[:, 0] == 1).all()
    assert (found[:, 1] == 2).all()


def test_the_pyramid_brings_coarse_features_to_fine_maps() -> None:
    torch.manual_seed(0)
    pyramid = Pyramid(2, 3, (4, 6, 8), 1, 8)
    torch.nn.init.zeros_(pyramid.lateral[0].weight)
    torch.nn.init.zeros_(pyramid.lateral[1].weight)
    fine, middle, coarse = pyramid(torch.randn(1, 2, 7, 8, 9))
    assert [tuple(x.shape[2:]) for x in (fine, middle, coarse)] == [(7, 8, 9), (4, 4, 5), (2, 2, 3)]
    torch.testing.assert_close(fine[..., 0, 0, 0], coarse[..., 0, 0, 0])
    torch.testing.assert_close(fine[..., 6, 7, 8], coarse[..., 1, 1, 2])


def test_an_empty_volume_gives_finite_numbers() -> None:
    module = network(3)
    found = module(volume=torch.zeros(1, 2, *SHAPES[3]))
    assert all(value.isfinite().all() for value in found.values())
    assert (boxing.sides(found["frames"]) >= 0).all()
