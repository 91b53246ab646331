"""Showers as regions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.layers.torch_boxes import box_overlaps
from hitforge.tasks import TASKS
from hitforge.tasks.detect_regions import DetectRegions
from tests.tasks.region_events import ENERGY, event, perfect, tensors, together

VIEWS = {2: ((0, 1), (0, 2)), 3: ((0, 1, 2),)}
SMALL: dict[str, Any] = {"widths": [8, 12], "width": 12, "candidates": 64, "proposals": 8, "pool": 3, "mask": 6}
SMALL |= {"mask_width": 8, "dense": 32}


def build(**values: object) -> DetectRegions:
    return DetectRegions(DetectRegions.Config.read(values, where="test"))


def network(dimensions: int) -> torch.nn.Module:
    """A small network for the events of ``region_events``."""
    name = "two_stage_detector" if dimensions == 3 else "mask_rcnn"
    sides = [4.0, 2.5, 2.5][:dimensions], [6.0, 4.0, 4.0][:dimensions]
    model = MODELS.build({"name": name, **SMALL, "anchors": [sides]}, where="test")
    torch.manual_seed(0)
    return model.torch({"volume": (10, 16, 16, 2), "image": (10, 16, 2), "place": (3,)}, 3)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_loss_reaches_every_parameter_and_a_seed_repeats_it(dimensions: int) -> None:
    module, task = network(dimensions), build(anchor_sample=32, region_fore=0.02)
    inputs, target = (tensors(together(*parts)) for parts in zip(event(0), event(1), strict=True))
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        module.zero_grad()
        losses.append(task.torch_loss(module(**inputs), target))
        losses[-1].backward()
    assert losses[0].item() == losses[1].item() != losses[2].item()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("dimensions", [2, 3])
def test_an_event_without_particles_or_hits_has_a_loss(dimensions: int) -> None:
    module, (inputs, target) = network(dimensions), event(0)
    none = {**target, "fraction": target["fraction"][:, :0], "objects": target["objects"][:, :0]}
    loss = build().torch_loss(module(**tensors(inputs)), tensors(none))
    loss.backward()
    assert loss.isfinite()
    assert loss > 0
    empty = {name: value[:0] if name != "objects" else value for name, value in target.items()}
    assert build().torch_loss(module(**tensors(inputs)), tensors(empty)).isfinite()


@pytest.mark.parametrize("dimensions", [2, 3])
def test_what_is_perfect_has_no_loss_in_boxes_and_little_in_masks(dimensions: int) -> None:
    _, target = event(0)
    out = perfect(target, VIEWS[dimensions])
    out["anchors"][:, :2, 0], out["anchors"][:, 2, 0] = 8, -8
    outputs = {name: torch.from_numpy(value) for name, value in out.items()}
    boxes = build(objectness=0, classes=0, correction=0, mask=0, overlap=0, anchor_fore=0.99, region_fore=0.99)
    if dimensions == 3:  # in two views, the anchors are those of the first
        assert boxes.torch_loss(outputs, tensors(target)).item() == pytest.approx(0, abs=1e-5)
    masks = build(objectness=0, classes=0, correction=1, mask=1, overlap=1, anchor_box=0, box=0)
    good = masks.torch_loss(outputs, tensors(target)).item()
    assert good < 0.7
    outputs["masks"] = -outputs["masks"]
    assert masks.torch_loss(outputs, tensors(target)).item() > good + 2
    classes = build(objectness=1, classes=1, correction=0, mask=0, overlap=0, anchor_box=0, box=0, region_fore=0.9)
    if dimensions == 3:
        assert classes.torch_loss(outputs, tensors(target)).item() < 0.02
        outputs["regions"] = outputs["regions"][:, [1, 0, 2]]
        assert classes.torch_loss(outputs, tensors(target)).item() > 1


def test_the_mask_loss_is_the_sum_over_hits() -> None:
    _, target = event(0)
    out = {name: torch.from_numpy(value) for name, value in perfect(target, VIEWS[3]).items()}
    out["masks"][:] = 0.4  # the same logit everywhere
    given = dict.fromkeys(("objectness", "anchor_box", "classes", "box", "correction", "overlap"), 0)
    found = build(**given).torch_loss(out, tensors(target)).item()
    iou = build(**{**given, "overlap": 1}, mask=0).torch_loss(out, tensors(target)).item()
    p, entropies, ious = 1 / (1 + np.exp(-0.4)), [], []
    for k in (0, 1):
        frame = out["frames"][0, k].numpy()
        inside = ((target["place"] >= frame[:3]) & (target["place"] < frame[3:])).all(1)
        share, energy = target["fraction"][inside, k], target["energy"][inside]
        entropies.append(-(energy * (share * np.log(p) + (1 - share) * np.log(1 - p))).sum() / energy.sum())
        ious.append((energy * np.minimum(p, share)).sum() / (energy * np.maximum(p, share)).sum())
    assert found == pytest.approx(np.mean(entropies), rel=1e-4)
    assert iou == pytest.approx(1 - np.mean(ious), rel=1e-4)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_perfect_outputs_give_the_showers(dimensions: int) -> None:
    inputs, target = event(0)
    task = build()
    out = perfect(target, VIEWS[dimensions])
    if dimensions == 2:  # the second view has its regions in another order
        for name in ("proposals", "regions", "boxes", "frames", "masks"):
            out[name][1, :2] = out[name][1, [1, 0]]
    found = task.objects(out, inputs)
    assert found.count == 2
    assert found.parameters["hadron"].round().tolist() == [0, 1]
    assert (found.parameters["score"] > 0.95).all()
    np.testing.assert_allclose(found.parameters["energy"], ENERGY, rtol=0.1)
    share = np.zeros((len(inputs["energy"]), 2))
    assert found.weight is not None
    share[found.hit, found.member] = found.weight
    assert (share.sum(1) <= 1 + 1e-6).all()
    assert min(share[20:150, 0].mean(), share[150:300, 1].mean()) > 0.9
    assert share[150:300, 0].max() < 0.05
    score = task.score(out, target)
    assert score["overlap"] > 0.85
    assert (score["efficiency"], score["fakes"]) == (1.0, 0.0)


def test_regions_on_a_better_one_and_without_a_partner_are_left_out() -> None:
    inputs, target = event(0)
    out = perfect(target, VIEWS[3])
    for name in ("boxes", "frames"):
        out[name][0, 2] = out[name][0, 0] + 0.01
    out["regions"][0, 2, :3] = [4, 0, 0]  # worse than the first, which it lies on
    assert build().objects(out, inputs).count == 2
    both = build(duplicate=1.0, min_share=0.0).objects(out, inputs)
    assert both.count == 3
    assert both.weight is not None
    total = np.bincount(both.hit, both.weight)
    assert total.max() <= 1 + 1e-6
    flat = perfect(target, VIEWS[2])
    flat["valid"][1, 1] = 0
    assert build().objects(flat, inputs).count == 1
    flat["valid"][1] = 0
    assert build().objects(flat, inputs).count == 0


def test_two_views_divide_a_hit_by_the_products_of_their_masks() -> None:
    from hitforge.tasks.detect_regions import _divided

    first = np.array([[0.5, 0.5], [0.9, 0.0], [0.3, 0.0], [0.6, 0.6], [0.4, 0.6]])
    second = np.array([[1.0, 0.0], [0.8, 0.0], [0.0, 0.9], [0.6, 0.6], [0.6, 0.4]])
    found = _divided(first, second)
    np.testing.assert_allclose(found[0], [1.0, 0.0])  # together in one view, apart in the other
    np.testing.assert_allclose(found[1], [0.8, 0.0])
    assert found[2].tolist() == [0.0, 0.0]  # no shower holds it in both views
    np.testing.assert_allclose(found[3:], [[0.5, 0.5], [0.5, 0.5]])


def test_shares_above_one_are_cut_in_favour_of_the_better() -> None:
    from hitforge.tasks.detect_regions import _cut

    share, score = np.array([[0.5, 0.4], [1.0, 1.0], [0.9, 0.2]]), np.array([0.9, 0.3])
    found = _cut(share, score)
    assert found[0].tolist() == [0.5, 0.4]  # as it was
    np.testing.assert_allclose(found[1], [0.9, 0.1])
    assert found[2, 0] <= 0.9
    assert (found.sum(1) <= 1 + 1e-12).all()
    assert (found <= share).all()


@pytest.mark.parametrize("dimensions", [2, 3])
def test_an_event_is_learned_by_heart(dimensions: int) -> None:
    module, (inputs, target) = network(dimensions), event(0)
    task = build(anchor_sample=64, min_score=0.3, classes=3)
    given, wanted = tensors(inputs), tensors(target)
    torch.manual_seed(0)
    optimizer, steps = torch.optim.Adam(module.parameters()), 50 * dimensions
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 3e-3 * (1 - step / steps)
        optimizer.zero_grad()
        task.torch_loss(module(**given), wanted).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimizer.step()
    module.eval()
    with torch.no_grad():
        out = {name: value.numpy() for name, value in module(**given).items()}
    score = task.score(out, target)
    assert score["overlap"] > 0.6
    assert (score["efficiency"], score["fakes"]) == (1.0, 0.0)
    found = task.objects(out, inputs)
    assert found.count == 2
    assert sorted(found.parameters["hadron"].round().tolist()) == [0, 1]
    np.testing.assert_allclose(np.sort(found.parameters["energy"]), ENERGY, rtol=0.25)
    if dimensions == 3:
        truth = torch.from_numpy(target["objects"][0, :, 7:13])
        assert (box_overlaps(truth, torch.from_numpy(out["boxes"][0])).max(1).values > 0.6).all()


def test_the_class_says_what_it_is() -> None:
    task = TASKS.build({"name": "detect_regions"}, where="test")
    assert (task.per, task.outputs, task.kind) == ("object", 3, "shower")
    with pytest.raises(ConfigError, match="no anchors"):
        task.torch_loss({"heat": torch.zeros(1)}, tensors(event(0)[1]))
